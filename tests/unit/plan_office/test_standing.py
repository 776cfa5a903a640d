"""Where a target stands: drawn timelines, one case a sentence."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.plan.book import PlanBook, Target
from schemas.plan.course import Course, Holds, Known, TargetStanding
from schemas.plan.documents import PlanDocument
from schemas.plan.errors import PlanFileError
from schemas.plan.in_force import Versions
from schemas.plan.publication import effective_from
from schemas.plan.toml import parse_document
from schemas.vocabulary import Naming
from services.plan_office.figure import Figure
from services.plan_office.path import rate_needed, total_of
from services.plan_office.standing import Stands, stands

PLAN = Path(__file__).resolve().parents[3] / "deploy" / "plan" / "jianghan-14fyp.toml"
TEXT = PLAN.read_text(encoding="utf-8")


def plan(text: str = TEXT) -> PlanDocument:
    return parse_document(text, PlanDocument, file="plan.toml")


SHIPPED = plan()


def of(target: str, *documents: PlanDocument) -> Versions[Target]:
    return PlanBook(documents or (SHIPPED,)).targets(target)


def year(number: int, value: float, **more: object) -> Figure:
    return Figure(value, date(number, 1, 1), date(number, 12, 31), **more)  # type: ignore[arg-type]


def asked(target: str, figures: list[Figure], day: date, *documents: PlanDocument) -> Stands:
    found = stands(of(target, *documents), figures, day)
    assert found is not None
    assert found.reason.zh
    assert found.reason.en
    return found


def test_each_of_the_37_targets_says_how_it_is_met_and_why() -> None:
    courses = [entry.course for entry in plan().indicator]
    assert len(courses) == 37
    assert all(course is not None and course.reason and course.reason_zh for course in courses)


# ---- what adds up: 70,000 new jobs from 2021 to 2025, a straight path from 0 at the end of 2020 ---------------------

JOBS = "employment.new_jobs"


def test_a_sum_on_the_path_is_on_track_and_one_below_it_is_behind_with_the_rate_that_is_needed() -> None:
    on = asked(JOBS, [year(2021, 14_000), year(2022, 14_000.0)], date(2023, 6, 30))
    assert on.status is TargetStanding.ON_TRACK
    assert (on.value, on.value_on) == (28_000, date(2022, 12, 31))
    assert on.expected_then == pytest.approx(70_000 * 730 / 1826)
    assert on.expected == pytest.approx(70_000 * 911 / 1826)
    behind = asked(JOBS, [year(2021, 14_000), year(2022, 10_000)], date(2023, 6, 30))
    assert behind.status is TargetStanding.BEHIND
    assert behind.rate_needed == pytest.approx((70_000 - 24_000) * 365.25 / 1096)
    assert "a year to be there by 2025-12-31" in behind.reason.en


def test_a_sum_that_is_reached_is_met_before_it_is_due() -> None:
    assert asked(JOBS, [year(2021, 70_000)], date(2022, 1, 1)).status is TargetStanding.MET


def test_a_sum_with_a_gap_counts_as_far_as_it_goes() -> None:
    figures = [year(2021, 14_000), year(2023, 60_000)]
    found = asked(JOBS, figures, date(2024, 6, 30))
    assert (found.status, found.value) == (TargetStanding.CANNOT_SAY, 14_000)  # of 2022 and since nothing is known


def test_a_sum_that_is_due_is_met_or_missed_to_the_digit() -> None:
    km = [year(2021 + n, value) for n, value in enumerate((1.9, 1.9, 2.3, 2.3, 2.4))]
    assert sum(one.value for one in km) < 10.8  # as doubles
    assert asked("roads.new", km, date(2025, 12, 31)).status is TargetStanding.MET
    assert asked("roads.new", [*km[:4], year(2025, 2.39)], date(2025, 12, 31)).status is TargetStanding.MISSED
    assert asked("roads.new", km[:4], date(2025, 12, 31)).status is TargetStanding.CANNOT_SAY
    assert asked("roads.new", km[:4], date(2025, 12, 30)).status is TargetStanding.BEHIND


def test_a_sum_that_the_office_states_itself_goes_before_one_of_its_parts() -> None:
    whole = Figure(30_000, date(2021, 1, 1), date(2022, 12, 31))
    assert total_of([year(2021, 14_000), year(2022, 14_000), whole], date(2021, 1, 1)) == (30_000, date(2022, 12, 31))


# ---- a state at the end: green coverage at least 32 %, rail length at least 43 km -----------------------------------

GREEN = "green.coverage"


def test_without_a_base_value_a_state_below_its_target_cannot_be_placed_and_says_the_rate_all_the_same() -> None:
    found = asked(GREEN, [year(2022, 30.0)], date(2023, 6, 30))
    assert found.status is TargetStanding.CANNOT_SAY
    assert found.expected is None
    assert found.rate_needed == pytest.approx(2 * 365.25 / 1096)
    assert "no base value" in found.reason.en


def test_a_state_at_its_target_before_it_is_due_is_on_track_and_not_met() -> None:
    assert asked(GREEN, [year(2022, 32.0)], date(2023, 6, 30)).status is TargetStanding.ON_TRACK


def test_a_figure_of_the_time_before_the_plan_begins_its_path() -> None:
    base = year(2020, 28.0)
    found = asked(GREEN, [base, year(2022, 29.7)], date(2023, 6, 30))
    assert found.status is TargetStanding.ON_TRACK
    assert found.expected_then == pytest.approx(28 + 4 * 730 / 1826)
    assert asked(GREEN, [base, year(2022, 29.5)], date(2023, 6, 30)).status is TargetStanding.BEHIND
    assert asked(GREEN, [base], date(2023, 6, 30)).status is TargetStanding.CANNOT_SAY


def test_a_state_is_judged_by_the_period_of_its_due_date() -> None:
    figures = [year(2024, 33.0), year(2025, 31.9)]
    assert asked(GREEN, figures, date(2025, 12, 30)).status is TargetStanding.ON_TRACK  # 2025 is not over
    assert asked(GREEN, figures, date(2025, 12, 31)).status is TargetStanding.MISSED
    assert asked(GREEN, [year(2024, 33.0), year(2025, 32.0)], date(2026, 3, 1)).status is TargetStanding.MET
    assert asked(GREEN, [year(2024, 33.0)], date(2026, 3, 1)).status is TargetStanding.CANNOT_SAY


def test_after_the_due_date_a_state_goes_on_being_asked_for_and_the_reason_says_so() -> None:
    later = Figure(3, date(2026, 10, 1), date(2026, 10, 31))
    found = asked("water.class", [later], date(2026, 11, 27))
    assert found.status is TargetStanding.MET
    assert "no figure of the due date, 2025-12-31" in found.reason.en
    assert asked("water.class", [Figure(4, later.start, later.end)], date(2026, 11, 27)).status is TargetStanding.MISSED


def test_a_period_whose_own_judge_missed_it_or_could_not_say_is_not_met_by_its_value() -> None:
    period = date(2025, 12, 1), date(2025, 12, 31)
    missed = Figure(4.3, *period, met=False)
    assert asked("emergency.response", [missed], date(2026, 1, 1)).status is TargetStanding.MISSED
    unsaid = Figure(4.3, *period, unsaid=Naming("缺数据", "too few calls"))
    found = asked("emergency.response", [unsaid], date(2026, 1, 1))
    assert (found.status, found.reason.en) == (TargetStanding.CANNOT_SAY, "too few calls")


def test_a_figure_of_the_year_before_last_is_too_old() -> None:
    assert asked(GREEN, [year(2021, 33.0)], date(2023, 12, 31)).status is TargetStanding.ON_TRACK
    assert asked(GREEN, [year(2021, 33.0)], date(2024, 1, 1)).status is TargetStanding.CANNOT_SAY


def test_a_path_with_a_base_and_milestones_of_the_plan_passes_them() -> None:
    document = plan()
    course = Course(
        holds=Holds.AT_END,
        reason="the plan names them",
        reason_zh="规划载明",
        base=Known(date=date(2020, 12, 31), value=28, page=32),
        milestones=(Known(date=date(2022, 12, 31), value=31, page=32),),
    )
    entries = tuple(e.model_copy(update={"course": course}) if e.id == GREEN else e for e in document.indicator)
    stepped = document.model_copy(update={"indicator": entries})
    assert asked(GREEN, [year(2022, 31.0)], date(2023, 3, 1), stepped).status is TargetStanding.ON_TRACK
    found = asked(GREEN, [year(2022, 30.9)], date(2023, 3, 1), stepped)
    assert (found.status, found.expected_then) == (TargetStanding.BEHIND, 31)
    assert "milestones" in found.reason.en


# ---- every year: unemployment at most 4.5 % -------------------------------------------------------------------------

JOBLESS = "employment.unemployment"


def test_a_target_of_every_year_is_missed_by_one_year_for_good() -> None:
    kept = [year(2021, 4.5), year(2022, 4.4), year(2023, 4.1), year(2024, 4.0), year(2025, 4.5)]
    assert asked(JOBLESS, kept[:2], date(2023, 6, 30)).status is TargetStanding.ON_TRACK
    assert asked(JOBLESS, kept, date(2026, 1, 1)).status is TargetStanding.MET
    assert asked(JOBLESS, kept[:4], date(2026, 1, 1)).status is TargetStanding.CANNOT_SAY
    assert asked(JOBLESS, [kept[0], kept[2]], date(2024, 6, 30)).status is TargetStanding.CANNOT_SAY  # no 2022
    missed = asked(JOBLESS, [kept[0], year(2022, 4.6), *kept[2:]], date(2026, 1, 1))
    assert (missed.status, missed.value, missed.rate_needed) == (TargetStanding.MISSED, 4.6, None)
    assert asked(JOBLESS, [], date(2023, 6, 30)).status is TargetStanding.CANNOT_SAY


# ---- versions of the plan --------------------------------------------------------------------------------------------


def moved_from_2024() -> PlanDocument:
    """Version 2024: 35 % instead of 32, 80,000 jobs, 4.0 % unemployment, in force from 2024 on."""
    text = TEXT.replace('version = "2022"', 'version = "2024"').replace("target = 70_000", "target = 80_000")
    text = text.replace('target = 32\nunit = "%"', 'target = 35\nunit = "%"').replace("target = 4.5", "target = 4.0")
    moved = effective_from(plan(text), date(2024, 1, 1))
    assert isinstance(moved, PlanDocument)
    return moved


def test_a_second_version_moves_a_target_from_its_first_day_on() -> None:
    both, figures = (plan(), moved_from_2024()), [year(2020, 28.0), year(2022, 30.0)]
    assert asked(GREEN, figures, date(2023, 12, 31), *both).status is TargetStanding.ON_TRACK
    assert asked(GREEN, figures, date(2024, 1, 1), *both).status is TargetStanding.BEHIND


def test_what_adds_up_goes_on_counting_from_the_first_day_of_the_period() -> None:
    later = moved_from_2024()
    assert (later.plan.start, later.plan.counts_from) == (date(2024, 1, 1), date(2021, 1, 1))
    found = asked(JOBS, [year(2021, 16_000), year(2022, 16_000), year(2023, 16_000)], date(2024, 6, 30), plan(), later)
    assert (found.status, found.value) == (TargetStanding.ON_TRACK, 48_000)


def test_each_year_is_judged_by_the_version_in_force_at_its_end() -> None:
    both = plan(), moved_from_2024()
    early = [year(2021, 4.4), year(2022, 4.4), year(2023, 4.4)]
    assert asked(JOBLESS, early, date(2024, 6, 30), *both).status is TargetStanding.ON_TRACK
    assert asked(JOBLESS, [*early, year(2024, 4.1)], date(2025, 6, 30), *both).status is TargetStanding.MISSED


def test_a_version_that_does_not_say_how_a_target_is_met_cannot_be_placed() -> None:
    document = plan()
    silent = document.model_copy(
        update={"indicator": tuple(e.model_copy(update={"course": None}) for e in document.indicator)}
    )
    found = asked(GREEN, [year(2022, 33.0)], date(2023, 6, 30), silent)
    assert (found.status, found.holds) == (TargetStanding.CANNOT_SAY, None)
    assert stands(of(GREEN), [], date(2020, 6, 30)) is None


# ---- what always holds -----------------------------------------------------------------------------------------------


@settings(deadline=None)  # a machine of which others want their share as well
@given(
    values=st.lists(st.floats(0, 100_000), max_size=5),
    days=st.integers(0, 2_500),
    target=st.sampled_from([entry.id for entry in SHIPPED.indicator]),
)
def test_any_figures_in_any_order_give_one_answer_with_words(values: list[float], days: int, target: str) -> None:
    figures, day = [year(2021 + n, value) for n, value in enumerate(values)], date(2021, 1, 1) + timedelta(days=days)
    found = stands(of(target), figures, day)
    assert found == stands(of(target), figures[::-1], day)
    assert found is not None
    assert found.reason.zh
    if not any(one.end <= day for one in figures):
        assert found.status is TargetStanding.CANNOT_SAY


def test_no_time_left_has_no_rate() -> None:
    assert rate_needed(1, date(2025, 12, 31), 2, date(2025, 12, 31)) is None


# ---- the plan file ---------------------------------------------------------------------------------------------------


LATER = "{ date = 2023-12-31, value = 1, page = 3 }"
EARLIER = "{ date = 2022-12-31, value = 2, page = 3 }"


@pytest.mark.parametrize(
    ("told", "key", "reason"),
    [
        ('holds = "sometimes"', "course.holds", "'cumulative', 'at_end' or 'every_year'"),
        ('holds = "cumulative"\nwhy = 1', "course.why", "is not a known key"),
        (
            'holds = "at_end"\nbase = { date = 2026-01-01, value = 1, page = 3 }',
            "course.base.date",
            "not before the due",
        ),
        ('holds = "at_end"\nbase = { date = 2020-12-31, value = 20_000, page = 3 }', "course.base.value", "cannot be"),
        ('holds = "at_end"\nbase = { date = 2020-12-31, value = 1 }', "course.base.page", "is missing"),
        ('holds = "every_year"\nbase = { date = 2020-12-31, value = 1, page = 3 }', "course.holds", "has no path"),
        (
            f'holds = "at_end"\nmilestones = [{LATER}, {EARLIER}]',
            "course.milestones",
            "2022-12-31 does not come after 2023-12-31",
        ),
    ],
)
def test_what_is_wrong_with_a_course_is_named_by_key_and_reason(told: str, key: str, reason: str) -> None:
    at = TEXT.index('id = "green.coverage"')
    text = TEXT[:at] + TEXT[at:].replace('holds = "at_end"', told, 1)
    with pytest.raises(PlanFileError) as refused:
        plan(text)
    assert any(k.endswith(key) and reason in why for k, why in refused.value.problems), refused.value.problems


def test_what_must_stay_below_a_value_cannot_add_up() -> None:
    at = TEXT.index('id = "employment.unemployment"')
    with pytest.raises(PlanFileError, match="what adds up cannot be asked to stay <= a value"):
        plan(TEXT[:at] + TEXT[at:].replace('holds = "every_year"', 'holds = "cumulative"', 1))
