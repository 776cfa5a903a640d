"""Sums over time for one car park: of a local day, of a month, in whole spaces and microseconds. Pure.

Only whole numbers are added, so a sum does not depend on where an interval was cut or in which order lots are added.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from services.stream_processors.engine.periods import Period, local_day, local_month
from services.stream_processors.parking.counts import FULL, Spaces


class Sums(NamedTuple):
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


class Account(NamedTuple):
    """Sums of days and months that are not closed yet, by the start of the period."""

    days: tuple[tuple[int, Sums], ...] = ()
    months: tuple[tuple[int, Sums], ...] = ()
    """Of closed days; the days above are not in them."""

    def with_day(self, day: Period, more: Sums) -> Account:
        """The account with something added to a day."""
        return Account(_added(self.days, day.start_us, more), self.months)

    def close_days(self, until_us: int) -> Account:
        """Days that have ended by then go into their month."""
        days, months = self.days, self.months
        for start_us, sums in days:
            if local_day(start_us).end_us <= until_us:
                months = _added(months, local_month(start_us).start_us, sums)
        return Account(tuple(day for day in days if local_day(day[0]).end_us > until_us), months)

    def close_months(self, until_us: int) -> Account:
        """Months that have ended by then are dropped."""
        return Account(self.days, tuple(month for month in self.months if local_month(month[0]).end_us > until_us))

    def day(self, period: Period) -> Sums:
        """Sums of a day."""
        return dict(self.days).get(period.start_us, NOTHING)

    def month(self, period: Period) -> Sums:
        """Sums of a month, open days included."""
        sums = dict(self.months).get(period.start_us, NOTHING)
        for start_us, of_day in self.days:
            if period.start_us <= start_us < period.end_us:
                sums = sums.plus(of_day)
        return sums


EMPTY: Final = Account()


def _added(known: tuple[tuple[int, Sums], ...], start_us: int, more: Sums) -> tuple[tuple[int, Sums], ...]:
    if known and known[-1][0] == start_us:
        return (*known[:-1], (start_us, known[-1][1].plus(more)))
    found = dict(known)
    found[start_us] = found.get(start_us, NOTHING).plus(more)
    return tuple(sorted(found.items()))


def held(account: Account, now: Spaces, level: int, from_us: int, until_us: int) -> Account:
    """A count that held for an interval, cut at local midnights.

    Args:
        account: Where it is added.
        now: The count.
        level: How full that is (`counts.FULL` adds to the time full).
        from_us: Start of the interval.
        until_us: Its end; nothing is added when it is not later.
    """
    while from_us < until_us:
        day = local_day(from_us)
        span = min(until_us, day.end_us) - from_us
        sums = Sums(
            covered_us=span,
            occupied=now.occupied * span,
            usable=now.usable * span,
            full_us=span if level == FULL else 0,
            peak_occupied=now.occupied,
            peak_usable=now.usable,
            peak_us=from_us,
        )
        account = account.with_day(day, sums)
        from_us += span
    return account


def dump_account(account: Account) -> list[Any]:
    """JSON-ready form."""
    return [[[start_us, list(sums)] for start_us, sums in periods] for periods in account]


def load_account(dumped: list[Any]) -> Account:
    """An account from its JSON-ready form."""
    days, months = dumped
    return Account(
        tuple((start_us, Sums(*sums)) for start_us, sums in days),
        tuple((start_us, Sums(*sums)) for start_us, sums in months),
    )
