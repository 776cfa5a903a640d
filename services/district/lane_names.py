"""The lanes that an operator may name. Pure."""

from __future__ import annotations

import re

from schemas.fields import LANE_PATTERN, LIVE
from services.district.errors import LaneRefused


def full_lane(name: str) -> str:
    """Return a lane's full name; one without a kind is `replay:<name>`.

    Raises:
        LaneRefused: it is no lane, or the lane of real life.
    """
    if name == LIVE:
        raise LaneRefused("the lane 'live' is real life; name one of its own, as in replay:april.")
    full = name if ":" in name else f"replay:{name}"
    if not re.match(LANE_PATTERN, full):
        raise LaneRefused(
            f"'{name}' is no lane; use replay:<name>, exercise:<name> or whatif:<name> with a name of small letters, "
            "digits, '.', '_' and '-'."
        )
    return full
