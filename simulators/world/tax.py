"""The tax ledgers of the buildings: filings, refunds, corrections, firms that move. Pure but for memory.

Value added and individual income tax are filed every month, corporate income tax every quarter, for the period before
and up to the 15th; small duties come at any working day. In July some firms move: from then on another building has
their tax. At the year's end some pay ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

from schemas.fields import Feed
from schemas.tax import TaxEntry, TaxKind
from simulators.world.dice import dice
from simulators.world.district import Building
from simulators.world.events import HOUR, Conditions, begin_of, local_day
from simulators.world.places import World
from simulators.world.said import Said
from simulators.world.truth import Truth, TruthKind

_SHARES: Final = (
    (TaxKind.VALUE_ADDED, 0.50, 1),
    (TaxKind.INDIVIDUAL_INCOME, 0.16, 1),
    (TaxKind.CORPORATE_INCOME, 0.32, 3),
)
"""Kind of tax, its share of the year's sum, months in a period; the rest comes as small duties."""
_DUTIES_SHARE: Final = 0.02
_FILING_MONTHS: Final = (1, 4, 7, 10)
_LAST_FILING_DAY: Final = 15
_MOVING_MONTH: Final = 7
MOVING_SHARE: Final = 0.02
"""Share of the firms that move in a year."""
REFUND_SHARE: Final = 0.015
CORRECTION_SHARE: Final = 0.01
_OPENS: Final = 9 * HOUR
_OFFICE_HOURS: Final = 8 * HOUR


@dataclass(frozen=True, slots=True)
class Firm:
    """A taxpayer: where it is at home, and its share of what that building pays."""

    home: int
    number: int
    share: float


@dataclass(frozen=True, slots=True)
class _Draft:
    at: int
    building: int
    entry: TaxEntry
    kind: TaxKind
    period: str
    amount: float


