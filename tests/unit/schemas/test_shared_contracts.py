"""Topics table, dead letters, alerts, receipts, generated schemas."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id, header_map
from schemas.credentials import device_password
from schemas.dead_letter import DeadLetter, DeadLetterReason, DeadLetterSource
from schemas.fields import Feed
from schemas.generate import FOLDER, documents
from schemas.topics import DEAD_LETTERS, TOPICS, readings_topic, state_topic, topic_spec
from schemas.verdict import Comparator, Evidence, SourceKind, Threshold, ThresholdSource

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLASS_III = Threshold(
    id="water.class",
    value=3,
    unit="class",
    comparator=Comparator.LE,
    source=ThresholdSource(
        kind=SourceKind.PLAN, id="jianghan-14fyp", version="1", where="page 31", valid_from=date(2021, 1, 1)
    ),
)


def test_the_generated_schemas_are_those_in_the_tree() -> None:
    assert {p.name: p.read_text(encoding="utf-8") for p in FOLDER.glob("*.schema.json")} == documents()


def test_a_dead_letter_survives_its_headers() -> None:
    letter = DeadLetter(
        source=DeadLetterSource.INGEST_BRIDGE,
        reason=DeadLetterReason.INVALID,
        detail="ph: 15 is above 14 (水质)",
        received_at=NOON,
        mqtt_topic="jianghan/water/g/d/reading",
        feed=Feed.WATER,
        seq=7,
        element=2,
    )
    assert DeadLetter.from_headers(letter.to_headers()) == letter


def test_dead_letter_headers_that_lack_the_reason_are_refused() -> None:
    with pytest.raises(ValidationError, match="reason"):
        DeadLetter.from_headers([("source", b"ingest_bridge")])


def test_names_of_topics_are_unique_and_state_follows_readings() -> None:
    names = [spec.name for spec in TOPICS]
    assert len(names) == len(set(names))
    for feed in Feed:
        assert topic_spec(readings_topic(feed)).partitions == topic_spec(state_topic(feed)).partitions
        assert topic_spec(state_topic(feed)).config()["cleanup.policy"] == "compact"


def test_a_dead_letter_may_be_larger_than_the_brokers_default() -> None:
    assert int(topic_spec(DEAD_LETTERS).config()["max.message.bytes"]) > 4 * 1024 * 1024


def test_an_unknown_topic_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="weather"):
        topic_spec("weather")


def _alert() -> Alert:
    return Alert(
        alert_id=alert_id("water.class_worse_than_target", "beihu", "live", NOON.isoformat()),
        revision=0,
        event=AlertEventType.RAISED,
        rule="water.class_worse_than_target",
        feed=Feed.WATER,
        lane="live",
        asset="beihu",
        place="北湖",
        severity=Severity.YELLOW,
        started_at=NOON,
        raised_at=NOON,
        observed_value=5.0,
        observed_unit="class",
        threshold=CLASS_III,
        evidence=Evidence(topic="readings.water", partition=0, offsets=(3, 9)),
        text=AlertText(zh="北湖水质劣于目标", en="Beihu is worse than its target"),
    )


def test_an_alert_is_a_binary_cloudevent() -> None:
    headers = header_map(_alert().to_headers())
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_type"] == "cn.jianghan.district.alert.raised"
    assert headers["ce_id"] == f"{_alert().alert_id}-0"
    assert headers["ce_time"] == "2026-03-01T12:00:00Z"
    assert headers["content-type"] == "application/json"
    assert Alert.model_validate_json(_alert().model_dump_json()) == _alert()


def test_the_id_of_an_alert_is_a_pinned_function_of_what_it_is() -> None:
    assert len({alert_id(*parts) for parts in (("r", "a", "l", "e"), ("ra", "", "l", "e"), ("r", "a", "le", ""))}) == 3
    assert alert_id("r", "a", "live", "e") == "782f2362f1f5b08d3cf89ee251cad454"


def test_evidence_is_ascending() -> None:
    with pytest.raises(ValidationError, match="ascending"):
        Evidence(topic="readings.water", partition=0, offsets=(9, 3))


def test_a_threshold_without_a_source_does_not_load() -> None:
    raw = json.loads(CLASS_III.model_dump_json())
    del raw["source"]
    with pytest.raises(ValidationError, match="source"):
        Threshold.model_validate_json(json.dumps(raw))


def test_two_devices_have_different_passwords() -> None:
    assert device_password("secret", "a") != device_password("secret", "b")
    assert device_password("secret", "a") == device_password("secret", "a")
