"""What two reports differ in, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from schemas.plan.documents import PlanDocument
from schemas.target_figure import TargetFigure
from services.plan_office.changes import Change, Why, changes
from services.plan_office.report import Report
from tests.unit.plan_office.reported import (
    SHIPPED,
    corrected,
    entered,
    known,
    lake,
    made_up_years,
    version,
    year_report,
)

THEN, DAY = date(2023, 12, 31), date(2024, 12, 31)
JOBS = "employment.new_jobs"
LATER = datetime(2025, 4, 1, tzinfo=UTC)


def of(day: date, figures: Sequence[TargetFigure] = (), *documents: PlanDocument, **more: Any) -> Report:
    return year_report(known(figures, day, *documents, **more), day)


def named(one: Change) -> str | None:
    return None if one.subject is None else one.subject.zh


def whys(found: Sequence[Change]) -> dict[str, list[Why]]:
    return {one.target: [each.why for each in one.reasons] for one in found}


def test_the_same_report_twice_differs_in_nothing() -> None:
    made = of(DAY, made_up_years((2021, 2022, 2023, 2024)))
    assert changes(made, made) == ()


def test_a_late_correction_changes_what_it_corrects_and_nothing_else() -> None:
    figures = made_up_years((2021, 2022, 2023, 2024))
    wrong = next(one for one in figures if one.target == JOBS and one.period_end == THEN)
    found = changes(of(DAY, figures), of(DAY, [*figures, corrected(wrong, wrong.value + 5_000, LATER)]))
    assert whys(found) == {JOBS: [Why.CORRECTION]}
    (change,) = found
    assert change.before is not None
    assert change.after is not None
    assert change.before.value is not None
    assert change.after.value == change.before.value + 5_000
    assert "赵宁填报，王强确认" in change.reasons[0].said.zh
    assert "entered by 赵宁, confirmed by 王强" in change.reasons[0].said.en


def test_a_new_year_is_a_new_figure_and_one_of_the_time_before_is_late() -> None:
    jobs = [entered(JOBS, year, 14_000) for year in (2021, 2022, 2023, 2024)]
    assert whys(changes(of(THEN, jobs[:3]), of(DAY, jobs))) == {JOBS: [Why.NEW_FIGURE]}
    assert whys(changes(of(THEN, jobs[:2]), of(DAY, jobs))) == {JOBS: [Why.LATE_FIGURE, Why.NEW_FIGURE]}


def test_the_same_figures_on_a_later_day_may_be_too_old() -> None:
    figure = entered("green.coverage", 2021, 31.0)
    before, after = of(date(2023, 6, 30), [figure, entered("green.coverage", 2020, 30)]), of(DAY, [figure])
    found = changes(before, after)
    assert whys(found) == {"green.coverage": [Why.TIME]}


def test_a_version_that_moves_a_target_is_said_and_one_that_drops_it_too() -> None:
    jobs = [entered(JOBS, 2021, 14_000)]
    found = changes(of(THEN, jobs), of(DAY, jobs, SHIPPED, version("2024", date(2024, 7, 1), JOBS, target=90_000.0)))
    assert whys(found)[JOBS] == [Why.NEW_VERSION]
    (change,) = [one for one in found if one.target == JOBS]
    assert change.before is not None
    assert change.after is not None
    assert (change.before.plan, change.before.entry.target) == ("jianghan-14fyp 2022", 70_000)
    assert (change.after.plan, change.after.entry.target) == ("jianghan-14fyp 2024", 90_000)
    assert len(found) == 1

    dropped = changes(of(THEN, jobs), of(DAY, jobs, version("2024", date(2024, 7, 1), JOBS)))
    assert whys(dropped) == {JOBS: [Why.DROPPED]}
    assert whys(changes(of(DAY, jobs, version("2024", date(2024, 7, 1), JOBS)), of(THEN, jobs))) == {
        JOBS: [Why.NEW_TARGET]
    }


def test_telemetry_changes_by_late_data_or_by_a_newer_period() -> None:
    before = of(THEN, lakes=[lake("菱角湖", 4, date(2023, 12, 30)), lake("西湖", 3, date(2023, 12, 30))])
    revised = of(THEN, lakes=[lake("菱角湖", 3, date(2023, 12, 30)), lake("西湖", 3, date(2023, 12, 30))])
    found = changes(before, revised)
    assert [(named(one), [each.why for each in one.reasons]) for one in found] == [("菱角湖", [Why.LATE_DATA])]
    newer = of(DAY, lakes=[lake("菱角湖", 4, date(2024, 12, 30)), lake("西湖", 3, date(2023, 12, 30))])
    assert next((named(one), [each.why for each in one.reasons]) for one in changes(before, newer)) == (
        "菱角湖",
        [Why.NEW_FIGURE],
    )
    alone = of(THEN, lakes=[lake("菱角湖", 4, date(2023, 12, 30))])
    assert [(named(one), [each.why for each in one.reasons]) for one in changes(before, alone)] == [
        ("西湖", [Why.DROPPED])
    ]
    first = changes(of(THEN), before)
    assert {named(one): [each.why for each in one.reasons] for one in first} == {
        "菱角湖": [Why.NEW_FIGURE],
        "西湖": [Why.NEW_FIGURE],
    }
