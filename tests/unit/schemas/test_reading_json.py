"""Readings read fast are those that pydantic reads, value by value; what it refuses is refused in its words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.envelope import Envelope
from schemas.fields import Feed
from schemas.reading_json import KNOWN_MAX, ReadingJson
from schemas.readings import MODELS
from simulators.load.templates import FIELDS

READERS: Final[dict[Feed, ReadingJson[Any]]] = {feed: ReadingJson(model) for feed, model in MODELS.items()}
FEEDS: Final = sorted(Feed)

HEAD: Final = {
    "device_id": "device-1",
    "group_id": "group-1",
    "boot_id": "b",
    "seq": 7,
    "observed_at": "2026-11-24T02:00:00.125Z",
}

TIMES: Final = (
    "2026-11-24T02:00:00Z",
    "2026-11-24T02:00:00.1234567Z",
    "2026-11-24T02:00:00.9999999+00:00",
    "2026-11-24T02:00:00.123456+00:00",
    "2026-11-24T02:00:00.1234567+0000",
    "2026-11-24t02:00:00z",
    "2026-11-24 02:00:00Z",
    "2026-11-24_02:00:00Z",
    "2026-11-24T02:00:00-00:00",
    "2026-11-24T10:00:00+08:00",
    "2026-11-24T02:00:00",
    "2026-11-24T02:00Z",
    "2026-11-24T02:00:00,5Z",
    "2026-11-24T02:00:60Z",
    "2026-02-30T02:00:00Z",
    "1999-12-31T23:59:59.999999Z",
    "2000-01-01T00:00:00Z",
    "2100-01-01T00:00:00Z",
    "2100-01-01T00:00:00.000001Z",
    "9999-12-31T23:59:59Z",
    "1416325226",
    "",
)
TOKENS: Final = tuple(
    token.encode()
    for token in (
        *(f'"{time}"' for time in TIMES),
        *("null", "true", "false", "0", "-0", "-0.0", "1", "1.0", "1e2", "-1", "0.1", "1e400", "1e-400", "1" * 40),
        *("9007199254740991", "9007199254740992", "99999999999.99", "NaN", "Infinity", "[]", "{}", '["good"]'),
        *('""', '"a"', '"a b"', '"a\\n"', '"a\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"站点"', '"\u0085"', '"a\t"'),
        *(
            '"-1.00"',
            '"1.5"',
            '"1.50"',
            '"01.50"',
            '"-0.00"',
            '"+1.00"',
            '"1e3"',
            '" 1.00"',
            '"１.00"',
            '"100000000000.00"',
        ),
        *(
            '"100000000000.01"',
            '"999999999999.99"',
            '"good"',
            '"GOOD"',
            '"live"',
            '"replay:day"',
            '"live\\n"',
            '"' + "a" * 65 + '"',
        ),
        *(
            '["year_inferred"]',
            '["year_inferred","wrong"]',
            "[" + ",".join(['"year_inferred"'] * 17) + "]",
            "[" * 2_000,
        ),
    )
)


def body_of(feed: Feed) -> dict[str, bytes]:
    """A reading that every part of the platform accepts, as JSON by field."""
    fields = {"feed": feed, **HEAD, **FIELDS[feed](3, 1)}
    return {name: orjson.dumps(value) for name, value in fields.items()}


def text_of(body: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in body.items()) + b"}"


def told(read: Any, model: type[Envelope], raw: bytes) -> Any:
    """What a reader makes of it: each field with the type of its value, or pydantic's words."""
    try:
        reading = read(raw)
    except ValidationError as error:
        return repr(error.errors(include_url=False))
    found = {name: getattr(reading, name) for name in model.model_fields}
    return (
        {name: (type(value), repr(_plain(value))) for name, value in found.items()},
        reading.all_doubts(),
        reading.key,
    )


def _plain(value: Any) -> Any:
    """Times are compared whatever the name of their offset."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def compare(feed: Feed, raw: bytes) -> None:
    model = MODELS[feed]
    assert told(READERS[feed], model, raw) == told(model.model_validate_json, model, raw)


VALUES: Final = st.one_of(
    st.sampled_from(TOKENS),
    st.text(max_size=70).map(orjson.dumps),
    st.text(alphabet="abcXYZ019._-:", max_size=70).map(orjson.dumps),
    st.integers(-(2**63), 2**64 - 1).map(orjson.dumps),
    st.floats(allow_nan=False, allow_infinity=False).map(orjson.dumps),
    st.floats(-200, 200).map(orjson.dumps),
    st.datetimes(timezones=st.just(UTC)).map(orjson.dumps),
    st.integers(0, 120 * 366 * 86_400).map(lambda seconds: orjson.dumps(datetime.fromtimestamp(seconds, UTC))),
    st.decimals(-(10**12), 10**12, places=2).map(lambda amount: orjson.dumps(str(amount))),
)


@st.composite
def changed(draw: st.DrawFn) -> tuple[Feed, bytes]:
    """A good reading with some fields changed, dropped, said twice, or new."""
    feed = draw(st.sampled_from(FEEDS))
    body = body_of(feed)
    names = sorted(MODELS[feed].model_fields)
    for name in draw(st.lists(st.sampled_from(names), max_size=3)):
        if draw(st.integers(0, 4)):
            body[name] = draw(VALUES)
        else:
            body.pop(name, None)
    if not draw(st.integers(0, 9)):
        body[draw(st.sampled_from(["unknown", "Device_id", "\\u0073eq"]))] = draw(VALUES)
    raw = text_of(body)
    if not draw(st.integers(0, 9)):
        raw = raw[:-1] + b',"%b":%b}' % (draw(st.sampled_from(names)).encode(), draw(VALUES))
    return feed, raw


@given(case=changed())
@settings(max_examples=1_500, deadline=None)
def test_what_is_read_is_what_pydantic_reads_and_what_is_refused_is_refused_in_its_words(
    case: tuple[Feed, bytes],
) -> None:
    compare(*case)


@pytest.mark.parametrize("feed", FEEDS)
def test_each_odd_value_in_each_field_is_read_as_pydantic_reads_it(feed: Feed) -> None:
    body = body_of(feed)
    for name in MODELS[feed].model_fields:
        for token in TOKENS:
            compare(feed, text_of({**body, name: token}))


@pytest.mark.parametrize("feed", FEEDS)
@given(
    raw=st.one_of(
        st.binary(max_size=200), st.sampled_from([b"", b"null", b"[1]", b"{", b'{"\xff":1}', b"\xef\xbb\xbf{}"])
    )
)
@settings(max_examples=50, deadline=None)
@example(raw=b"[" * 100_000)
def test_bytes_that_are_no_reading_are_refused_in_pydantic_s_words(feed: Feed, raw: bytes) -> None:
    compare(feed, raw)


@pytest.mark.parametrize("feed", FEEDS)
def test_the_usual_reading_does_not_take_the_slow_way(feed: Feed) -> None:
    reading = READERS[feed](text_of(body_of(feed)))
    assert not isinstance(reading, MODELS[feed])
    assert reading.feed is feed
    assert reading.observed_at.tzinfo is UTC


def test_texts_that_were_found_valid_are_remembered_for_a_bounded_number_of_devices() -> None:
    read: ReadingJson[Any] = ReadingJson(MODELS[Feed.PARKING])
    body = body_of(Feed.PARKING)
    for number in range(KNOWN_MAX + 10):
        read(text_of({**body, "device_id": b'"device-%d"' % number}))
    assert len(read._known) <= KNOWN_MAX
    with pytest.raises(ValidationError, match="device_id"):
        read(text_of({**body, "device_id": b'"device 1"'}))
