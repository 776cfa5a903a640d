"""A made-up year of the plan's targets, as a report gets it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas.plan.book import PlanBook
from schemas.plan.course import Holds
from schemas.plan.documents import Check, PlanDocument, PlanIndicator
from schemas.plan.toml import parse_document
from schemas.target_figure import SourceDocument, TargetFigure, figure_id
from schemas.vocabulary import Naming
from services.plan_office.figure import Figure
from services.plan_office.report import AlertSeen, Asked, Days, Known, Measured, Report, report
from services.plan_office.report_period import ReportPeriod, Span
from services.read_model.targets import targets_in_force

PLAN = Path(__file__).resolve().parents[3] / "deploy" / "plan" / "jianghan-14fyp.toml"
TEXT = PLAN.read_text(encoding="utf-8")
SHIPPED = parse_document(TEXT, PlanDocument, file="plan.toml")
BEGINS = date(2021, 1, 1)


def version(named: str, start: date, target: str, /, **moved: Any) -> PlanDocument:
    """A version in force from a day on that states a target otherwise; that has it no more when nothing is said."""
    head = SHIPPED.plan.model_copy(update={"version": named, "start": start, "period_start": BEGINS})
    entries = [
        one.model_copy(update=moved) if one.id == target else one
        for one in SHIPPED.indicator
        if moved or one.id != target
    ]
    return SHIPPED.model_copy(update={"plan": head, "indicator": tuple(entries)})


def entered(target: str, year: int, value: float, **more: Any) -> TargetFigure:
    """A year's figure that Li entered in March of the next year and Wang confirmed a day later."""
    entry = next(one for one in SHIPPED.indicator if one.id == target)
    place = (target, date(year, 1, 1), date(year, 12, 31))
    at = datetime(year + 1, 3, 15, 2, tzinfo=UTC)
    stated: dict[str, Any] = {
        "figure_id": figure_id(place, "li", f"{year}{more.get('revision', 0)}"),
        "target": target,
        "period_start": place[1],
        "period_end": place[2],
        "revision": 0,
        "value": value,
        "unit": entry.unit,
        "recorded_on": date(year + 1, 3, 1),
        "source": SourceDocument(
            title=f"江汉区{year}年统计公报", number=f"江统〔{year + 1}〕3号", page=12, sha256="ab" * 32
        ),
        "plan_id": "jianghan-14fyp",
        "plan_version": "2022",
        "entered_by": "li",
        "entered_by_name": "李敏",
        "entered_at": at,
        "confirmed_by": "wang",
        "confirmed_by_name": "王强",
        "confirmed_at": at + timedelta(days=1),
    }
    return TargetFigure(**stated | more)


def corrected(one: TargetFigure, value: float, at: datetime, **more: Any) -> TargetFigure:
    """A correction, confirmed at a moment."""
    stated = one.model_dump() | {
        "figure_id": figure_id(one.place, "zhao", f"correction {one.revision + 1}"),
        "revision": one.revision + 1,
        "corrects": one.figure_id,
        "value": value,
        "note": "漏报一季度",
        "entered_by": "zhao",
        "entered_by_name": "赵宁",
        "entered_at": at - timedelta(hours=1),
        "confirmed_at": at,
    }
    return TargetFigure.model_validate(stated | more)


def made_up_years(years: Sequence[int], *, leaving_out: Sequence[str] = ()) -> list[TargetFigure]:
    """Figures of every target that people answer for: most on their path, some behind it."""
    made = []
    for place, entry in enumerate(SHIPPED.indicator):
        if entry.check is Check.REPORTED and entry.id not in leaving_out:
            made += [entered(entry.id, year, _value(entry, place, year)) for year in years]
    return made


def _value(entry: PlanIndicator, place: int, year: int) -> float:
    part = (0.9, 1.02, 1.0)[place % 3]
    course = entry.course
    if course is not None and course.holds is Holds.CUMULATIVE:
        return float(f"{entry.target / 5 * part:.4g}")
    if course is not None and course.holds is Holds.EVERY_YEAR:
        return entry.target
    step = (year - 2019) / 6
    return float(f"{entry.target * (0.8 + 0.2 * step) * part:.4g}") if entry.op.value.startswith(">") else entry.target


def lake(name: str, value: float, day: date, *, known_at: datetime | None = None, met: bool | None = None) -> Measured:
    """A lake with one figure that decides, and months before it."""
    series = tuple((date(2024, month, 28), float(2 + (month + len(name)) % 3)) for month in range(1, 13))
    figure = Figure(value, day, day, met=value <= 3 if met is None else met)
    at = known_at or datetime(2025, 1, 2, tzinfo=UTC)
    silent = Naming("采样不足", "too few samples")
    return Measured(
        f"lake-{name}", Naming(name, f"Lake {name}"), (figure,), silent, 0.97, at, Days(300, 50, 16), series
    )


def alert(number: int, day: date) -> AlertSeen:
    """An alert about a lake's class."""
    at = datetime(day.year, day.month, day.day, 3, tzinfo=UTC) + timedelta(days=number)
    text = Naming(
        "后襄河：总磷0.11毫克/升，水质Ⅳ类。限值：Ⅲ类（规划第31页）。请排查沿岸排口。",
        "Houxiang: total phosphorus 0.11 mg/L, class IV. Limit: class III (plan, page 31). Check the outfalls.",
    )
    rule, severity = "water.class_worse_than_target", ("II", "III")[number % 2]
    times = at, at + timedelta(hours=9)
    return AlertSeen(f"a{number:04}", rule, "后襄河", severity, *times, text, at + timedelta(minutes=1))


def known(
    figures: Sequence[TargetFigure],
    day: date,
    *documents: PlanDocument,
    lakes: Sequence[Measured] = (),
    alerts: Sequence[AlertSeen] = (),
) -> Known:
    """What is known of a day."""
    book = PlanBook(documents or (SHIPPED,))
    return Known(book, list(targets_in_force(book, day)), figures, {"water.class": lakes}, {"water.class": alerts})


def year_report(of: Known, day: date, *, since: datetime | None = None) -> Report:
    """The yearly report of a day."""
    return report(Asked(day, ReportPeriod.YEAR, Span(date(day.year, 1, 1), day), BEGINS, since), of)
