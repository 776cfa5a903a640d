"""What becomes of a message: hostile payloads each with their reason, arrays element by element, arbitrary bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter, DeadLetterReason
from schemas.readings import ANY_READING
from services.ingest_bridge.judge import PLAIN_BYTES, Accepted, Policy, Refused, Ticked, Verdict, judge, quick
from services.ingest_bridge.letters import dead_letter
from services.ingest_bridge.routes import AnyRoute, Route, Routes
from simulators.load.hostile_messages import hostile_messages
from tests.unit.ingest_bridge.registered import admission

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
POLICY = Policy(max_payload_bytes=1024 * 1024, max_elements=10_000, future_tolerance=timedelta(minutes=5))
SMALL = Policy(max_payload_bytes=2_000, max_elements=3, future_tolerance=timedelta(minutes=5))
ROUTES = Routes(lambda _key, _n: 0, lambda _topic: 6, admission())
TOPIC = b"jianghan/ev/site-1/ev-1/reading"
CLOCK = b"jianghan/ev/clock/replay:ev-1"


def reading(**changed: Any) -> dict[str, Any]:
    return {
        "feed": "ev",
        "device_id": "ev-1",
        "group_id": "site-1",
        "boot_id": "b1",
        "seq": 7,
        "observed_at": "2026-07-01T11:59:59Z",
        "context": "status",
        "status": "idle",
        **changed,
    }


def raw(**changed: Any) -> bytes:
    return json.dumps(reading(**changed), ensure_ascii=False).encode()


def tick(**changed: Any) -> bytes:
    return json.dumps({"lane": "replay:ev-1", "at": "2026-07-01T12:00:00Z", **changed}).encode()


def judged(
    payload: bytes, topic: bytes = TOPIC, policy: Policy = POLICY, properties: tuple[tuple[str, str], ...] = ()
) -> list[Verdict]:
    return judge(ROUTES.get(topic), payload, properties, now=NOW, policy=policy)


def refusal(payload: bytes, topic: bytes = TOPIC, policy: Policy = POLICY) -> Refused:
    (only,) = judged(payload, topic, policy)
    assert isinstance(only, Refused)
    return only


def test_a_valid_object_keeps_its_own_bytes() -> None:
    payload = b" " + raw() + b"\n"
    assert judged(payload) == [Accepted("b1", 7, payload, "live", NOW - timedelta(seconds=1))]


def test_a_valid_object_blown_up_with_blanks_is_written_anew() -> None:
    (only,) = judged(raw() + b" " * PLAIN_BYTES)
    assert isinstance(only, Accepted)
    assert len(only.value) < 1_000
    assert ANY_READING.validate_json(only.value) == ANY_READING.validate_json(raw())


def test_elements_of_an_array_are_records_of_their_own() -> None:
    verdicts = judged(b"[" + raw() + b", " + raw(seq=8) + b"]")
    assert [(v.seq, ANY_READING.validate_json(v.value).seq) for v in verdicts if isinstance(v, Accepted)] == [
        (7, 7),
        (8, 8),
    ]


def test_elements_of_an_array_are_judged_alone_and_refused_with_their_own_bytes() -> None:
    stranger, broken = raw(seq=9, device_id="ev-2"), b'{"seq": 8, "boot_id":"b1",  "status":"asleep"}'
    verdicts = judged(b" [ " + raw() + b" ," + broken + b", 3, " + stranger + b"]")
    assert isinstance(verdicts[0], Accepted)
    assert verdicts[0].value == raw()
    refused = [v for v in verdicts if isinstance(v, Refused)]
    assert [(r.element, r.reason, r.payload, r.claims.seq) for r in refused] == [
        (1, DeadLetterReason.INVALID, broken, 8),
        (2, DeadLetterReason.INVALID, b"3", None),
        (3, DeadLetterReason.CONTRADICTS_TOPIC, stranger, 9),
    ]


def hostile() -> list[Any]:
    """One of each kind."""
    kinds = {m.kind: m for m in hostile_messages("b1", NOW, 400)}
    return [pytest.param(m, id=kind) for kind, m in kinds.items()]


@pytest.mark.parametrize("message", hostile())
def test_every_hostile_message_gets_its_reason(message: Any) -> None:
    refused = [v for v in judged(message.payload, message.topic.encode()) if isinstance(v, Refused)]
    assert [each.reason for each in refused] == [message.expected]
    assert_letter_holds(refused[0], ROUTES.get(message.topic.encode()), message.topic.encode())


def assert_letter_holds(refused: Refused, route: AnyRoute, topic: bytes) -> None:
    """The dead letter survives its headers, within the bounds of a record, without control characters."""
    letter = dead_letter(refused, topic, route, [], NOW)
    headers = letter.to_headers()
    assert DeadLetter.from_headers(headers) == letter
    assert sum(len(name) + len(value) for name, value in headers) < 16_384
    assert letter.detail
    assert "\x00" not in letter.detail


@pytest.mark.parametrize(
    ("payload", "topic", "reason", "words"),
    [
        (raw(soc_percent=101), TOPIC, DeadLetterReason.INVALID, ('"soc_percent"', "101", "less than or equal to 100")),
        (raw(colour="green"), TOPIC, DeadLetterReason.INVALID, ('"colour"', "green", "not permitted")),
        (raw(site_name="x" * 500_000), TOPIC, DeadLetterReason.INVALID, ('"site_name"', "500,000 characters")),
        (raw(site_name="P\0"), TOPIC, DeadLetterReason.INVALID, ('"site_name"', "the control character U+0000")),
        (raw(status_word="\x9b2J"), TOPIC, DeadLetterReason.INVALID, ('"status_word"', "U+009B")),
        (raw(observed_at="1416325226"), TOPIC, DeadLetterReason.INVALID, ('"observed_at"', "RFC 3339")),
        (raw(boot_id="a b"), TOPIC, DeadLetterReason.INVALID, ('"boot_id"', "pattern")),
        (b'{"seq":1}', TOPIC, DeadLetterReason.INVALID, ("is missing", "more")),
        (b"[]", TOPIC, DeadLetterReason.INVALID, ("empty",)),
        (b"ab\xff", TOPIC, DeadLetterReason.NOT_UTF8, ("0xff", "position 2")),
        (b'{"a":' * 300 + b"1" + b"}" * 300, TOPIC, DeadLetterReason.NOT_JSON, ("recursion",)),
        (raw(observed_at="2026-07-01T12:05:01Z"), TOPIC, DeadLetterReason.FUTURE_TIME, ("12:05:01", "12:05:00")),
        (raw(device_id="ev-2"), TOPIC, DeadLetterReason.CONTRADICTS_TOPIC, ('"ev-2"', "'ev-1'")),
        (raw(feed="water"), TOPIC, DeadLetterReason.CONTRADICTS_TOPIC, ("feed", "water")),
        (raw(), b"jianghan/ev/site-1/ev-1/receipt", DeadLetterReason.WRONG_TOPIC, ("only the bridge",)),
        (raw(), b"", DeadLetterReason.WRONG_TOPIC, ("expected",)),
        (b'{"lane":"live","at":"2026-07-01T12:00:00Z"}', b"jianghan/ev/clock/live", DeadLetterReason.WRONG_TOPIC, ()),
        (b'{"lane":"replay:x","at":"2026-07-01T12:00:00Z"}', CLOCK, DeadLetterReason.CONTRADICTS_TOPIC, ("replay:x",)),
        (b'{"lane":"replay:ev-1"}', CLOCK, DeadLetterReason.INVALID, ('"at" is missing',)),
        (b"[1]", CLOCK, DeadLetterReason.INVALID, ()),
        (tick(spare=1), CLOCK, DeadLetterReason.INVALID, ('"spare" is 1', "only the processors")),
        (tick(closes=1), CLOCK, DeadLetterReason.INVALID, ('"closes"',)),
        (tick(lane="live", closes=True), CLOCK, DeadLetterReason.CONTRADICTS_TOPIC, ("live",)),
        (tick(lane="live", closes=True), b"jianghan/ev/clock/live", DeadLetterReason.WRONG_TOPIC, ("the processors",)),
        (raw(), b"jianghan/ev/clock/ev-1/reading", DeadLetterReason.WRONG_TOPIC, ("no group",)),
    ],
)
def test_a_refusal_says_what_is_wrong(payload: bytes, topic: bytes, reason: str, words: tuple[str, ...]) -> None:
    refused = refusal(payload, topic)
    assert refused.reason == reason
    assert refused.payload == payload
    for word in words:
        assert word in refused.detail


def test_five_minutes_ahead_is_still_taken() -> None:
    assert isinstance(judged(raw(observed_at="2026-07-01T12:05:00Z"))[0], Accepted)


def test_a_tick_is_written_as_the_contract_has_it() -> None:
    (only,) = judged(b'{ "at": "2020-05-08T00:00:00Z", "lane": "replay:ev-1"}', CLOCK)
    assert only == Ticked(b'{"lane":"replay:ev-1","at":"2020-05-08T00:00:00Z","closes":false,"spare":0}')
    (closing,) = judged(tick(closes=True), CLOCK)
    assert closing == Ticked(b'{"lane":"replay:ev-1","at":"2026-07-01T12:00:00Z","closes":true,"spare":0}')


def test_too_much_at_once_is_refused_whole() -> None:
    assert refusal(raw(site_name="x" * 2_000), policy=SMALL).reason is DeadLetterReason.TOO_LARGE
    assert refusal(b"[1,2,3,4]", policy=SMALL).reason is DeadLetterReason.TOO_LARGE
    assert len(judged(b"[1,2,3]", policy=SMALL)) == 3


def test_an_object_of_a_hundred_thousand_unknown_fields_is_told_in_one_line() -> None:
    payload = b"{" + b",".join(b'"a%d":1' % i for i in range(90_000)) + b"}"
    assert "90,0" in refusal(payload).detail


@pytest.mark.parametrize(
    ("payload", "properties", "boot", "seqs"),
    [
        (raw(status="asleep"), (), "b1", (7,)),
        (raw()[:-9], (), "b1", (7,)),
        (b'[{"boot_id":"b1","seq":1},{"boot_id":"b1","seq":2},{"boot', (), "b1", (1, 2)),
        (b'[{"boot_id":"b1","seq":1},{"boot_id":"b2","seq":2},{"boot', (), None, (1, 2)),
        (b"\xff\xfe", (("boot_id", "b9"), ("seq", "12")), "b9", (12,)),
        (b"\xff\xfe", (("boot_id", "b 9"), ("seq", "-1")), None, ()),
        (b'{"boot_id":7,"seq":true}', (), None, ()),
        (b'{"boot_id":"b1","seq":12345678901234567890', (), "b1", ()),
        (b'{"boot_id":"b1","seq":1.5,', (), "b1", ()),
    ],
)
def test_whose_a_refused_payload_is(
    payload: bytes, properties: tuple[tuple[str, str], ...], boot: str | None, seqs: tuple[int, ...]
) -> None:
    (only,) = judged(payload, properties=properties)
    assert isinstance(only, Refused)
    assert (only.claims.boot_id, only.claims.seqs) == (boot, seqs)


def test_the_letter_names_the_device_of_the_topic_and_the_seq_of_the_payload() -> None:
    refused = refusal(raw(device_id="ev-2"))
    letter = dead_letter(refused, TOPIC, ROUTES.get(TOPIC), [("a", "1"), ("a", "2"), ("b", "\x00")], NOW)
    assert (letter.device_id, letter.group_id, letter.boot_id, letter.seq) == ("ev-1", "site-1", "b1", 7)
    assert letter.mqtt_properties == '{"a": ["1", "2"], "b": "\\u0000"}'


def test_the_letter_of_a_wrong_topic_names_whom_the_payload_names() -> None:
    topic = b"jianghan/ev/site-1/ev-1/gossip"
    letter = dead_letter(refusal(raw(), topic), topic, ROUTES.get(topic), [], NOW)
    assert (letter.device_id, letter.seq, letter.mqtt_topic) == ("ev-1", 7, topic.decode())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ELEMENTS = st.one_of(
    JSON_VALUES,
    st.fixed_dictionaries({}, optional=dict.fromkeys(reading(), JSON_VALUES)).map(lambda changed: reading(**changed)),
    st.integers(0, 2**53).map(lambda seq: reading(seq=seq)),
)
PAYLOADS = st.one_of(
    st.binary(),
    JSON_VALUES.map(lambda value: json.dumps(value, ensure_ascii=True).encode()),
    st.text().map(lambda text: text.encode(errors="replace")),
    st.lists(ELEMENTS, max_size=6).map(lambda items: json.dumps(items).encode()),
    ELEMENTS.map(lambda value: json.dumps(value).encode()),
    st.tuples(st.integers(0, 300), st.binary(max_size=3)).map(lambda cut: raw()[: cut[0]] + cut[1]),
)
TOPICS = st.one_of(
    st.sampled_from([TOPIC, CLOCK, b"jianghan/ev/site-1/ev-1/receipt", b"jianghan/tax/jianghan/office/reading"]),
    st.binary(max_size=60),
)


@settings(max_examples=400, deadline=None)
@given(payload=PAYLOADS, topic=TOPICS)
def test_any_bytes_get_exactly_one_verdict_a_message_or_element(payload: bytes, topic: bytes) -> None:
    route = ROUTES.get(topic)
    verdicts = judge(route, payload, [], now=NOW, policy=POLICY)
    assert len(verdicts) == expected_verdicts(route, payload)
    for verdict in verdicts:
        match verdict:
            case Refused():
                assert_letter_holds(verdict, route, topic)
            case Accepted(boot_id, seq, value):
                again = ANY_READING.validate_json(value)
                assert (again.boot_id, again.seq) == (boot_id, seq)
            case Ticked():
                pass


@settings(max_examples=200, deadline=None)
@given(payload=PAYLOADS)
def test_what_is_quickly_accepted_is_accepted_by_the_judge_with_the_same_bytes(payload: bytes) -> None:
    route = ROUTES.get(TOPIC)
    assert isinstance(route, Route)
    found = quick(route, payload, NOW + POLICY.future_tolerance)
    verdicts = judge(route, payload, [], now=NOW, policy=POLICY)
    if found is not None:
        assert verdicts == [Accepted(found.boot_id, found.seq, payload, found.lane, found.observed_at)]
    elif len(verdicts) == 1 and isinstance(verdicts[0], Accepted):
        assert payload.lstrip().startswith(b"[") or len(payload) > PLAIN_BYTES


def expected_verdicts(route: AnyRoute, payload: bytes) -> int:
    """One, or one for each element of an array that can be read."""
    if not isinstance(route, Route):
        return 1
    try:
        value = json.loads(payload.decode())
    except (ValueError, RecursionError):
        return 1
    return max(1, len(value)) if isinstance(value, list) else 1
