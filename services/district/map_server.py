"""The operations API as `district run` starts it, and links that log in on its map."""

from __future__ import annotations

import secrets
import sys
from datetime import datetime
from typing import Final

from deploy.local.key_book import LOCAL_OPERATOR
from deploy.local.ports import LOOPBACK, is_free, pick_free
from deploy.local.settings import LocalSettings
from deploy.local.stack import ServiceSpec
from schemas.map_login import FRAGMENT, LASTS, Login, write_login

NAME: Final = "operations_api"
ROLE: Final = "api"
_NONCE_BYTES: Final = 12


def spec(settings: LocalSettings, grafana: str | None) -> ServiceSpec:
    """The service; on another port when the chosen one is taken, so that the map keeps nothing from starting.

    Args:
        grafana: Address of Grafana, None when there is none.
    """
    wanted = settings.api_port
    port = wanted if wanted and is_free(wanted) else pick_free()
    folder = settings.state / NAME
    extra = {
        "OPERATIONS_API_HOST": LOOPBACK,
        "OPERATIONS_API_PORT": str(port),
        "OPERATIONS_API_FOLDER": str(folder),
        **({} if grafana is None else {"GRAFANA_ADDRESS": grafana}),
    }
    command = (sys.executable, "-m", "services.operations_api")
    return ServiceSpec(NAME, command, ROLE, extra, folder=folder, endpoint=f"http://{LOOPBACK}:{port}")


def link(address: str, secret: str, now: datetime, key_id: str = LOCAL_OPERATOR) -> str:
    """The map's address with a token that begins a session once."""
    token = write_login(Login(key_id, now + LASTS, secrets.token_urlsafe(_NONCE_BYTES)), secret.encode())
    return f"{address.rstrip('/')}/map/#{FRAGMENT}{token}"
