"""Whether a meter can have counted what it tells. Pure."""

from __future__ import annotations

from typing import Final

from services.stream_processors.engine.payload import Payload
from services.stream_processors.ev.connector import Counts, Grown, Socket
from services.stream_processors.ev.told import PLAIN, REGISTER

RATED_MOST_W: Final = 5_000_000
"""What no connector can deliver more than (the contract's greatest rating), for those that tell no rating."""

_HOUR_US: Final = 3_600_000_000


def grown(before: Socket, payload: Payload, at_us: int, counts: Counts) -> Grown | None:
    """By how much the meter has grown with a reading; None when it has not, or does not tell.

    A register that falls back within a boot, or starts lower in another one, tells of no energy. A connector without a
    register tells the energy of its session, which begins at nothing.
    """
    register_wh, session = payload[REGISTER], payload[REGISTER + 1]
    if register_wh is not None:
        known_wh = before.register_wh
    else:
        register_wh = payload[PLAIN] if len(payload) > PLAIN else None
        if before.register_wh is not None:
            return None
        known_wh = (before.session_wh or 0) if session == before.session else 0
    if register_wh is None or known_wh is None or register_wh <= known_wh:
        return None
    wh, over_us = register_wh - known_wh, at_us - (before.metered_us or before.at_us)
    rated_w = payload[4] or before.rated_w or RATED_MOST_W
    return Grown(wh, over_us, wh <= counts.slack_wh + rated_w * counts.over_rated * over_us / _HOUR_US)
