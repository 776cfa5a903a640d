"""What one count of a car park says: an occupancy, nothing, or something that cannot be. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.fields import QualityCode

BELOW_ZERO: Final = QualityCode.FREE_NEGATIVE.value
ABOVE_CAPACITY: Final = QualityCode.FREE_ABOVE_CAPACITY.value

ROOM, NEARLY_FULL, FULL = 0, 1, 2
"""How full a lot is; steps beyond the limit of `parking.lot_full`."""


class Spaces(NamedTuple):
    """An occupancy as whole spaces."""

    room: int
    """Free spaces that can be used."""
    usable: int
    """Spaces less those out of service; at least 1."""

    @property
    def occupied(self) -> int:
        """Usable spaces that are taken."""
        return self.usable - self.room


def impossible(free: int, total: int) -> str | None:
    """Why a count cannot be: fewer free spaces than none, or more than there are; None when it can.

    Exactly 0 and exactly `total` can be.
    """
    if free < 0:
        return BELOW_ZERO
    if free > total:
        return ABOVE_CAPACITY
    return None


def spaces(free: int, total: int, out_of_service: int) -> Spaces | None:
    """The occupancy of a count that can be; None when no space is usable: then nothing can be said.

    occupancy = occupied / (total - out of service) (domain facts, section 6). Free spaces beyond the usable ones are
    among those out of service.
    """
    usable = total - out_of_service
    if usable <= 0:
        return None
    return Spaces(min(free, usable), usable)


def fullness(now: Spaces, nearly_full: float, full: int) -> int:
    """How full a lot is; a value exactly on a limit counts as beyond it.

    Args:
        now: Its spaces.
        nearly_full: Occupancy from which it is nearly full, 0 to 1.
        full: Usable free spaces with which it is full.
    """
    if now.room <= full:
        return FULL
    # Quotients are rounded correctly, so a share that equals the limit as a fraction equals it here, too.
    return NEARLY_FULL if now.occupied / now.usable >= nearly_full else ROOM
