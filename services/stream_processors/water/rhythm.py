"""The sampling interval of a station, learned from its own gaps between readings. Pure.

The interval is the second longest of the last eight gaps: one outage changes nothing, a nightly pause is part of the
rhythm, a station that begins to report less often is known to after two such gaps, one that reports more often after
seven. While the gaps stay within two thirds and one and a half of the interval nothing is written down.

gaps, hours   4 4 4        4 ...    24        4 4 4    12       4 4    12         4
interval      ? ? 4        4        4 (late)  4        4 (late) 4      12         12
"""

from __future__ import annotations

from typing import Final, NamedTuple

_WINDOW: Final = 8
_ENOUGH: Final = 3
"""So many gaps must have been seen before an interval is known."""


class Rhythm(NamedTuple):
    """What is known of a station's rhythm; never changed, only replaced."""

    interval_us: int = 0
    """0 while it is not known."""
    gaps: tuple[int, ...] = ()
    """The last gaps, the oldest first; empty while all of them fit."""


UNKNOWN: Final = Rhythm()


def heard(rhythm: Rhythm, gap_us: int, shortest_us: int) -> Rhythm:
    """The rhythm after a reading so long after the one before; the very same one when nothing has changed.

    Args:
        shortest_us: Policy; a shorter gap counts as this long.
    """
    interval_us, gaps = rhythm
    gap_us = max(gap_us, shortest_us)
    if not gaps and 2 * interval_us <= 3 * gap_us and 2 * gap_us <= 3 * interval_us:
        return rhythm
    known = gaps or (interval_us,) * (_WINDOW - 1 if interval_us else 0)
    gaps = (*known, gap_us)[-_WINDOW:]
    if len(gaps) < _ENOUGH:
        return Rhythm(0, gaps)
    interval_us = sorted(gaps)[-2]
    is_regular = all(_fits(gap, interval_us) for gap in gaps)
    return Rhythm(interval_us, () if is_regular else gaps)


def _fits(gap_us: int, interval_us: int) -> bool:
    return 2 * interval_us <= 3 * gap_us and 2 * gap_us <= 3 * interval_us
