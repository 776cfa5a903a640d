"""Open calls: units that leave, steps that come after everything else, versions that change in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.emergency import EmergencyReading, Step
from schemas.plan.book import PlanBook
from schemas.plan.errors import PlanFileError
from schemas.plan.policy import PolicyDocument
from schemas.plan.toml import parse_document
from services.stream_processors.emergency.calls import Call
from services.stream_processors.emergency.policy import AT_RISK, BREACH
from services.stream_processors.emergency.processor import EmergencyRules
from services.stream_processors.emergency.state import DistrictState
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry
from tests.unit.stream_processors.emergency.emergency_district import FOLDER, START, at, book, judged, of, step
from tests.unit.stream_processors.in_order import Recorder
from tests.unit.stream_processors.recorded import Item, Result, publication

HOUR = 3_600


def seconds(count: float) -> datetime:
    return START + timedelta(seconds=count)


def response(result: Result) -> dict[str, Any]:
    """The day's response figure as last said."""
    return next(f for (_, name, *_), f in sorted(result.figures().items()) if name == "emergency.response")


def last(result: Result, rule: str) -> tuple[str, datetime, datetime | None]:
    alert = [alert for alert in result.alerts if alert.rule == rule][-1]
    return str(alert.event), alert.started_at, alert.ended_at


TAKEN_OFF: list[EmergencyReading | Item] = [
    step(0, Step.CALL_RECEIVED),
    step(60, Step.DISPATCHED, unit="a"),
    at(61),
    step(500, Step.AVAILABLE, unit="a", dispatched_at=seconds(60)),
    at(501),
    at(601),
]


def test_a_call_whose_unit_was_taken_off_breaches_at_ten_minutes() -> None:
    """Sent ── taken off ── [ten minutes] ── another sent ── arrives."""
    another: list[EmergencyReading | Item] = [step(620, Step.DISPATCHED, unit="b"), at(700), at(2 * HOUR)]
    assert last(judged(*TAKEN_OFF), BREACH) == ("raised", seconds(600), None)
    assert of(judged(*TAKEN_OFF, *another), BREACH) == ["raised"]
    arrived = step(7_201, Step.ON_SCENE, unit="b", dispatched_at=seconds(620))
    result = judged(*TAKEN_OFF, *another, arrived, at(7_500), at(3 * HOUR))
    assert last(result, BREACH) == ("resolved", seconds(600), seconds(7_201))
    assert (response(result)["details"]["unreached"], response(result)["details"]["over"]) == (0, 1)


def test_a_call_that_all_units_have_left_is_given_up_after_a_quarter_of_an_hour() -> None:
    result = judged(*TAKEN_OFF, at(1_401), at(1_801))
    assert last(result, BREACH) == ("resolved", seconds(600), seconds(1_400))
    assert response(result)["details"]["unreached"] == 1
    # A unit that is sent after all opens it again, and what was counted is taken back when it arrives; the alert that
    # has ended stays as it was said.
    again = judged(
        *TAKEN_OFF, at(1_401), at(1_801), step(1_900, Step.DISPATCHED, unit="b"), step(2_000, Step.ON_SCENE, unit="b"),
        at(2_500),
    )  # fmt: skip
    assert last(again, BREACH) == ("resolved", seconds(600), seconds(1_400))
    details = response(again)["details"]
    assert (details["calls"], details["unreached"], details["over"]) == (1, 0, 1)


def test_an_arrival_in_time_that_becomes_known_late_takes_an_ended_breach_back() -> None:
    told = step(900, Step.AT_PATIENT, unit="b", on_scene_at=seconds(550))
    result = judged(step(0, Step.CALL_RECEIVED), at(601), step(700, Step.ON_SCENE), at(701), told, at(1_000))
    assert of(result, BREACH) == ["raised", "resolved", "retracted"]


def test_a_close_that_the_dispatch_centre_tells_ends_the_call() -> None:
    closes = step(550, Step.AVAILABLE, unit=None)
    result = judged(*TAKEN_OFF[:5], closes, at(601), at(1_000))
    assert of(result, BREACH) == []
    assert response(result)["details"]["unreached"] == 1
    assert last(judged(*TAKEN_OFF, step(660, Step.AVAILABLE, unit=None), at(900)), BREACH)[2] == seconds(660)


@pytest.mark.parametrize(("scene", "over"), [(300, 0), (900, 1)])
def test_a_call_that_outlasts_its_age_is_one_call(scene: int, over: int) -> None:
    """Received ── on scene ── [age: six hours] ── unit clear after seven."""
    told: dict[str, Any] = {"dispatched_at": seconds(60), "on_scene_at": seconds(scene)}
    result = judged(
        step(0, Step.CALL_RECEIVED),
        step(scene, Step.ON_SCENE, dispatched_at=seconds(60)),
        at(scene + 1),
        at(6 * HOUR + 10),
        step(7 * HOUR, Step.AVAILABLE, **told),
        at(8 * HOUR),
    )
    details = response(result)["details"]
    assert (details["calls"], details["over"]) == (1, over)
    assert len({alert.alert_id for alert in result.alerts if alert.rule == BREACH}) == over


