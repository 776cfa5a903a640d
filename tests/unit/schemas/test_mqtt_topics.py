"""Topic names: what is built is read back, everything else is refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import Feed
from schemas.mqtt import ClockTopic, DeviceTopic, Message, NotATopic, parse_topic

identifiers = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
groups = identifiers.filter(lambda group: group != "clock")
lanes = st.from_regex(r"(exercise|replay|whatif):[a-z0-9][a-z0-9._-]{0,30}", fullmatch=True)


@given(st.sampled_from(Feed), groups, identifiers, st.sampled_from(Message))
def test_a_device_topic_is_read_back(feed: Feed, group: str, device: str, message: Message) -> None:
    topic = DeviceTopic(feed, group, device, message)
    assert parse_topic(str(topic)) == topic


@given(st.sampled_from(Feed), lanes)
def test_a_clock_topic_is_read_back(feed: Feed, lane: str) -> None:
    assert parse_topic(str(ClockTopic(feed, lane))) == ClockTopic(feed, lane)


@given(st.text())
def test_any_text_is_a_topic_or_is_refused_with_a_reason(text: str) -> None:
    match parse_topic(text):
        case NotATopic(topic=topic, why=why):
            assert topic == text
            assert why
        case parsed:
            assert str(parsed) == text


@pytest.mark.parametrize(
    ("topic", "word"),
    [
        ("wuhan/water/g/d/reading", "expected"),
        ("jianghan/air/g/d/reading", "no feed 'air'"),
        ("jianghan/water/g/d", "expected"),
        ("jianghan/water/g/d/reading/x", "expected"),
        ("jianghan/water/g g/d/reading", "not a group id"),
        ("jianghan/water/g//reading", "not a device id"),
        ("jianghan/water/g/d/command", "not a message"),
        ("jianghan/water/clock/yesterday", "not a lane"),
        ("jianghan/water/clock/replay:a/reading", "no group"),
        ("jianghan/water/clock/d/reading", "no group"),
        ("jianghan/water/clock/clock/receipt", "no group"),
    ],
)
def test_the_reason_names_the_level(topic: str, word: str) -> None:
    parsed = parse_topic(topic)
    assert isinstance(parsed, NotATopic)
    assert word in parsed.why


@given(st.sampled_from(Feed), identifiers)
def test_what_a_device_may_publish_is_never_a_clock(feed: Feed, device: str) -> None:
    """The broker lets a device publish `jianghan/+/+/<its name>/reading` and nothing else."""
    for group in ("clock", "site-1", device):
        assert not isinstance(parse_topic(f"jianghan/{feed}/{group}/{device}/reading"), ClockTopic)
    assert parse_topic(f"jianghan/{feed}/site-1/clock/reading") == DeviceTopic(feed, "site-1", "clock", Message.READING)
