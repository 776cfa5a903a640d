"""An output that is too large for a record is cut by design, and says what is left out."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import Feed
from schemas.topics import INDICATORS
from services.stream_processors.engine.events import IndicatorOutput
from services.stream_processors.kafka_host.cutting import MAX_OUTPUT_BYTES, fit_indicator
from services.stream_processors.kafka_host.outbox import Outbox
from tests.unit.stream_processors.kafka_host.fake_kafka import FakeProducer, Log

VALUES = st.recursive(
    st.none() | st.integers(-1000, 1000) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=5), inner, max_size=8),
    max_leaves=60,
)


def test_the_largest_collection_keeps_its_first_entries_and_the_rest_stays_whole() -> None:
    streets = {f"street {number:04d}": [number, "江" * 200] for number in range(1_700)}
    body = {
        "id": "emergency.response",
        "value": 0.9,
        "details": {"calls": 1_700, "by_street": streets, "posts": [1, 2]},
    }
    fitted, cut = fit_indicator(body)
    details = fitted["details"]
    kept = len(details["by_street"])
    assert len(orjson.dumps(fitted)) <= MAX_OUTPUT_BYTES
    assert list(details["by_street"]) == list(streets)[:kept]
    assert cut == details["cut"] == {"by_street": 1_700 - kept}
    assert (details["calls"], details["posts"], fitted["value"]) == (1_700, [1, 2], 0.9)
    assert len(body["details"]["by_street"]) == 1_700


def test_what_fits_is_left_as_it_is() -> None:
    body = {"id": "x", "details": {"a": [1, 2, 3]}}
    assert fit_indicator(body) == (body, {})


@settings(max_examples=60, deadline=None)
@given(details=st.dictionaries(st.text(max_size=5), VALUES, max_size=8), limit=st.integers(80, 400))
def test_any_details_fit_and_what_is_missing_is_counted(details: dict[str, Any], limit: int) -> None:
    body = {"id": "x", "details": details}
    fitted, cut = fit_indicator(body, limit)
    assert len(orjson.dumps(fitted)) <= max(limit, 60 + 30 * len(cut))
    assert bool(cut) == (fitted != body)
    assert fit_indicator(body, limit) == (fitted, cut)


async def test_an_indicator_above_the_broker_s_limit_is_delivered_cut() -> None:
    producer = FakeProducer(Log("readings.tax", 1))
    body = {"id": "emergency.response", "details": {"by_street": {f"s{n}": "x" * 200 for n in range(10_000)}}}
    await Outbox(producer, Feed.EMERGENCY).deliver([IndicatorOutput(b"k", lambda: body, None)])
    await asyncio.sleep(0)
    ((_, value),) = producer.said[INDICATORS]
    assert len(value) <= MAX_OUTPUT_BYTES
    assert orjson.loads(value)["details"]["cut"]["by_street"] > 8_000
