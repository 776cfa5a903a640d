"""`python -m deploy.web`: write the geography and the page of the one map anew."""

from __future__ import annotations

import sys
import tomllib
from typing import Final

from deploy.local.errors import LocalError
from deploy.local.paths import CHECKOUT
from deploy.web import geography
from deploy.web.build import build

DISTRICT: Final = CHECKOUT / "deploy/district/jianghan.toml"
DRAWN: Final = CHECKOUT / "deploy/district/map/drawn.toml"
GEOGRAPHY: Final = CHECKOUT / "deploy/district/map/district.geojson"


def main() -> int:
    """Write both; return the exit status."""
    district, drawn = (tomllib.loads(path.read_text(encoding="utf-8")) for path in (DISTRICT, DRAWN))
    GEOGRAPHY.write_text(geography.text(geography.feature_collection(district, drawn)), encoding="utf-8")
    try:
        size = build({"district.geojson": GEOGRAPHY})
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"web: {size / 1_000:.0f} kB in services/operations_api/static")
    return 0


if __name__ == "__main__":
    sys.exit(main())
