"""How far an alert of the sink's own is told, and how it says times. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.fields import DISTRICT_ZONE

BEING_RAISED: Final = 1
RAISED: Final = 2
RESOLVED: Final = 3
"""As the books keep it; 0: nothing is told."""


def local_minute(at: datetime) -> str:
    """A time as people of the district read it."""
    return f"{at.astimezone(DISTRICT_ZONE):%Y-%m-%d %H:%M}"
