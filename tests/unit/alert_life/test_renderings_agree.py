"""Whatever the event, each form of it says the same, field by field, to whoever reads it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from services.alert_life.renderings import cap, cap_reader, cloudevents, sse
from services.alert_life.renderings.row import COLUMNS, row
from services.alert_life.renderings.xml_text import possible
from tests.cloudevents_reading import parse_binary, parse_structured
from tests.unit.alert_life.any_event import alerts, events

PUBLISHER = cap.Publisher("http://127.0.0.1:8600")
TIMES = frozenset({"event_time", "started_at", "raised_at", "ended_at", "silence_until"})
IN_ELEMENTS = frozenset({"event_id", "event_time", "place", "text_zh", "text_en"})


def moments(flat: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name in TIMES and value is not None else value
        for name, value in flat.items()
    }


@given(events)
def test_cloudevents_of_both_modes_and_the_stream_give_back_the_event(event: Alert | AlertAction) -> None:
    structured = parse_structured(cloudevents.structured(event))
    binary = parse_binary(*cloudevents.binary(event))
    frames = sse.Reader().feed(sse.of_event(event, "a0:12,a1:5").encode())
    assert structured == binary == parse_structured(frames[0].data.encode())
    assert [frame.id for frame in frames] == ["a0:12,a1:5"]
    assert structured.data == event
    flat = row(structured.data)
    assert flat == row(event)
    assert (structured.id, structured.subject) == (flat["event_id"], flat["asset"])
    assert structured.time == datetime.fromisoformat(str(flat["event_time"]))
    assert structured.type == f"cn.jianghan.district.alert.{flat['event']}"
    marks = {name: structured.extensions.get(name) for name in ("lane", "feed", "severity")}
    assert marks == {name: flat[name] for name in ("lane", "feed", "severity")}
    assert structured.exercise is event.lane.startswith("exercise:")
    if isinstance(event, Alert):
        assert int(structured.extensions["sequence"]) == flat["revision"]


@given(events)
def test_a_row_is_flat_and_survives_json(event: Alert | AlertAction) -> None:
    flat = row(event)
    assert tuple(flat) == COLUMNS
    assert all(value is None or isinstance(value, str | int | float) for value in flat.values())
    assert json.loads(json.dumps(flat)) == flat


@given(alerts())
def test_cap_says_what_the_row_says_in_both_languages(alert: Alert) -> None:
    sent = cap.message(alert, PUBLISHER)
    read, flat = cap_reader.parse(sent), row(alert)
    assert read.identifier == flat["event_id"]
    assert read.sent == alert.event_time.replace(microsecond=0)
    assert (read.status == "Actual") is (flat["lane"] == "live")
    assert [info["language"] for info in read.infos] == ["zh-CN", "en-US"]
    for info, text in zip(read.infos, (alert.text.zh, alert.text.en), strict=True):
        assert info["description"] == possible(text)
        assert [area["areaDesc"] for area in info["area"]] == [possible(alert.place)]
        said = cap_reader.parameters(info)
        wanted = {
            name: possible(str(value)) for name, value in flat.items() if value is not None and name not in IN_ELEMENTS
        }
        assert moments(wanted) == moments({name: said.get(name) for name in wanted})
        assert said.keys() - wanted.keys() == {"cn_alert_level", "cn_alert_colour"}
        assert said["cn_alert_level"] == flat["severity"]
        assert info["web"] == f"http://127.0.0.1:8600/map/#alert={flat['alert_id']}"


@given(events)
def test_cap_tells_of_alerts_and_of_who_took_them_and_refuses_the_rest(event: Alert | AlertAction) -> None:
    if cap.tells(event):
        assert cap_reader.parse(cap.message(event, PUBLISHER)).identifier == cloudevents.event_id(event)
        return
    with pytest.raises(ValueError, match=event.event):
        cap.message(event, PUBLISHER)
