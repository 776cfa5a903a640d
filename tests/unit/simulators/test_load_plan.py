"""The open loop's schedule, and the payloads that it fills."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import Feed
from schemas.mqtt import DeviceTopic, parse_topic
from schemas.readings import MODELS
from services.ingest_bridge.wire import Frames
from simulators.load.schedule import Lateness, Schedule, Stamps
from simulators.load.templates import VARIANTS, load_device

START = datetime(2026, 11, 24, 2, 33, 44, 999_990, tzinfo=UTC)


@pytest.mark.parametrize("feed", list(Feed))
@pytest.mark.parametrize("batch", [1, 20])
def test_every_template_is_a_valid_reading_wherever_it_is_filled(feed: Feed, batch: int) -> None:
    device = load_device(feed, 17, boot_id="load-x", lane="exercise:load", batch=batch)
    assert isinstance(parse_topic(str(device.topic)), DeviceTopic)
    for template in device.templates:
        for first_seq in (0, 123_456):
            body = template.fill(first_seq, Stamps(START).burst(0.25, batch))
            ((topic, packet_id, _, payload),) = Frames().feed(template.head + b"\x00\x07" + body)[0]
            assert (topic.decode(), packet_id) == (str(device.topic), 7)
            texts = json.loads(payload) if batch > 1 else [json.loads(payload)]
            assert len(texts) == batch
            for n, text in enumerate(texts):
                reading = MODELS[feed].model_validate_json(json.dumps(text))
                assert reading.seq == first_seq + n
                assert reading.observed_at == START + timedelta(seconds=0.25, microseconds=n - batch + 1)
                assert (reading.device_id, reading.group_id) == (device.topic.device_id, device.topic.group_id)
                assert reading.doubts() == ()


# the second turns within the burst: 02:33:44.999990 + 0.000015 s = 02:33:45.000005
def test_a_burst_across_a_second_stays_in_order() -> None:
    times = [datetime.fromisoformat(each.decode()) for each in Stamps(START).burst(0.000_015, 20)]
    assert times == [START + timedelta(microseconds=15 - back) for back in range(19, -1, -1)]


def test_variants_differ() -> None:
    device = load_device(Feed.WATER, 1, boot_id="b", lane="live", batch=1)
    assert len({template.body for template in device.templates}) == VARIANTS


# rate 10/s in messages of 2: one message every 0.2 s, the first at once
def test_messages_are_due_at_a_constant_rate() -> None:
    schedule = Schedule(readings_per_second=10, seconds=2, batch=2)
    assert schedule.messages == 10
    assert [schedule.due_by(at) for at in (0.0, 0.19, 0.21, 5.0)] == [1, 1, 2, 10]
    assert schedule.due_at(3) == pytest.approx(0.6)


@given(offset=st.floats(0, 100_000, allow_nan=False))
def test_stamps_are_the_scheduled_time_to_the_microsecond(offset: float) -> None:
    text = Stamps(START).at(offset).decode()
    assert len(text) == 27
    assert datetime.fromisoformat(text) == START + timedelta(microseconds=round(offset * 1e6))


def test_lateness_is_ranked() -> None:
    late = Lateness()
    assert late.percentile_ms(0.5) == 0.0
    late.add([n / 1000 for n in range(100)])
    assert (late.percentile_ms(0.5), late.percentile_ms(0.99)) == (50.0, 99.0)
