"""A port over the months: what its uptime of twelve months rests on, for as long as that can be asked for. Pure.

A port that falls silent for good leaves the site, but not the record: it counts to the end of the day and month in
which it left, and when it comes back its months go on.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from services.stream_processors.engine.periods import Period
from services.stream_processors.ev.connector import Sums

MONTHS_KEPT: Final = 12


class PortMonth(NamedTuple):
    """A local month of a port; what of it is not known is not up."""

    start_us: int
    known_us: int
    outage_us: int
    excluded_us: int


class Port(Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of a port beside its running day."""

    known_us: int = 0
    """Of the closed days of the running month, as the next two."""
    outage_us: int = 0
    excluded_us: int = 0
    months: tuple[PortMonth, ...] = ()
    """The months before in which it was heard of, the oldest first; at most twelve."""
    left_us: int | None = None
    """It was taken for removed then; None while it is one of the site's."""

    def close_day(self, day: Sums) -> Port:
        """A day is over."""
        return Port(
            self.known_us + day.known_us,
            self.outage_us + day.outage_us,
            self.excluded_us + day.excluded_us,
            self.months,
            self.left_us,
        )

    def close_month(self, month: Period) -> Port:
        """The month is over."""
        months = self.months
        if self.known_us:
            entry = PortMonth(month.start_us, self.known_us, self.outage_us, self.excluded_us)
            months = (*months, entry)[-MONTHS_KEPT:]
        return Port(months=months, left_us=self.left_us)

    def left(self, at_us: int | None) -> Port:
        """It is one of the site's no more; None: it is again."""
        return replace(self, left_us=at_us)

    def counts_in(self, period: Period) -> bool:
        """Whether it was one of the site's at any time of a period that is running."""
        return self.left_us is None or self.left_us > period.start_us


NEW_PORT: Final = Port()
