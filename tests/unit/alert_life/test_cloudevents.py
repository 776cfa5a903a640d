"""CloudEvents as others read them: the public SDK, unknown extensions, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_binary_event, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, action_id_of
from schemas.fields import LIVE
from services.alert_life.renderings.cloudevents import (
    STRUCTURED_TYPE,
    binary,
    structured,
)
from tests.cloudevents_reading import NotACloudEvent, parse_binary, parse_structured
from tests.unit.alert_life.any_event import events
from tests.unit.alert_life.test_cap_message import alert


def attributes(event: Any) -> dict[str, Any]:
    return {name: value for name, value in event.get_attributes().items() if name != "datacontenttype"}


@given(events)
def test_the_public_sdk_reads_both_modes_and_finds_the_same_in_them(event: Alert | AlertAction) -> None:
    headers, body = binary(event)
    one = from_binary_event(HTTPMessage(headers, body), JSONFormat())
    other = from_structured_event(HTTPMessage({"content-type": STRUCTURED_TYPE}, structured(event)), JSONFormat())
    assert attributes(one) == attributes(other)
    assert one.get_data() == other.get_data() == json.loads(event.model_dump_json())
    assert one.get_time() == event.event_time


def escalation() -> AlertAction:
    return AlertAction(
        action_id=action_id_of("escalate", "1"),
        kind=ActionKind.ESCALATE,
        at=datetime(2026, 7, 1, tzinfo=UTC),
        actor=Actor.PLATFORM,
        by="alert_delivery",
        lane=LIVE,
        asset="lot-1",
        alert=AlertSummary.of(alert()),
    )


def test_one_type_said_by_processors_and_by_people_is_told_apart_by_its_schema() -> None:
    event = parse_structured(structured(escalation()))
    assert (event.type, event.source) == ("cn.jianghan.district.alert.escalated", "/jianghan/alert_delivery")
    assert isinstance(event.data, AlertAction)


def test_attributes_that_nobody_knows_are_kept_and_harm_nothing() -> None:
    document = json.loads(structured(alert())) | {"traceparent": "00-1", "priority": 7, "urgent": True, "gone": None}
    extensions = parse_structured(json.dumps(document).encode()).extensions
    assert (extensions["traceparent"], extensions["priority"], extensions["urgent"]) == ("00-1", "7", "true")
    assert "gone" not in extensions
    headers, body = binary(alert())
    read = parse_binary({name.title(): value for name, value in headers.items()} | {"CE-City": "%E6%AD%A6x"}, body)
    assert read.extensions["city"] == "武x"


def changed(**more: Any) -> bytes:
    document = json.loads(structured(alert()))
    return json.dumps({name: value for name, value in (document | more).items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (changed(data=...), "member `data`"),
        (changed(id=...), "'id' is missing"),
        (changed(source=""), "'source' is missing"),
        (changed(specversion="0.3"), "CloudEvents 0.3"),
        (changed(id="x"), "not that of the data"),
        (changed(time="yesterday"), "no RFC 3339"),
        (changed(time="2026-07-01T00:00:00"), "no offset"),
        (changed(dataschema="urn:x"), "not of this platform"),
        (changed(data={"alert_id": "x"}), "do not follow Alert"),
        (changed(data={"action_id": "x"}, dataschema=...), "do not follow AlertAction"),
        (changed(data=7, dataschema=...), "do not follow Alert"),
        (changed(nested={}), "neither text"),
        (changed(Upper="x"), "small letters"),
    ],
)
def test_what_is_no_event_of_ours_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(NotACloudEvent, match=reason):
        parse_structured(body)


@given(st.binary(max_size=100))
def test_arbitrary_bytes_raise_nothing_but_the_declared_error(body: bytes) -> None:
    with pytest.raises(NotACloudEvent):
        parse_structured(body)
    with pytest.raises(NotACloudEvent):
        parse_binary({"ce-id": "1"}, body)


@pytest.mark.parametrize("source", ["with space", "武汉", 'a"b', "50%", "line\r\nx-evil: 1"])
def test_a_source_that_no_header_can_carry_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="'source'"):
        binary(alert(), source)