def test_a_step_that_comes_after_the_call_was_forgotten_opens_no_second_one() -> None:
    result = judged(
        step(0, Step.CALL_RECEIVED),
        step(300, Step.ON_SCENE),
        at(301),
        *(at(hour * HOUR) for hour in range(1, 20)),
        step(19 * HOUR + 1, Step.AVAILABLE, on_scene_at=seconds(300)),
        at(20 * HOUR),
    )
    assert response(result)["details"]["calls"] == 1
    assert BREACH not in {alert.rule for alert in result.alerts}


def test_a_call_keeps_the_times_of_the_version_that_was_in_force_when_it_began() -> None:
    """Call at 23:50:30 ── [480 s] ── midnight, another version: 420 s ── [600 s] ── on scene ── clear."""
    midnight = datetime(2026, 11, 24, 16, tzinfo=UTC)
    text = (FOLDER / "policies" / "emergency.toml").read_text(encoding="utf-8")
    for old, new in (
        ('version = "1"', 'version = "2"'),
        ("valid_from = 2010-01-01", "valid_from = 2026-11-25"),
        ("value = 480", "value = 420"),
    ):
        text = text.replace(old, new, 1)
    second = parse_document(text, PolicyDocument, file="second")
    since = (midnight - START).total_seconds()

    def told(after: float, name: Step, **fields: Any) -> EmergencyReading:
        return step(since + after, name, **{"call_received_at": midnight - timedelta(seconds=470), **fields})

    result = judged(
        publication(second),
        at(since - 600),
        told(-470, Step.CALL_RECEIVED),
        at(since - 80),
        at(since + 40),
        told(120, Step.ON_SCENE),
        at(since + 130),
        *(at(since + hour * HOUR) for hour in range(1, 10)),
    )
    risk = [alert for alert in result.alerts if alert.rule == AT_RISK]
    assert [str(alert.event) for alert in risk] == ["raised", "resolved"]
    assert risk[-1].started_at == midnight + timedelta(seconds=10)
    assert risk[-1].ended_at == midnight + timedelta(seconds=120)
    assert {alert.threshold.value for alert in risk} == {480.0}


def test_a_street_told_after_an_alert_has_ended_does_not_change_it() -> None:
    steps: list[EmergencyReading | Item] = [step(0, Step.CALL_RECEIVED), at(481), step(500, Step.ON_SCENE), at(600)]
    result = judged(*steps, step(700, Step.AVAILABLE, street="wansong"), at(800))
    assert of(result, AT_RISK) == ["raised", "resolved"]


def test_times_that_cannot_be_are_as_if_not_told() -> None:
    """A window that an earlier release has kept may hold what the contract refuses today."""
    rules, say, observed = EmergencyRules(book()), Recorder(), to_us(START)
    never = to_us(datetime(9999, 12, 31, 20, tzinfo=UTC))
    state = rules.new_state("jianghan", "live")
    for offset, received in enumerate((never, observed)):
        payload = ("on_scene", None, None, None, "ambulance", None, (received, None, never, never, never))
        rules.apply(state, Entry(observed + offset, "d", "b", offset, f"c{offset}", offset, payload), say)
    assert {name: call.arrived_us for name, call in state.calls.items()} == {"c1": -1}


def test_a_reading_at_the_end_of_the_calendar_is_not_counted() -> None:
    reading = step(0, Step.CALL_RECEIVED).model_copy(update={"observed_at": datetime(9999, 12, 31, tzinfo=UTC)})
    assert EmergencyRules(book()).entry(reading) is None


def test_a_call_is_forgotten_when_no_step_can_belong_to_it() -> None:
    rules, say = EmergencyRules(book()), Recorder()
    state: DistrictState = rules.new_state("jianghan", "live")
    started = to_us(START)
    payload = ("on_scene", "u1", None, None, "ambulance", None, (started, None, None, started + 1, None))
    rules.apply(state, Entry(started + 1, "d", "b", 0, "c", 0, payload), say)
    rules.forget(state, started + 12 * HOUR * 1_000_000)
    assert isinstance(state.calls["c"], Call)
    rules.forget(state, started + 12 * HOUR * 1_000_000 + 1)
    assert not state.calls


@pytest.mark.parametrize("name", ["figures_seconds = 300", "pace_seconds = 5"])
def test_the_pace_of_figures_and_looks_divides_a_day(name: str) -> None:
    text = (FOLDER / "policies" / "emergency.toml").read_text(encoding="utf-8")
    wrong = parse_document(text.replace(name, f"{name}7"), PolicyDocument, file="wrong")
    with pytest.raises(PlanFileError, match="must divide a day"):
        EmergencyRules(PlanBook([wrong]))
