"""Ledger entries, what is judged of them, and the figure of the buildings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from schemas.fields import Feed
from schemas.plan.book import PlanBook
from schemas.plan.documents import PlanDocument
from schemas.plan.policy import PolicyDocument
from schemas.tax import TaxEntry, TaxKind, TaxReading
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.plan.files import load_document
from services.stream_processors.tax.processor import TaxRules
from tests.unit.stream_processors.recorded import Item, Result, item, log_of, run, tick

FOLDER = Path(__file__).resolve().parents[4] / "deploy" / "plan"
YEAR = datetime(2025, 12, 31, 16, tzinfo=UTC)
"""Local 1 January 2026."""


NUMBERS = count(10_000)


def book(target: int | None = None, **year_by: Any) -> PlanBook:
    policy = load_document(FOLDER / "policies" / "tax.toml", PolicyDocument)
    policy = policy.model_copy(update={"settings": {**policy.settings, "reported_least": 0.0, **year_by}})
    plan = load_document(FOLDER / "jianghan-14fyp.toml", PlanDocument)
    if target is not None:
        entries = [
            e.model_copy(update={"target": float(target)}) if e.id == "tax.hundred_million_buildings" else e
            for e in plan.indicator
        ]
        plan = plan.model_copy(update={"indicator": tuple(entries)})
    return PlanBook([plan, policy])


def entry(day: float, amount: str, building: str = "b1", receipt: str | None = None, **fields: Any) -> TaxReading:
    value = Decimal(amount)
    seq = fields.pop("seq", None)
    return TaxReading(
        feed=Feed.TAX,
        device_id="office",
        group_id="jianghan",
        boot_id="b",
        seq=next(NUMBERS) if seq is None else seq,
        observed_at=YEAR + timedelta(days=day),
        building_id=building,
        receipt_id=receipt or f"r-{building}-{day}",
        entry=fields.pop("entry", TaxEntry.PAYMENT if value >= 0 else TaxEntry.REFUND),
        tax_kind=TaxKind.VALUE_ADDED,
        tax_period=fields.pop("tax_period", "2026-01"),
        amount_cny=value,
        **fields,
    )


def judged(*what: TaxReading, until: float = 3, target: int | None = None, **settings: Any) -> Result:
    plan_book = book(target, **settings)
    log: list[Item] = [item(one) for one in what]
    log += [tick(YEAR + timedelta(days=day)) for day in (until / 2, until)]
    return run(TimelineJudge(TaxRules(plan_book), plan_book), log_of(log))


def buildings(result: Result, days: int) -> dict[str, Any]:
    """The figure of the year (365), or of its first month (31) or day (1)."""
    return next(
        f
        for (_, name, _, start, end, _), f in result.figures().items()
        if name == "tax.hundred_million_buildings" and start == YEAR and end - start == timedelta(days=days)
    )
