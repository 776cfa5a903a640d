"""Sums of buildings and of the district against a reckoning of their own: late, belated and repeated entries."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from schemas.fields import Feed
from schemas.tax import TaxEntry, TaxKind, TaxReading
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.tax.processor import TaxRules
from tests.unit.stream_processors.month import DAY, MONTH, MONTH_END, as_it_arrives, days, final_of, said_of
from tests.unit.stream_processors.recorded import item, tick
from tests.unit.stream_processors.tax.tax_log import YEAR, book

LIMIT = Decimal(100_000_000)
BUILDINGS = [f"b{n:02d}" for n in range(12)]
HISTORY_UNTIL = MONTH - 45 * DAY
YEAR_END = YEAR + 365 * DAY


def entries(dice: random.Random) -> list[TaxReading]:
    """A year until the end of November: each building's own office, monthly payments, refunds, receipts sent twice."""
    found: list[TaxReading] = []
    for number, building in enumerate(BUILDINGS):
        seq, at = 0, YEAR + timedelta(hours=9, minutes=number)
        sent: list[TaxReading] = []
        while at < MONTH_END:
            cny = Decimal(dice.randrange(100, 12_000_000 * (number + 1))) / Decimal(100)
            kind = TaxEntry.PAYMENT
            if dice.random() < 0.08:
                cny, kind = -cny / 2, TaxEntry.REFUND
            again = sent[dice.randrange(max(0, len(sent) - 5), len(sent))] if sent and dice.random() < 0.06 else None
            one = TaxReading(
                feed=Feed.TAX,
                device_id=f"office-{building}",
                group_id="jianghan",
                boot_id="b",
                seq=seq,
                observed_at=at,
                building_id=building,
                receipt_id=f"{building}-{seq}" if again is None else again.receipt_id,
                entry=kind if again is None else again.entry,
                tax_kind=TaxKind.OTHER,
                tax_period="2026-11",
                amount_cny=cny.quantize(Decimal("0.01")) if again is None else again.amount_cny,
            )
            found.append(one)
            sent.append(one)
            seq += 1
            at += timedelta(hours=dice.uniform(6, 30))
    return found


def reckoned(told: list[TaxReading], until: datetime) -> tuple[dict[str, Decimal], dict[str, int]]:
    """Sums and numbers of entries by building: a receipt, a building and an amount count once."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    counts: dict[str, int] = defaultdict(int)
    seen = set()
    for one in sorted(told, key=lambda one: one.observed_at):
        key = one.receipt_id, one.building_id, one.amount_cny
        if one.observed_at < until and key not in seen:
            seen.add(key)
            sums[one.building_id] += one.amount_cny
            counts[one.building_id] += 1
    return sums, counts


def test_the_sums_of_the_year_and_the_buildings_of_each_day_are_what_all_entries_come_to() -> None:
    """What was received before mid September comes on the last day of October, far beyond the bound of forty days."""
    dice = random.Random(11)
    told = entries(dice)
    history = [one for one in told if one.observed_at < HISTORY_UNTIL]
    rest = [one for one in told if one.observed_at >= HISTORY_UNTIL]
    early = [one for one in rest if one.observed_at < MONTH]
    month = as_it_arrives(
        [one for one in rest if one.observed_at >= MONTH],
        dice,
        latest=timedelta(days=5),
        every=timedelta(hours=1),
        until=MONTH_END + 6 * DAY,
    )
    log = [
        *map(item, sorted(early, key=lambda one: one.observed_at)),
        tick(MONTH - DAY),
        *map(item, history),
        tick(MONTH - DAY / 2),
        *month,
    ]
    plan_book = book(reported_least=0.9)
    result = said_of(TimelineJudge(TaxRules(plan_book), plan_book), log)
    final = final_of(result)
    assert len(history) > 1_000
    for start, end in days():
        sums, _ = reckoned(told, end)
        figure = final["tax.hundred_million_buildings", "jianghan", start, end]
        over = sorted(building for building, total in sums.items() if total >= LIMIT)
        assert (figure.value, figure.details["buildings"]) == (len(over), over), start
        below = sorted((LIMIT - total, building) for building, total in sums.items() if total < LIMIT)
        nearest = [(one["missing_cny"], one["building"]) for one in figure.details["nearest"]]
        assert nearest == [(float(missing), building) for missing, building in below[:10]]
        assert figure.completeness == 1
        assert len(figure.details["months_closed"]) == (11 if end == MONTH_END else 10)
    sums, counts = reckoned(told, MONTH_END)
    for building in BUILDINGS:
        year = final["tax.year_to_date", building, YEAR, YEAR_END]
        assert year.value == float(sums[building])
        assert year.n == counts[building]
    district = final["tax.year_to_date", "jianghan", YEAR, YEAR_END]
    assert district.value == float(sum(sums.values()))
    assert district.n == sum(counts.values())
    assert "so_far" in district.details
    assert district.details["offices_missing"] == {}
    assert 0 < final["tax.hundred_million_buildings", "jianghan", MONTH, MONTH_END].value < len(BUILDINGS)
