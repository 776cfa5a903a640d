"""What a report says of a day: figures, alerts, waiting entries, revisions, and by when all of it was known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schemas.plan.course import TargetStanding
from services.plan_office.figure_book import figures_of
from services.plan_office.report import Report, Revision, TargetReported
from services.plan_office.report_period import ReportPeriod, Span, known_then, last_day_before, span_of
from services.plan_office.standing import stands
from tests.unit.plan_office.reported import (
    BEGINS,
    SHIPPED,
    alert,
    corrected,
    entered,
    known,
    lake,
    made_up_years,
    version,
    year_report,
)

DAY = date(2024, 12, 31)
JOBS = "employment.new_jobs"
YEARS = (2021, 2022, 2023, 2024)


def of(report: Report, target: str) -> TargetReported:
    return next(one for one in report.targets if one.entry.id == target)


def test_all_37_targets_are_in_it_in_the_order_of_the_plans_pages_by_chapter() -> None:
    made = year_report(known(made_up_years(YEARS), DAY), DAY)
    assert len(made.targets) == 37
    chapters = made.chapters()
    assert [chapter.zh for chapter, _ in chapters][:3] == ["科技创新", "金融与楼宇经济", "生活圈与医疗急救"]
    assert sum(len(targets) for _, targets in chapters) == 37
    first = [
        min(one.entry.page if isinstance(one.entry.page, int) else one.entry.page[0] for one in each)
        for _, each in chapters
    ]
    assert first == sorted(first)


def test_a_figure_stands_where_the_one_function_says() -> None:
    figures = made_up_years(YEARS)
    of_day = known(figures, DAY)
    for one in year_report(of_day, DAY).targets:
        if one.entry.check == "reported":
            mine = figures_of(each for each in figures if each.target == one.entry.id)
            assert one.subjects[0].stands == stands(of_day.book.targets(one.entry.id), mine, DAY)


def test_of_a_later_period_nothing_is_said_and_what_waits_does_not_count() -> None:
    jobs = [entered(JOBS, year, 14_000) for year in (2021, 2022, 2023)]
    unseen = entered(JOBS, 2025, 99_000)
    waits = corrected(jobs[2], 20_000, datetime(2025, 4, 1, tzinfo=UTC), confirmed_by=None, confirmed_at=None)
    found = of(year_report(known([*jobs, waits, unseen], DAY), DAY), JOBS)
    assert found.figures == tuple(jobs)
    assert found.waiting == (waits,)
    assert found.subjects[0].stands.value == 42_000
    assert found.subjects[0].series == (
        (date(2021, 12, 31), 14_000),
        (date(2022, 12, 31), 28_000),
        (date(2023, 12, 31), 42_000),
    )


def test_revisions_since_the_last_report_name_who_and_why_and_older_ones_are_left_out() -> None:
    first = entered(JOBS, 2021, 14_000)
    old = corrected(first, 13_000, datetime(2023, 5, 1, tzinfo=UTC))
    new = corrected(old, 15_000, datetime(2025, 3, 20, tzinfo=UTC), entered_by="li", entered_by_name="李敏")
    found = of(year_report(known([first, old, new], DAY), DAY, since=datetime(2024, 4, 1, tzinfo=UTC)), JOBS)
    by, why = "李敏 / 王强", "漏报一季度; 江汉区2021年统计公报 江统〔2022〕3号"
    assert found.revisions == (
        Revision(
            None, date(2021, 1, 1), date(2021, 12, 31), 13_000, 15_000, datetime(2025, 3, 20, tzinfo=UTC), by, why
        ),
    )
    assert of(year_report(known([first, old, new], DAY), DAY), JOBS).revisions == ()


def test_one_lake_that_is_silent_or_fails_decides_for_the_target() -> None:
    day = date(2025, 12, 31)
    good, bad, silent = (lake(name, value, day) for name, value in (("a", 3), ("b", 4), ("c", 3)))
    silent = type(silent)(silent.subject, silent.name, (), silent.silent, None, None)

    def status(*lakes: Any) -> TargetStanding:
        return of(year_report(known([], day, lakes=lakes), day), "water.class").status

    assert status(good) is TargetStanding.MET
    assert status(good, silent) is TargetStanding.CANNOT_SAY
    assert status(good, silent, bad) is TargetStanding.MISSED
    reasons = [
        one.stands.reason.en for one in of(year_report(known([], day, lakes=[silent]), day), "water.class").subjects
    ]
    assert reasons == ["too few samples"]
    nothing = of(year_report(known([], day), day), "water.class")
    assert nothing.subjects[0].stands.reason.en == "No period of this indicator has been judged yet."


NEWEST = datetime(2025, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "newest",
    [
        lambda: known([corrected(entered(JOBS, 2021, 1), 2, NEWEST)], DAY),
        lambda: known(
            [corrected(entered(JOBS, 2021, 1), 2, NEWEST + timedelta(hours=1), confirmed_by=None, confirmed_at=None)],
            DAY,
        ),
        lambda: known([entered(JOBS, 2021, 1)], DAY, lakes=[lake("a", 3, DAY, known_at=NEWEST)]),
    ],
    ids=["a confirmation", "an entry", "telemetry"],
)
def test_it_is_known_by_the_newest_moment_of_what_it_says(newest: Callable[[], Any]) -> None:
    assert year_report(newest(), DAY).known_at == NEWEST


def test_alerts_count_towards_when_it_is_known_and_nothing_is_known_of_nothing() -> None:
    one = alert(0, date(2024, 5, 1))
    assert year_report(known([], DAY, alerts=[one]), DAY).known_at == one.stored_at
    assert year_report(known([], DAY), DAY).known_at is None


def test_reports_before_and_after_a_new_version_cite_their_own() -> None:
    figures = [entered(JOBS, year, 14_000) for year in (2021, 2022)]
    documents = SHIPPED, version("2023", date(2023, 7, 1), JOBS, target=90_000.0)
    for day, stated, goal in ((date(2023, 6, 30), "2022", 70_000), (date(2023, 7, 1), "2023", 90_000)):
        made = year_report(known(figures, day, *documents), day)
        jobs = of(made, JOBS)
        assert len(made.targets) == 37
        assert (jobs.plan_version, jobs.entry.target) == (stated, goal)
        assert made.plans[0][1] == stated
    on, behind = (
        of(year_report(known(figures, day, *documents), day), JOBS) for day in (date(2023, 6, 30), date(2023, 7, 1))
    )
    assert (on.status, behind.status) == (TargetStanding.ON_TRACK, TargetStanding.BEHIND)


def test_what_a_report_covers_and_which_was_the_last() -> None:
    assert span_of(ReportPeriod.YEAR, DAY, BEGINS) == Span(date(2024, 1, 1), DAY)
    assert span_of(ReportPeriod.MID_TERM, date(2023, 6, 30), BEGINS) == Span(BEGINS, date(2023, 6, 30))
    assert last_day_before(DAY, BEGINS) == date(2023, 12, 31)
    assert last_day_before(date(2021, 12, 31), BEGINS) is None
    at = datetime(2025, 4, 10, 16, tzinfo=UTC)  # a hundred days after the end of 2024
    assert known_then(DAY, date(2023, 12, 31), at) == datetime(2024, 4, 9, 16, tzinfo=UTC)
    early = datetime(2024, 6, 1, tzinfo=UTC)  # before its own day is over
    assert known_then(DAY, date(2023, 12, 31), early) == datetime(2023, 12, 31, 16, tzinfo=UTC)
