"""Where the local servers keep what can be fetched again (cache) and what cannot (state)."""

import hashlib
import os
from pathlib import Path

APPLICATION = "jianghan-district"
CHECKOUT = Path(__file__).resolve().parents[2]


def cache_dir() -> Path:
    """Return the folder of the server prefix: `$DISTRICT_CACHE`, else the machine's or the user's cache."""
    if chosen := os.environ.get("DISTRICT_CACHE"):
        return Path(chosen).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/cache") / APPLICATION
    return _xdg("XDG_CACHE_HOME", ".cache") / APPLICATION


def state_dir() -> Path:
    """Return this checkout's folder of data, credentials and logs: `$DISTRICT_STATE`, else one per checkout."""
    if chosen := os.environ.get("DISTRICT_STATE"):
        return Path(chosen).expanduser().absolute()
    base = Path("/var/lib") if os.geteuid() == 0 else _xdg("XDG_STATE_HOME", ".local/state")
    return base / APPLICATION / checkout_label(CHECKOUT)


def checkout_label(checkout: Path) -> str:
    """Name a checkout so that two clones of the same name never share their data."""
    return f"{checkout.name}-{hashlib.sha256(str(checkout).encode()).hexdigest()[:8]}"


def _xdg(variable: str, default: str) -> Path:
    chosen = os.environ.get(variable)
    return Path(chosen) if chosen else Path.home() / default
