"""What becomes of a message: accepted readings, a tick, or refusals with their reasons. Pure; `now` is an argument."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import orjson
from pydantic import ValidationError
from pydantic_core import from_json

from schemas.clock import Tick
from schemas.dead_letter import DeadLetterReason
from schemas.fields import LIVE
from schemas.readings import Reading
from services.ingest_bridge.claims import Claims, claims_in_bytes, claims_in_value, merge
from services.ingest_bridge.complaints import too_early, what_is_invalid
from services.ingest_bridge.routes import AnyRoute, ClockRoute, ClosedRoute, NoRoute, Route

PLAIN_BYTES: Final = 16 * 1024
"""A reading is far smaller; a larger object is blown up with blanks or long numbers and is written out anew, so that
a record always fits a Kafka batch."""

_ARRAY: Final = ord("[")
_BLANKS: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator chose."""

    max_payload_bytes: int
    max_elements: int
    future_tolerance: timedelta


class Accepted(NamedTuple):
    """One reading for Kafka."""

    boot_id: str
    seq: int
    value: bytes
    lane: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Ticked:
    """The clock of a lane moved: one record for every partition of the feed's lanes."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """One item for the dead letters."""

    reason: DeadLetterReason
    detail: str
    """What is wrong and what to do."""
    payload: bytes
    claims: Claims
    """Whose it says it is, as far as that can be read."""
    element: int | None = None
    """Index in the array."""


Verdict = Accepted | Ticked | Refused


def quick(route: Route, payload: bytes, latest: datetime) -> Reading | None:
    """Return the reading when the payload is one plain valid object; anything else is for `judge` to explain."""
    if len(payload) > PLAIN_BYTES or payload[:1] == b"[":
        return None
    try:
        reading = route.validate(payload)
    except ValidationError:
        return None
    if reading.device_id != route.device_id or reading.group_id != route.group_id or reading.observed_at > latest:
        return None
    if route.allowance is not None and reading.lane != LIVE:
        return None
    return reading


def judge(
    route: AnyRoute, payload: bytes, properties: Sequence[tuple[str, str]], *, now: datetime, policy: Policy
) -> list[Verdict]:
    """Judge one message: at least one verdict, exactly one for each element of an array whose elements are judged.

    Args:
        properties: The message's MQTT user properties.
        now: Our clock, for `future_time` only.
    """
    if isinstance(route, NoRoute | ClosedRoute):
        return _turned_away(route, payload, properties, policy)
    most_bytes = policy.max_payload_bytes
    if isinstance(route, Route) and route.max_payload_bytes is not None:
        most_bytes = min(most_bytes, route.max_payload_bytes)
    if isinstance(route, Route) and payload[:1] == b"[" and len(payload) <= most_bytes:
        quickly = _whole_array(route, payload, now + policy.future_tolerance, policy.max_elements)
        if quickly is not None:
            return list(quickly)
    unreadable = _why_unreadable(payload, most_bytes)
    if unreadable is not None:
        reason, detail = unreadable
        return [Refused(reason, detail, payload, merge(claims_in_bytes(payload, whole=False), properties))]
    if isinstance(route, ClockRoute):
        return [_judge_tick(route, payload, properties)]
    text = payload.decode()
    if not text.lstrip(_BLANKS).startswith("["):
        return [_judge_object(route, payload, None, properties, now + policy.future_tolerance)]
    return _judge_array(route, payload, text, properties, now=now, policy=policy)


def _turned_away(
    route: NoRoute | ClosedRoute, payload: bytes, properties: Sequence[tuple[str, str]], policy: Policy
) -> list[Verdict]:
    """Refuse what comes under a topic that takes nothing; a device's reading by reading, as the books count."""
    if isinstance(route, NoRoute):
        claims = claims_in_bytes(payload, whole=len(payload) <= policy.max_payload_bytes)
        detail = f"{route.why}; publish under a topic of the contract"
        return [Refused(DeadLetterReason.WRONG_TOPIC, detail, payload, merge(claims, properties))]
    reason, detail = route.barred.reason, route.barred.detail
    elements: list[bytes] = []
    if _why_unreadable(payload, policy.max_payload_bytes) is None:
        text = payload.decode()
        elements = cut_elements(text, policy.max_elements + 1) if text.lstrip(_BLANKS).startswith("[") else [payload]
    if not 0 < len(elements) <= policy.max_elements:
        return [Refused(reason, detail, payload, merge(claims_in_bytes(payload, whole=False), properties))]
    return [
        Refused(
            reason,
            detail,
            each,
            merge(claims_in_value(from_json(each)), properties),
            number if len(elements) > 1 else None,
        )
        for number, each in enumerate(elements)
    ]


def too_fast(device_id: str, readings_per_second: float, accepted: Accepted, element: int | None) -> Refused:
    """Refuse a good reading of a device that has said too much."""
    detail = (
        f"device {device_id} sends more than {readings_per_second:g} readings a second in the long run; "
        "find out why and slow it down, then relay what was kept"
    )
    claims = Claims(boot_id=accepted.boot_id, seqs=(accepted.seq,), lane=accepted.lane, device_id=device_id)
    return Refused(DeadLetterReason.TOO_FAST, detail, accepted.value, claims, element)


def _why_unreadable(payload: bytes, most_bytes: int) -> tuple[DeadLetterReason, str] | None:
    if len(payload) > most_bytes:
        limit = f"at most {most_bytes:,} are taken"
        detail = f"the payload has {len(payload):,} bytes, {limit}; send fewer readings in one message"
        return DeadLetterReason.TOO_LARGE, detail
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return (
            DeadLetterReason.NOT_UTF8,
            f"byte 0x{payload[error.start]:02x} at position {error.start} is not UTF-8; encode the JSON text as UTF-8",
        )
    try:
        from_json(payload)
    except ValueError as error:
        return (
            DeadLetterReason.NOT_JSON,
            f"the payload is not JSON that can be read ({error}); send one object or an array of objects",
        )
    return None


