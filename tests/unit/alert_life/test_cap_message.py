"""What a CAP message of ours says: types, times, references, marks of exercises, colours."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, action_id_of
from schemas.fields import LIVE, Feed
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.alert_life.renderings.cap import Position, Publisher, message
from services.alert_life.renderings.cap_reader import CapMessage, parameters, parse

EVENING = datetime(2026, 7, 1, 17, 30, 0, 250_000, tzinfo=UTC)
"""Half past one in the night of the second, in the district."""
PUBLISHER = Publisher("https://district.example")
ID = alert_id("parking.lot_full", "lot-1", LIVE, "1")
SOURCE = ThresholdSource(kind=SourceKind.POLICY, id="p", version="1", where="owner", valid_from=EVENING.date())


def alert(revision: int = 0, event: AlertEventType = AlertEventType.RAISED, **more: Any) -> Alert:
    fields: dict[str, Any] = {
        "alert_id": ID,
        "revision": revision,
        "event": event,
        "rule": "parking.lot_full",
        "feed": Feed.PARKING,
        "lane": LIVE,
        "asset": "lot-1",
        "place": "江汉路停车场",
        "severity": Severity.YELLOW,
        "started_at": EVENING,
        "raised_at": EVENING,
        "observed_value": 1.0,
        "observed_unit": "1",
        "threshold": Threshold(id="p", value=1.0, unit="1", comparator=Comparator.LT, source=SOURCE),
        "evidence": None,
        "text": AlertText(zh="满位", en="Full"),
    }
    return Alert.model_validate(fields | more)


def said(event: Alert | AlertAction, **more: Any) -> CapMessage:
    return parse(message(event, PUBLISHER, **more))


@pytest.mark.parametrize(
    ("event", "more", "expected"),
    [
        (AlertEventType.RAISED, {}, ("Alert", "Expected", "Assess")),
        (AlertEventType.UPDATED, {}, ("Update", "Expected", "Assess")),
        (AlertEventType.ESCALATED, {"severity": Severity.RED}, ("Update", "Immediate", "Assess")),
        (AlertEventType.AMENDED, {}, ("Update", "Expected", "Assess")),
        (AlertEventType.RESOLVED, {"ended_at": EVENING + timedelta(hours=1)}, ("Update", "Past", "AllClear")),
        (AlertEventType.RETRACTED, {}, ("Cancel", "Past", "AllClear")),
    ],
)
def test_the_type_of_message_follows_from_what_happened(
    event: AlertEventType, more: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    read = said(alert(0 if event is AlertEventType.RAISED else 3, event, **more))
    info = read.info("en-US")
    assert (read.msg_type, info["urgency"], info["responseType"][0]) == expected
    assert bool(read.references) is (event is not AlertEventType.RAISED)


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        (Severity.RED, ("Extreme", "红色", "red")),
        (Severity.ORANGE, ("Severe", "橙色", "orange")),
        (Severity.YELLOW, ("Moderate", "黄色", "yellow")),
        (Severity.BLUE, ("Minor", "蓝色", "blue")),
    ],
)
def test_the_four_colours_travel_beside_the_severity(severity: Severity, expected: tuple[str, str, str]) -> None:
    chinese, english = (said(alert(severity=severity)).info(language) for language in ("zh-CN", "en-US"))
    colours = [parameters(info)["cn_alert_colour"] for info in (chinese, english)]
    assert (english["severity"], *colours) == expected
    assert parameters(chinese)["cn_alert_level"] == severity.value
    assert (chinese["headline"], english["headline"]) == (
        f"{expected[1]}预警：江汉路停车场",
        f"{expected[2]} alert: 江汉路停车场",
    )


def test_every_time_is_of_the_district_and_none_ends_in_z() -> None:
    ended = alert(1, AlertEventType.RESOLVED, ended_at=EVENING + timedelta(minutes=5))
    text = message(ended, PUBLISHER).decode()
    times = re.findall(r"\d{4}-\d\d-\d\dT[^<,]*", text)
    assert len(times) > 8
    assert {at[-6:] for at in times} == {"+08:00"}
    assert "<sent>2026-07-02T01:35:00+08:00</sent>" in text
    assert "<value>2026-07-02T01:30:00.250000+08:00</value>" in text, "the parameters have the time in full"


@pytest.mark.parametrize(
    ("lane", "status", "mark"),
    [
        ("live", "Actual", ""),
        ("exercise:flood", "Exercise", "演练"),
        ("replay:july", "Test", "演练"),
        ("whatif:one", "Test", "演练"),
    ],
)
def test_what_is_not_real_life_says_so_in_status_note_and_headline(lane: str, status: str, mark: str) -> None:
    read = said(alert(lane=lane))
    assert read.status == status
    assert read.info("zh-CN")["headline"].startswith(mark)
    assert (lane in read.fields.get("note", "")) is (lane != "live")


def test_a_message_refers_to_the_one_before_as_that_was_sent() -> None:
    """Late data move the time of raising, the alert ends, ends earlier than was said, and goes on after all."""
    moved = EVENING - timedelta(minutes=3)
    ends = [EVENING + timedelta(hours=1), EVENING + timedelta(minutes=40)]
    events = [
        alert(),
        alert(1, AlertEventType.AMENDED, raised_at=moved, previous_at=EVENING),
        alert(2, AlertEventType.RESOLVED, raised_at=moved, ended_at=ends[0], previous_at=moved),
        alert(3, AlertEventType.AMENDED, raised_at=moved, ended_at=ends[1], previous_at=ends[0]),
        alert(4, AlertEventType.AMENDED, raised_at=moved, previous_at=ends[1]),
    ]
    messages = [said(each) for each in events]
    assert messages[0].references == ()
    for before, after in pairwise(messages):
        (named,) = after.references
        assert (named.sender, named.identifier, named.sent) == (before.sender, before.identifier, before.sent)


def test_an_event_of_a_release_that_did_not_note_it_takes_the_time_of_raising() -> None:
    (named,) = said(alert(2, AlertEventType.UPDATED)).references
    assert (named.identifier, named.sent) == (f"{ID}-1", EVENING.replace(microsecond=0))


def test_a_person_who_takes_an_alert_is_an_acknowledgement_of_the_message_that_they_saw() -> None:
    taken = AlertAction(
        action_id=action_id_of("wang", "1"),
        kind=ActionKind.ACKNOWLEDGE,
        at=EVENING + timedelta(minutes=1),
        actor=Actor.PERSON,
        by="wang",
        by_name="王",
        lane=LIVE,
        asset="lot-1",
        alert=AlertSummary.of(alert()),
        seen=0,
    )
    ended = alert(1, AlertEventType.RESOLVED, ended_at=EVENING + timedelta(hours=1), previous_at=EVENING)
    (named,) = said(taken.model_copy(update={"alert": AlertSummary.of(ended)})).references
    assert (named.identifier, named.sent) == (f"{ID}-1", said(ended).sent)
    read = said(taken)
    assert (read.msg_type, read.identifier, read.infos) == ("Ack", taken.action_id, [])
    assert [(each.identifier, each.sent) for each in read.references] == [(f"{ID}-0", said(alert()).sent)]
    assert "王" in read.fields["note"]


def test_the_place_is_an_area_with_its_position_latitude_first() -> None:
    (area,) = said(alert(), position=Position(longitude=114.2705, latitude=30.5996)).info("zh-CN")["area"]
    assert area["circle"] == ["30.599600,114.270500 0.0"]
    assert {each["valueName"]: each["value"] for each in area["geocode"]}["GB/T 2260"] == "420103"
