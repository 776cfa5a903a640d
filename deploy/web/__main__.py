"""`python -m deploy.web`: write the geography and the page of the one map anew."""

from __future__ import annotations

import sys
from typing import Final

from deploy.local.errors import LocalError
from deploy.local.paths import CHECKOUT
from deploy.web import geography
from deploy.web.build import build
from schemas.district import district_of
from schemas.plan.errors import PlanFileError
from schemas.plan.toml import tables_of

DISTRICT: Final = CHECKOUT / "deploy/district/jianghan.toml"
DRAWN: Final = CHECKOUT / "deploy/district/map/drawn.toml"
GEOGRAPHY: Final = CHECKOUT / "deploy/district/map/district.geojson"


def geography_text() -> str:
    """The geography that follows from the district file and from what was drawn by hand.

    Raises:
        PlanFileError: one of them is not what it should be.
    """
    district = district_of(DISTRICT.read_text(encoding="utf-8"), file=str(DISTRICT))
    drawn = tables_of(DRAWN.read_text(encoding="utf-8"), file=str(DRAWN))
    return geography.text(geography.feature_collection(district, drawn))


def main() -> int:
    """Write both; return the exit status."""
    try:
        GEOGRAPHY.write_text(geography_text(), encoding="utf-8")
        size = build({"district.geojson": GEOGRAPHY})
    except (LocalError, PlanFileError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"web: {size / 1_000:.0f} kB in services/operations_api/static")
    return 0


if __name__ == "__main__":
    sys.exit(main())