class TaxModel:
    """The tax offices of all buildings of a world from a time on."""

    def __init__(self, world: World, conditions: Conditions, seed: int, begin: int) -> None:
        self.truth: list[Truth] = []
        self._buildings, self._conditions, self._seed = world.district.building, conditions, seed
        self._district = world.district.district.id
        self._begin = begin
        first = local_day(begin)
        self._month = (first.year, first.month)
        self._firms = [firm for number, building in enumerate(self._buildings) for firm in self._of(number, building)]
        self._due: list[tuple[int, int, _Draft]] = []
        self._order = 0
        self._numbers: dict[tuple[int, date], int] = {}
        self._carry_over()

    def advance(self, until: int) -> list[Said]:
        """What was said since the last time, up to and without `until`."""
        while begin_of(date(*self._month, 1)) < until:
            self._draw_up(*self._month)
            year, month = self._month
            self._month = (year + month // 12, month % 12 + 1)
        said = []
        while self._due and self._due[0][0] < until:
            draft = heappop(self._due)[2]
            said.append(self._said(draft))
        return said

    def homes(self, year: int, month: int) -> dict[Firm, int]:
        """Where each firm is in a month, by the number of the building; those that never moved are left out."""
        found = {}
        stream = dice(self._seed, "tax", "moves", year)
        for firm in self._firms:
            moves, to = stream.random() < MOVING_SHARE, stream.randrange(len(self._buildings))
            if moves and month >= _MOVING_MONTH and to != firm.home:
                found[firm] = to
        return found

    def _of(self, number: int, building: Building) -> Iterator[Firm]:
        stream = dice(self._seed, "tax", building.id, "firms")
        weights = [stream.paretovariate(1.2) for _ in range(stream.randrange(4, 13))]
        for firm, weight in enumerate(weights):
            yield Firm(number, firm, weight / sum(weights))

    def _carry_over(self) -> None:
        """Entries of the month before that are made in the first one."""
        year, month = self._month
        before = date(year, month, 1) - timedelta(days=1)
        self._draw_up(before.year, before.month)

    def _draw_up(self, year: int, month: int) -> None:
        moved = self.homes(year, month)
        for firm in self._firms:
            to = moved.get(firm, firm.home)
            for draft in self._filings(firm, to, year, month):
                self._add(draft)
            if month == _MOVING_MONTH and to != firm.home:
                self._tell_move(firm, to, year)
        for number, building in enumerate(self._buildings):
            for draft in self._duties(number, building, year, month):
                self._add(draft)

    def _add(self, draft: _Draft) -> None:
        if draft.at >= self._begin:
            self._order += 1
            heappush(self._due, (draft.at, self._order, draft))

    def _tell_move(self, firm: Firm, to: int, year: int) -> None:
        begin = begin_of(date(year, _MOVING_MONTH, 1))
        yearly = round(self._buildings[firm.home].annual_tax_cny * firm.share, 2)
        left, reached = self._buildings[firm.home].id, self._buildings[to].id
        self.truth.append(Truth(TruthKind.EVENT, "taxpayer_moved", left, begin, begin + 24 * HOUR, yearly, reached))

    def _filings(self, firm: Firm, to: int, year: int, month: int) -> Iterator[_Draft]:
        home = self._buildings[firm.home]
        stream = dice(self._seed, "tax", home.id, firm.number, year, month)
        good_year = 1 + 0.06 * dice(self._seed, "tax", home.id, year).gauss(0, 1)
        before = date(year, month, 1) - timedelta(days=1)
        period = f"{before:%Y-%m}"
        for kind, share, months in _SHARES:
            if months == 3 and month not in _FILING_MONTHS:
                continue
            at = _office_time(stream, date(year, month, 1 + int(_LAST_FILING_DAY * stream.random() ** 0.6)))
            usual = home.annual_tax_cny * good_year * firm.share * share * months / 12 * stream.uniform(0.85, 1.15)
            payment = _Draft(at, to, TaxEntry.PAYMENT, kind, period, usual)
            yield payment
            yield from self._afterwards(stream, payment)
        rush = self._conditions.payments(begin_of(date(year, month, 20)))
        if rush > 1:
            for number in range(round(3 * (rush - 1))):
                day = date(year, month, min(31 if month in {1, 3, 5, 7, 8, 10, 12} else 28, 20 + number % 11))
                ahead = home.annual_tax_cny * firm.share * 0.5 / 12 * stream.uniform(0.2, 0.5)
                at = _office_time(stream, day)
                yield _Draft(at, to, TaxEntry.PAYMENT, TaxKind.VALUE_ADDED, f"{year}-{month:02d}", ahead)

    @staticmethod
    def _afterwards(stream: Random, paid: _Draft) -> Iterator[_Draft]:
        """What a payment is followed by now and then."""
        chance, part, days = stream.random(), stream.uniform(0.05, 0.4), stream.randrange(1, 11)
        later = paid.at + days * 24 * HOUR
        if chance < REFUND_SHARE:
            yield replace(paid, at=later, entry=TaxEntry.REFUND, amount=-paid.amount * part)
        elif chance < REFUND_SHARE + CORRECTION_SHARE:
            yield replace(paid, at=later, entry=TaxEntry.CORRECTION, amount=paid.amount * (part - 0.225) / 4)

    def _duties(self, number: int, building: Building, year: int, month: int) -> Iterator[_Draft]:
        stream = dice(self._seed, "tax", building.id, "duties", year, month)
        day = date(year, month, 1)
        while day.month == month:
            if day.weekday() < 5:
                amount = building.annual_tax_cny * _DUTIES_SHARE / 250 * stream.uniform(0.3, 1.7)
                at = _office_time(stream, day)
                yield _Draft(at, number, TaxEntry.PAYMENT, TaxKind.OTHER, f"{year}-{month:02d}", amount)
            day += timedelta(days=1)

    def _said(self, draft: _Draft) -> Said:
        building = self._buildings[draft.building]
        day = local_day(draft.at)
        number = self._numbers.get((draft.building, day), 0) + 1
        self._numbers[draft.building, day] = number
        fields: dict[str, Any] = {
            "feed": Feed.TAX.value,
            "device_id": building.office_id,
            "group_id": self._district,
            "building_id": building.id,
            "receipt_id": f"{building.id}-{day:%Y%m%d}-{number:03d}",
            "entry": draft.entry.value,
            "tax_kind": draft.kind.value,
            "tax_period": draft.period,
            "amount_cny": f"{_amount(draft):.2f}",
        }
        return (draft.at, building.office_id, fields)


def _amount(draft: _Draft) -> float:
    """Yuan; a refund gives something back, however small."""
    return min(draft.amount, -0.01) if draft.entry is TaxEntry.REFUND else draft.amount


def _office_time(stream: Random, day: date) -> int:
    return begin_of(day) + _OPENS + stream.randrange(_OFFICE_HOURS)
