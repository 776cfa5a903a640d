"""The tax ledger of a building: what was received and given back, by the month in which it was entered. Pure.

The large taxpayers file value added and individual income tax every month and corporate income tax every quarter, for
the period before; stamp duty and the like come in small amounts every day; refunds and corrections are rare.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import floor
from typing import Any, Final

from schemas.fields import DISTRICT_ZONE, Feed
from schemas.tax import TaxEntry, TaxKind
from simulators.chance import between, draw, normal
from simulators.world.district import Building

TAXPAYERS: Final = 6
_SHARES: Final = (
    (TaxKind.VALUE_ADDED, 0.50, 1),
    (TaxKind.INDIVIDUAL_INCOME, 0.16, 1),
    (TaxKind.CORPORATE_INCOME, 0.34, 3),
)
"""Kind of tax, its share of the year's sum, months in a period."""
_FILING_MONTHS: Final = (1, 4, 7, 10)
_LAST_FILING_DAY: Final = 15
REFUND_SHARE: Final = 0.015
CORRECTION_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry, and when it was made."""

    at: datetime
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TaxModel:
    """The office of one building."""

    seed: int
    building: Building
    district_id: str

    def month(self, year: int, month: int) -> list[LedgerEntry]:
        """Return the entries made in a month, in order; the same every time."""
        drafts = sorted(self._drafts(year, month), key=lambda draft: (draft[0], draft[1]))
        prefix = f"{self.building.id}-{year}{month:02d}"
        return [
            LedgerEntry(at, {**self._head(), "receipt_id": f"{prefix}-{number:04d}", **fields})
            for number, (at, _, fields) in enumerate(drafts, start=1)
        ]

    def _head(self) -> dict[str, Any]:
        return {
            "feed": Feed.TAX,
            "device_id": self.building.office_id,
            "group_id": self.district_id,
            "building_id": self.building.id,
            "building_name": self.building.name_zh,
        }

    def _drafts(self, year: int, month: int) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
        before = date(year, month, 1) - timedelta(days=1)
        period = f"{before:%Y-%m}"
        for payer in range(TAXPAYERS):
            for kind, share, months in _SHARES:
                if months == 3 and month not in _FILING_MONTHS:
                    continue
                key = (self.seed, self.building.id, year, month, payer, kind)
                amount = self._amount(payer, share * months / 12, key)
                at = _office_hours(year, month, 1 + floor(_LAST_FILING_DAY * draw(*key, "day")), key)
                yield at, f"{payer}{kind}", _entry(TaxEntry.PAYMENT, kind, period, amount)
                chance = draw(*key, "again")
                if chance < REFUND_SHARE:
                    back = -amount * between(0.05, 0.4, *key, "back")
                    later = at + timedelta(days=1 + floor(10 * draw(*key, "later")))
                    yield later, f"{payer}{kind}r", _entry(TaxEntry.REFUND, kind, period, back)
                elif chance < REFUND_SHARE + CORRECTION_SHARE:
                    change = amount * between(-0.05, 0.05, *key, "change")
                    yield at + timedelta(days=1), f"{payer}{kind}c", _entry(TaxEntry.CORRECTION, kind, period, change)
        yield from self._counter(year, month)

    def _counter(self, year: int, month: int) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
        day = date(year, month, 1)
        while day.month == month:
            if day.weekday() < 5:
                key = (self.seed, self.building.id, day, "counter")
                amount = between(800, 30_000, *key)
                at = _office_hours(year, month, day.day, key)
                yield at, "counter", _entry(TaxEntry.PAYMENT, TaxKind.OTHER, f"{day:%Y-%m}", amount)
            day += timedelta(days=1)

    def _amount(self, payer: int, share_of_year: float, key: tuple[object, ...]) -> float:
        weight = 2.0**-payer / (2.0 - 2.0 ** (1 - TAXPAYERS))
        good_year = 1 + 0.06 * normal(self.seed, self.building.id, key[2], "year")
        return self.building.annual_tax_cny * good_year * weight * share_of_year * between(0.85, 1.15, *key, "amount")


def _entry(entry: TaxEntry, kind: TaxKind, period: str, amount: float) -> dict[str, Any]:
    return {"entry": entry, "tax_kind": kind, "tax_period": period, "amount_cny": f"{amount:.2f}"}


def _office_hours(year: int, month: int, day: int, key: tuple[object, ...]) -> datetime:
    morning = datetime(year, month, day, 9, tzinfo=DISTRICT_ZONE)
    return morning + timedelta(seconds=floor(8 * 3600 * draw(*key, "time")))
