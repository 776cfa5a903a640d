"""Topics table, dead letters, alerts, receipts, generated schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from schemas import lane
from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id, header_map
from schemas.credentials import device_password
from schemas.dead_letter import DeadLetter, DeadLetterReason, DeadLetterSource
from schemas.fields import Feed
from schemas.generate import FOLDER, documents
from schemas.plan import documents as plan_documents
from schemas.readings import MODELS
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


def _models(module: ModuleType) -> list[type[BaseModel]]:
    own = [each for each in vars(module).values() if getattr(each, "__module__", None) == module.__name__]
    return [each for each in own if isinstance(each, type) and issubclass(each, BaseModel)]


@pytest.mark.parametrize("model", [*MODELS.values(), *_models(lane), *_models(plan_documents)])
def test_no_text_may_hold_what_a_text_column_does_not(model: type[BaseModel]) -> None:
    """PostgreSQL has no NUL: a field that takes one makes a record that nothing can store."""
    assert model.model_fields
    for name, field in model.model_fields.items():
        with pytest.raises(ValidationError) as refused:
            model.model_validate_json(json.dumps({field.alias or name: "a\0"}))
        assert (field.alias or name,) in {error["loc"][:1] for error in refused.value.errors()}, name


def _without_bound(node: Any, path: str) -> Iterator[str]:
    """Numbers of a JSON Schema that may be as large, or as small, as they like."""
    match node:
        case {"type": "integer" | "number"} if "const" not in node and "enum" not in node:
            for ends in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
                if not any(end in node for end in ends):
                    yield f"{path}: no {ends[0]}"
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        yield from _without_bound(child, f"{path}/{name}")


@pytest.mark.parametrize("name", sorted(documents()))
def test_every_number_has_bounds(name: str) -> None:
    """What has none is one day too large for a column, or makes every sum that it enters infinite."""
    assert list(_without_bound(json.loads(documents()[name]), name)) == []


def test_the_sum_of_squares_of_a_year_of_a_feed_s_largest_numbers_is_finite() -> None:
    readings = 3_000 * 86_400 * 366
    for feed, model in MODELS.items():
        for field, schema in model.model_json_schema()["properties"].items():
            for one in (schema, *schema.get("anyOf", ())):
                if one.get("type") == "number":
                    largest = max(abs(float(one[end])) for end in ("minimum", "maximum") if end in one)
                    assert largest * largest * readings < 1e300, (feed, field)
