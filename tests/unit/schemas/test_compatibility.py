"""The gate of the contract: each kind of change that breaks somebody is named, and what only adds passes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.compatibility.__main__ import RELEASED, breaks_between, main, release, released, today
from schemas.compatibility.breaks import Break, Way, breaks
from schemas.compatibility.openapi import breaks_of_openapi
from schemas.generate import asyncapi_text, documents

Change = Callable[[dict[str, Any]], None]


def test_the_contract_of_today_breaks_nobody_who_goes_by_the_released_one() -> None:
    found = [str(each) for each in breaks_between(released(), today())]
    assert found == [], "add instead of changing; what is meant: python -m schemas.compatibility release --break"


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(documents()[f"{name}.schema.json"])
    return found


def changed(document: dict[str, Any], change: Change) -> dict[str, Any]:
    other = copy.deepcopy(document)
    change(other)
    return other


def sentences(name: str, change: Change, *, backwards: bool = False) -> list[str]:
    """What the gate says of a change to a JSON Schema."""
    was, now = schema(name), changed(schema(name), change)
    if backwards:
        was, now = now, was
    key = f"json/{name}.schema.json"
    return [str(each) for each in breaks_between({key: json.dumps(was)}, {key: json.dumps(now)})]


def properties(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["properties"]
    return found


READ = {
    "a field is gone": (lambda d: d["properties"].pop("ph"), "ph: the field is gone"),
    "a field must be there": (lambda d: d["required"].append("ph"), "ph: the field must be there now"),
    "a new field must be there": (
        lambda d: (d["properties"].update(new={"type": "string"}), d["required"].append("new")),
        "new: the field must be there now",
    ),
    "null is no longer a value": (
        lambda d: d["properties"]["ph"].update(anyOf=[{"type": "number", "minimum": 0, "maximum": 14}]),
        "ph: it was null, now only integer or number is understood",
    ),
    "a number becomes whole": (
        lambda d: d["properties"]["ph"]["anyOf"][0].update(type="integer"),
        "ph: it was integer or number",
    ),
    "a limit is lower": (
        lambda d: d["properties"]["ph"]["anyOf"][0].update(maximum=10),
        "ph: `maximum` was",
    ),
    "a text is shorter": (
        lambda d: d["properties"]["device_id"].update(maxLength=32),
        "device_id: `maxLength` was 64, now at most 32",
    ),
    "a pattern is another": (
        lambda d: d["properties"]["lane"].update(pattern="^live$"),
        "lane: the pattern was",
    ),
    "a word is gone": (lambda d: d["$defs"]["Quality"]["enum"].remove("manual"), "quality: `manual` is no longer"),
    "a constant is another": (
        lambda d: d["properties"]["feed"].update(const="sea"),
        "feed: `water` is no longer allowed",
    ),
}


@pytest.mark.parametrize("what", READ)
def test_what_devices_send_may_not_become_less(what: str) -> None:
    change, sentence = READ[what]
    said = sentences("water.reading", change)
    assert any(sentence in each for each in said), said
    assert all(each.startswith("water.reading.schema.json: ") for each in said)


@pytest.mark.parametrize(
    "what", sorted(set(READ) - {"a new field must be there", "a pattern is another", "a constant is another"})
)
def test_what_devices_send_may_become_more(what: str) -> None:
    assert sentences("water.reading", READ[what][0], backwards=True) == []


WRITTEN = {
    "a field is gone": (lambda d: d["properties"].pop("members"), "members: the field is gone; readers rely on it"),
    "a field need not be there": (
        lambda d: d["required"].remove("observed_value"),
        "observed_value: the field need no longer be there",
    ),
    "a new word": (lambda d: d["$defs"]["Severity"]["enum"].append("V"), "severity: `V` is new"),
    "a value may be null": (
        lambda d: d["properties"]["place"].update(anyOf=[{"type": "string", "maxLength": 200}, {"type": "null"}]),
        "place: it may be null now, readers expect string",
    ),
    "a text may be longer": (
        lambda d: d["properties"]["place"].update(maxLength=300),
        "place: `maxLength` may be 300 now, was 200",
    ),
    "a pattern is another": (lambda d: d["properties"]["alert_id"].update(pattern="^.*$"), "alert_id: the pattern was"),
    "deep inside": (
        lambda d: d["$defs"]["ThresholdSource"]["properties"].pop("where"),
        "threshold.source.where: the field is gone",
    ),
    "inside an array": (
        lambda d: d["$defs"]["Threshold"]["properties"]["unit"].update(type=["string", "null"]),
        "limits[].unit: it may be null now",
    ),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_what_readers_rely_on_stays(what: str) -> None:
    change, sentence = WRITTEN[what]
    said = sentences("alert", change)
    assert any(sentence in each for each in said), said


def test_a_new_field_that_need_not_be_there_breaks_nobody() -> None:
    for name in ("alert", "water.reading", "subscription-register"):
        assert sentences(name, lambda d: properties(d).update(new={"type": "string"})) == []


def test_a_register_of_an_earlier_release_must_still_be_read() -> None:
    said = sentences("subscription-register", lambda d: d["$defs"]["Subscription"]["properties"].pop("name"))
    assert any("subscriptions[].name: the field is gone" in each for each in said)


def test_a_document_that_is_gone_is_named() -> None:
    said = breaks_between({"json/tick.schema.json": "{}", "asyncapi.json": "{}"}, {})
    assert [str(each) for each in said] == [
        "tick.schema.json: the whole value: the document is gone",
        "asyncapi.json: the whole value: the document is gone",
    ]


ASYNCAPI = {
    "a channel is gone": (lambda d: d["channels"].pop("kafka.alerts"), "kafka.alerts: the channel is gone"),
    "another topic": (
        lambda d: d["channels"]["kafka.alerts"].update(address="alarms"),
        "kafka.alerts: the topic was alerts, now it is alarms",
    ),
    "another key": (
        lambda d: d["channels"]["kafka.alerts"].update({"x-key": "zone"}),
        "kafka.alerts: the key was asset, now it is zone",
    ),
    "other partitions": (
        lambda d: d["channels"]["kafka.alerts"]["bindings"]["kafka"].update(partitions=6),
        "kafka.alerts: there were 3 partitions, now 6",
    ),
    "kept for a shorter time": (
        lambda d: d["channels"]["kafka.alerts"].update({"x-retention-days": 30}),
        "kafka.alerts: records were kept for 90 days, now for 30 days",
    ),
    "no longer for ever": (
        lambda d: d["channels"]["kafka.plan"].update({"x-retention-days": 30}),
        "kafka.plan: records were kept for ever, now for 30 days",
    ),
    "compacted": (
        lambda d: d["channels"]["kafka.alerts"]["bindings"]["kafka"]["topicConfiguration"].update(
            {"cleanup.policy": ["compact"]}
        ),
        "kafka.alerts: cleanup was ['delete'], now it is ['compact']",
    ),
    "a message is gone": (
        lambda d: d["channels"]["mqtt.ev.receipt"]["messages"].clear(),
        "mqtt.ev.receipt: the message receipt is gone",
    ),
    "a message among others": (
        lambda d: d["channels"]["kafka.alerts"]["messages"].update(
            tick={"$ref": "#/components/messages/tick"},
        ),
        "kafka.alerts: the message tick is new",
    ),
    "another form": (
        lambda d: d["components"]["messages"]["alertEvent"].update(contentType="text/plain"),
        "kafka.alerts: alertEvent was application/json, now it is text/plain",
    ),
    "a header is gone": (
        lambda d: d["components"]["messages"]["alertEvent"]["headers"]["properties"].pop("ce_id"),
        "kafka.alerts: alertEvent headers: ce_id: the field is gone",
    ),
    "a field of a payload": (
        lambda d: d["components"]["schemas"]["Alert"]["properties"].pop("text"),
        "kafka.alerts: alertEvent: text: the field is gone",
    ),
    "a field of a reading": (
        lambda d: d["components"]["schemas"]["EvReading"]["properties"].pop("power_kw"),
        "mqtt.ev.reading: evReadings: power_kw: the field is gone",
    ),
    "a reading one by one": (
        lambda d: d["components"]["messages"]["evReadings"].update(payload={"$ref": "#/components/schemas/EvReading"}),
        "mqtt.ev.reading: evReadings: it was array",
    ),
    "an operation": (
        lambda d: d["operations"].pop("send.kafka.alerts"),
        "send.kafka.alerts: the operation is gone",
    ),
}


def between(was: dict[str, Any], now: dict[str, Any]) -> list[Break]:
    return breaks_between({"asyncapi.json": json.dumps(was)}, {"asyncapi.json": json.dumps(now)})


@pytest.mark.parametrize("what", ASYNCAPI)
def test_a_change_of_topics_and_messages_is_named(what: str) -> None:
    change, sentence = ASYNCAPI[what]
    was = json.loads(asyncapi_text())
    now = changed(was, change)
    said = [
        str(each) for each in breaks_between({"asyncapi.json": json.dumps(was)}, {"asyncapi.json": json.dumps(now)})
    ]
    assert any(sentence in each for each in said), said


def test_what_the_platform_alone_reads_may_gain_kinds_of_records() -> None:
    was = json.loads(asyncapi_text())
    now = changed(
        was, lambda d: d["channels"]["kafka.plan"]["messages"].update(d["channels"]["kafka.lanes"]["messages"])
    )
    assert breaks_between({"asyncapi.json": json.dumps(was)}, {"asyncapi.json": json.dumps(now)}) == []


ROUTES: dict[str, Any] = {
    "openapi": "3.1.0",
    "security": [{"key": []}],
    "paths": {
        "/alerts/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"$ref": "#/components/parameters/lane"},
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Row"}}},
                    },
                    "404": {"$ref": "#/components/responses/Missing"},
                },
            },
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Act"}}}},
                "responses": {"201": {"description": "done"}},
            },
        },
        "/healthz": {"get": {"security": [], "responses": {"200": {"description": "well"}}}},
    },
    "components": {
        "parameters": {"lane": {"name": "lane", "in": "query", "schema": {"enum": ["live", "exercise"]}}},
        "responses": {"Missing": {"content": {"application/problem+json": {"schema": {"type": "object"}}}}},
        "schemas": {
            "Row": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "next": {"$ref": "#/components/schemas/Row"}},
            },
            "Act": {
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": {"enum": ["acknowledge", "close"]}},
            },
        },
    },
}
ALERT = "/alerts/{id}"

OPENAPI = {
    "a route is gone": (lambda d: d["paths"].pop(ALERT), "/alerts/{id}: the route is gone"),
    "a method is gone": (lambda d: d["paths"][ALERT].pop("post"), "POST /alerts/{id}: the method is gone"),
    "a parameter is gone": (
        lambda d: d["paths"][ALERT]["get"]["parameters"].pop(0),
        "GET /alerts/{id}: the query parameter limit is gone",
    ),
    "a parameter must be given": (
        lambda d: d["paths"][ALERT]["get"]["parameters"][0].update(required=True),
        "GET /alerts/{id}: the query parameter limit must be given now",
    ),
    "a new parameter must be given": (
        lambda d: d["paths"][ALERT]["get"]["parameters"].append({"name": "x", "in": "query", "required": True}),
        "GET /alerts/{id}: the query parameter x is new and must be given",
    ),
    "a parameter takes less": (
        lambda d: d["paths"][ALERT]["get"]["parameters"][0]["schema"].update(maximum=50),
        "GET /alerts/{id}: query parameter limit: `maximum` was 100, now at most 50",
    ),
    "a referenced parameter takes less": (
        lambda d: d["components"]["parameters"]["lane"]["schema"]["enum"].remove("exercise"),
        "GET /alerts/{id}: query parameter lane: `exercise` is no longer allowed",
    ),
    "a body takes less": (
        lambda d: d["components"]["schemas"]["Act"]["properties"]["kind"]["enum"].remove("close"),
        "POST /alerts/{id}: body: kind: `close` is no longer allowed",
    ),
    "a body must be sent": (
        lambda d: d["paths"][ALERT]["post"]["requestBody"].update(required=True),
        "POST /alerts/{id}: a body must be sent now",
    ),
    "a body is new": (
        lambda d: d["paths"]["/healthz"]["get"].update(requestBody={"required": True, "content": {}}),
        "GET /healthz: a body must be sent now",
    ),
    "no body any more": (
        lambda d: d["paths"][ALERT]["post"].pop("requestBody"),
        "POST /alerts/{id}: it takes no body any more",
    ),
    "an answer lacks a field": (
        lambda d: d["components"]["schemas"]["Row"]["properties"].pop("next"),
        "GET /alerts/{id}: answer 200: next: the field is gone",
    ),
    "an answer is gone": (
        lambda d: d["paths"][ALERT]["get"]["responses"].pop("404"),
        "GET /alerts/{id}: the answer 404 is gone",
    ),
    "a form of an answer is gone": (
        lambda d: d["components"]["responses"]["Missing"]["content"].clear(),
        "GET /alerts/{id}: answer 404: application/problem+json is gone",
    ),
    "a header is gone": (
        lambda d: d["paths"][ALERT]["get"]["responses"]["200"]["headers"].clear(),
        "GET /alerts/{id}: the answer 200 no longer has the header ETag",
    ),
    "what was open is locked": (
        lambda d: d["paths"]["/healthz"]["get"].pop("security"),
        "GET /healthz: nothing is no longer enough",
    ),
    "another key": (
        lambda d: d.update(security=[{"card": []}]),
        "GET /alerts/{id}: key is no longer enough",
    ),
}


@pytest.mark.parametrize("what", OPENAPI)
def test_a_change_of_routes_is_named(what: str) -> None:
    change, sentence = OPENAPI[what]
    said = [str(each) for each in breaks_of_openapi("openapi.json", ROUTES, changed(ROUTES, change))]
    assert any(sentence in each for each in said), said


def test_new_routes_answers_and_ways_in_break_nobody() -> None:
    def more(d: dict[str, Any]) -> None:
        d["paths"]["/new"] = {"get": {"responses": {}}}
        d["paths"][ALERT]["get"]["responses"]["429"] = {"description": "slower"}
        d["paths"][ALERT]["get"]["parameters"].append({"name": "x", "in": "query"})
        d["components"]["schemas"]["Row"]["properties"]["more"] = {"type": "string"}
        d["security"].append({"cookie": []})

    assert breaks_of_openapi("openapi.json", ROUTES, changed(ROUTES, more)) == []


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=2),
    max_leaves=4,
)
schemas = st.recursive(
    st.one_of(
        st.just({}),
        st.just(True),
        st.builds(lambda words: {"enum": words}, st.lists(values, min_size=1, max_size=3)),
        st.builds(lambda low: {"type": "integer", "minimum": low}, st.integers(-3, 3)),
        st.builds(lambda most: {"type": "string", "maxLength": most}, st.integers(0, 3)),
        st.sampled_from([{"type": "null"}, {"type": "number"}, {"type": "boolean"}, {"type": ["string", "null"]}]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda first: {"type": "array", "prefixItems": [first], "maxItems": 1, "minItems": 1}, inner),
        st.builds(lambda both: {"anyOf": both}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(
            lambda fields, required: {
                "type": "object",
                "properties": fields,
                "required": required,
                "additionalProperties": False,
            },
            st.dictionaries(st.sampled_from("xyz"), inner, max_size=2),
            st.lists(st.sampled_from("xyz"), unique=True, max_size=2),
        ),
    ),
    max_leaves=4,
)


@given(schemas, schemas, st.lists(values, min_size=1, max_size=30))
@example({}, {"anyOf": [{"anyOf": [{"type": "integer", "minimum": 0}]}]}, [None])
def test_where_the_gate_sees_no_break_every_old_value_is_still_valid(one: Any, other: Any, tried: list[Any]) -> None:
    from jsonschema import Draft202012Validator

    if breaks("x", (one, {}), (other, {}), Way.READ):
        return
    old, new = Draft202012Validator(one), Draft202012Validator(other)
    assert [value for value in tried if old.is_valid(value) and not new.is_valid(value)] == []


@given(schemas)
def test_a_schema_is_no_change_to_itself(one: Any) -> None:
    assert breaks("x", (one, {}), (copy.deepcopy(one), {}), Way.BOTH) == []


def test_a_break_is_released_only_when_it_is_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = dict(today())
    document = json.loads(old["json/alert.schema.json"])
    document["properties"]["gone"] = {"type": "string"}
    old["json/alert.schema.json"] = json.dumps(document)
    old["json/stale.schema.json"] = "{}"
    release(tmp_path, old)
    assert main([], tmp_path) == 1
    assert "alert.schema.json: gone: the field is gone" in capsys.readouterr().out
    assert main(["release"], tmp_path) == 1
    assert released(tmp_path) == old
    assert main(["release", "--break"], tmp_path) == 0
    assert released(tmp_path) == today()
    assert main([], tmp_path) == 0


def test_generating_leaves_the_released_contract_alone() -> None:
    assert RELEASED.name not in {"json", "asyncapi"}
    assert released().keys() >= {"asyncapi.json", "json/alert.schema.json", "json/water.reading.schema.json"}
