"""Sums over time for one car park: of a local day, of a month, in whole spaces and microseconds. Pure.

Only whole numbers are added, so a sum does not depend on where an interval was cut or in which order lots are added.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from services.stream_processors.parking.counts import FULL, Spaces


class Sums(Struct, frozen=True, array_like=True, gc=False):
    """What has been added up over a period."""

    covered_us: int = 0
    """Time with a valid count."""
    occupied: int = 0
    """Occupied spaces times microseconds."""
    usable: int = 0
    """Usable spaces times microseconds."""
    full_us: int = 0
    """Time full."""
    n: int = 0
    """Readings with a valid count."""
    impossible: int = 0
    """Readings with a count that cannot be."""
    parked: int = 0
    """Vehicles that came in."""
    told_us: int = 0
    """Time for which it is known how many came in."""
    peak_occupied: int = 0
    peak_usable: int = 0
    """0: there was no valid count."""
    peak_us: int = 0
    """When the occupancy was highest, the first time."""

    def plus(self, other: Sums) -> Sums:
        """Both together; of equal peaks the earlier one."""
        mine = self.peak_occupied * other.peak_usable
        theirs = other.peak_occupied * self.peak_usable
        takes = other.peak_usable and (
            not self.peak_usable or theirs > mine or (theirs == mine and other.peak_us < self.peak_us)
        )
        peak = other if takes else self
        return Sums(
            self.covered_us + other.covered_us,
            self.occupied + other.occupied,
            self.usable + other.usable,
            self.full_us + other.full_us,
            self.n + other.n,
            self.impossible + other.impossible,
            self.parked + other.parked,
            self.told_us + other.told_us,
            peak.peak_occupied,
            peak.peak_usable,
            peak.peak_us,
        )


NOTHING: Final = Sums()


def held(
    sums: Sums,
    now: Spaces | None,
    level: int | None,
    from_us: int,
    until_us: int,
    *,
    n: int = 0,
    impossible: int = 0,
    parked: int = 0,
    told_us: int = 0,
) -> Sums:
    """A count that held for an interval of one day, and what the reading that ended it adds.

    Args:
        sums: Where it is added.
        now: The count; None when it says nothing.
        level: How full that is (`counts.FULL` adds to the time full).
        from_us: Start of the interval.
        until_us: Its end; no time is added when it is not later.
        n: Readings with a valid count.
        impossible: Readings with a count that cannot be.
        parked: Vehicles that came in.
        told_us: Time for which it is known how many came in.
    """
    span = until_us - from_us
    if now is None or span <= 0:
        if not (n or impossible or parked or told_us):
            return sums
        return Sums(
            sums.covered_us,
            sums.occupied,
            sums.usable,
            sums.full_us,
            sums.n + n,
            sums.impossible + impossible,
            sums.parked + parked,
            sums.told_us + told_us,
            sums.peak_occupied,
            sums.peak_usable,
            sums.peak_us,
        )
    room, usable = now
    occupied = usable - room
    peak_occupied, peak_usable, peak_us = sums.peak_occupied, sums.peak_usable, sums.peak_us
    if not peak_usable or occupied * peak_usable > peak_occupied * usable:
        peak_occupied, peak_usable, peak_us = occupied, usable, from_us
    return Sums(
        sums.covered_us + span,
        sums.occupied + occupied * span,
        sums.usable + usable * span,
        sums.full_us + span if level == FULL else sums.full_us,
        sums.n + n,
        sums.impossible + impossible,
        sums.parked + parked,
        sums.told_us + told_us,
        peak_occupied,
        peak_usable,
        peak_us,
    )
