"""What the rules need of a connector's reading, as it stands in the window of its key. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from services.stream_processors.engine.payload import Payload


class Told(NamedTuple):
    """What a reading tells. One that is uncertain, or has no register, tells more: see `Hedged`."""

    status: str
    error: str
    contradiction: str | None
    """The vendor's word, where the state does not follow from it."""
    power_w: int | None
    rated_w: int | None
    register_wh: int | None
    session: str | None
    site_name: str | None


class Hedged(NamedTuple):
    """What follows `Told` in the payload of such a reading."""

    session_wh: int | None
    """Energy of the session so far."""
    uncertain: bool


PLAIN: Final = len(Told._fields)
"""Parts of the payload of nearly all readings."""
REGISTER: Final = Told._fields.index("register_wh")
_CERTAIN: Final = Hedged(None, uncertain=False)


def hedged(payload: Payload) -> Hedged:
    """What a payload tells beyond `Told`."""
    return Hedged(*payload[PLAIN:]) if len(payload) > PLAIN else _CERTAIN
