"""Which months of a year are closed, and which offices have not reported for a month that is over. Pure.

A month is closed when it is over and every office that is expected has an entry in it. Expected are the offices that
the policy names, and any other from the first month on in which it reported. A month that is over and in which nobody
reported is not closed.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from services.stream_processors.engine.both import NOTHING, Both
from services.stream_processors.engine.periods import DAY_US, Period, local_month
from services.stream_processors.tax.ledger import DistrictState
from services.stream_processors.tax.local_months import year_period
from services.stream_processors.tax.pace import MONTHS
from services.stream_processors.tax.policy import InForce, YearBy

NAMED_MAX: Final = 50
"""So many offices are named for a month, by id; of more, how many were left out is said."""


class Reports(NamedTuple):
    """What was reported of the months of a year that are over."""

    year: int
    closed: tuple[int, ...]
    """Months, from 1."""
    missing: dict[int, tuple[str, ...]]
    """Of the others: the offices that have not reported; none where nobody has ever reported."""
    share: float
    """Of what was expected; 1 while nothing was."""

    def details(self) -> dict[str, Any]:
        """JSON-ready: months that are closed, and who is missing for the others."""
        found: dict[str, Any] = {
            "months_closed": [self._name(month) for month in self.closed],
            "offices_missing": {
                self._name(month): list(offices[:NAMED_MAX]) for month, offices in sorted(self.missing.items())
            },
        }
        left_out = sum(max(0, len(offices) - NAMED_MAX) for offices in self.missing.values())
        return found | ({"offices_left_out": left_out} if left_out else {})

    def words(self) -> Both:
        """What is missing, for people; empty when nothing is."""
        if not self.missing:
            return NOTHING
        month, offices = min(self.missing.items())
        who, name = Both("（没有任何申报）", " (no entry at all)"), self._name(month)
        if offices:
            some = offices[:3]
            who = Both(f"（{'、'.join(some)}没有申报）", f" (no entry of {', '.join(some)})")
        more, others = NOTHING, len(self.missing) - 1
        if others:
            more = Both(f"，另有{others}个月", f" and {others} more")
        return Both(f"未结账：{name}{who.zh}{more.zh}", f"not closed: {name}{who.en}{more.en}")

    def _name(self, month: int) -> str:
        return f"{self.year}-{month:02d}"


def month_number(year: int, month: int) -> int:
    """Months counted through the years."""
    return year * MONTHS + month - 1


def reports_of(state: DistrictState, year: int, at_us: int, policy: InForce) -> Reports:
    """What was reported of the months of a year that are over at a moment."""
    over = _months_over(year_period(year), at_us, policy)
    known = state.reports.get(year)
    if known is not None and known[0] == over and known[1] is policy:
        found: Reports = known[2]
        return found
    unwritten = min(over, max(0, state.offices_from - month_number(year, 1)))
    made = _reports(state, year, over, unwritten, policy)
    if not unwritten:
        state.reports[year] = over, policy, made
    return made


def _reports(state: DistrictState, year: int, over: int, unwritten: int, policy: InForce) -> Reports:
    wanted = (1 << over) - (1 << unwritten)
    expected = reported = anybody = 0
    missing: dict[int, list[str]] = {}
    for office, first in _expected(state, year, policy).items():
        due = wanted & ~((1 << first) - 1)
        lacking = due & ~state.offices.get((year, office), 0)
        anybody |= due
        expected, reported = expected + due.bit_count(), reported + (due & ~lacking).bit_count()
        while lacking:
            missing.setdefault((lacking & -lacking).bit_length(), []).append(office)
            lacking &= lacking - 1
    books = state.of_year(year).values()
    for month in range(1, over + 1):
        if anybody >> (month - 1) & 1:
            continue
        has_entries = month <= unwritten and any(book.months[month - 1] for book in books)
        expected, reported = expected + 1, reported + has_entries
        if not has_entries:
            missing[month] = []
    closed = tuple(month for month in range(1, over + 1) if month not in missing)
    named = {month: tuple(sorted(offices)) for month, offices in missing.items()}
    return Reports(year, closed, named, round(reported / expected, 6) if expected else 1.0)


def _expected(state: DistrictState, year: int, policy: InForce) -> dict[str, int]:
    """Offices by the first month (from 0) of the year in which they are expected."""
    found = dict.fromkeys(policy.settings.offices, 0)
    for (of, office), months in state.offices.items():
        if office in policy.settings.offices:
            continue
        if of == year - 1:
            found[office] = 0
        elif of == year:
            first = (months & -months).bit_length() - 1
            found[office] = min(first, found.get(office, first))
    return found


def _months_over(year: Period, at_us: int, policy: InForce) -> int:
    """How many months of a year are over. By the month that tax belongs to it is expected for `closing_days` more."""
    settings = policy.settings
    known_us = at_us - (settings.closing_days * DAY_US if settings.year_by is YearBy.TAX_PERIOD else 0)
    if known_us >= year.end_us:
        return MONTHS
    month, over = local_month(year.start_us), 0
    while month.end_us <= known_us:
        over, month = over + 1, local_month(month.end_us)
    return over