def _judge_tick(route: ClockRoute, payload: bytes, properties: Sequence[tuple[str, str]]) -> Ticked | Refused:
    claims = merge(claims_in_value(from_json(payload)), properties)
    if route.topic.lane == LIVE:
        detail = "the clock of the lane live is kept by the processors; drive a lane of your own"
        return Refused(DeadLetterReason.WRONG_TOPIC, detail, payload, claims)
    try:
        tick = Tick.model_validate_json(payload)
    except ValidationError as error:
        return Refused(DeadLetterReason.INVALID, what_is_invalid(error), payload, claims)
    if tick.lane != route.topic.lane:
        detail = f"the tick is of lane {tick.lane}, its topic says {route.topic.lane}; make them agree"
        return Refused(DeadLetterReason.CONTRADICTS_TOPIC, detail, payload, claims)
    if tick.spare:
        detail = f'field "spare" is {tick.spare}: only the processors say what they have to spare; leave it out'
        return Refused(DeadLetterReason.INVALID, detail, payload, claims)
    return Ticked(tick.model_dump_json().encode())


def _judge_object(
    route: Route, payload: bytes, element: int | None, properties: Sequence[tuple[str, str]], latest: datetime
) -> Accepted | Refused:
    try:
        reading = route.validate(payload)
    except ValidationError as error:
        value = from_json(payload)
        contradiction = _contradiction(route, value)
        reason = DeadLetterReason.CONTRADICTS_TOPIC if contradiction else DeadLetterReason.INVALID
        detail = contradiction or what_is_invalid(error)
        return Refused(reason, detail, payload, merge(claims_in_value(value), properties), element)
    refusal = _why_not(route, reading, latest)
    if refusal is None:
        value = payload if len(payload) <= PLAIN_BYTES else _written_anew(reading)
        return Accepted(reading.boot_id, reading.seq, value, reading.lane, reading.observed_at)
    claims = Claims(
        boot_id=reading.boot_id,
        seqs=(reading.seq,),
        lane=reading.lane,
        group_id=reading.group_id,
        device_id=reading.device_id,
        feed=reading.feed,
    )
    return Refused(*refusal, payload, claims, element)


def _written_anew(reading: Reading) -> bytes:
    return reading.model_dump_json(exclude_unset=True).encode()


def _why_not(route: Route, reading: Reading, latest: datetime) -> tuple[DeadLetterReason, str] | None:
    if reading.device_id != route.device_id:
        return DeadLetterReason.CONTRADICTS_TOPIC, _differs("device_id", reading.device_id, route.device_id)
    if reading.group_id != route.group_id:
        return DeadLetterReason.CONTRADICTS_TOPIC, _differs("group_id", reading.group_id, route.group_id)
    if route.is_own and reading.lane != LIVE:
        detail = (
            f"device {route.device_id} speaks for real life alone, not for the lane {reading.lane}; "
            "other lanes are the operator's, who relays under …/relay"
        )
        return DeadLetterReason.LANE_NOT_ALLOWED, detail
    if reading.observed_at > latest:
        return DeadLetterReason.FUTURE_TIME, too_early(reading.observed_at, latest)
    return None


def _contradiction(route: Route, value: object) -> str | None:
    """The field of a broken object that names another feed, group or device than its topic."""
    if not isinstance(value, dict):
        return None
    for name, expected in (("feed", route.feed), ("group_id", route.group_id), ("device_id", route.device_id)):
        came = value.get(name)
        if isinstance(came, str) and came != expected:
            return _differs(name, came, expected)
    return None


def _differs(name: str, came: str, expected: str) -> str:
    shown = json.dumps(came[:80], ensure_ascii=False)
    return f"{name} is {shown}, its topic says '{expected}'; publish each device under its own topic"


def _judge_array(
    route: Route,
    payload: bytes,
    text: str,
    properties: Sequence[tuple[str, str]],
    *,
    now: datetime,
    policy: Policy,
) -> list[Verdict]:
    latest = now + policy.future_tolerance
    claims = merge(claims_in_bytes(payload, whole=False), properties)
    elements = cut_elements(text, policy.max_elements + 1)
    if not elements:
        detail = "the array is empty; send at least one reading"
        return [Refused(DeadLetterReason.INVALID, detail, payload, claims)]
    if len(elements) > policy.max_elements:
        detail = f"the array has more than {policy.max_elements:,} elements; send fewer readings in one message"
        return [Refused(DeadLetterReason.TOO_LARGE, detail, payload, claims)]
    return [_judge_object(route, each, index, properties, latest) for index, each in enumerate(elements)]


def _whole_array(route: Route, payload: bytes, latest: datetime, most: int) -> list[Accepted] | None:
    """All elements at once when each of them is good, else None."""
    try:
        readings = route.validate_many(payload)
    except ValidationError:
        return None
    if not 0 < len(readings) <= most or any(_why_not(route, reading, latest) for reading in readings):
        return None
    try:
        values = [orjson.dumps(each) for each in orjson.loads(payload)]
    except orjson.JSONDecodeError:
        return None
    return [
        Accepted(each.boot_id, each.seq, value, each.lane, each.observed_at)
        for each, value in zip(readings, values, strict=True)
    ]


def cut_elements(text: str, most: int) -> list[bytes]:
    """Cut the text of a JSON array into the bytes of its elements, as they came; the first `most` of them."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)
    found: list[bytes] = []
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "]" and len(found) < most:
        _, end = decoder.raw_decode(text, at)
        found.append(text[at:end].encode())
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANKS:
        at += 1
    return at
