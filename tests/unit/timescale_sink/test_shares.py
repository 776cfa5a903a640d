"""What each topic gets of the sink."""

from __future__ import annotations

from schemas.fields import Feed
from schemas.topics import ALERTS, TOPICS, readings_topic
from services.timescale_sink import shares


def test_every_topic_with_a_table_has_a_share() -> None:
    stored = {spec.name for spec in TOPICS if spec.model is not None and spec.name not in {"lanes", "api-audit"}}
    assert stored == set(shares.TOPICS)
    assert len(shares.TOPICS) == len(set(shares.TOPICS))


def test_live_readings_have_large_rounds_and_lanes_take_turns() -> None:
    found = {topic: shares.share_of(topic, 5_000) for topic in shares.TOPICS}
    live = {readings_topic(feed) for feed in Feed}
    lanes = {readings_topic(feed, live=False) for feed in Feed}
    assert {topic for topic, share in found.items() if share.round_records == 5_000} == live
    assert {topic for topic, share in found.items() if share.takes_turns} == lanes
    assert found[ALERTS].pace.pause(500) == 0, "half a round at once: the rest waits already"
    assert shares.share_of(ALERTS, 10).round_records == 10, "no round is larger than the settings say"
    at_once = len([share for share in found.values() if not share.takes_turns]) + shares.LANES_AT_ONCE
    assert at_once < shares.CONNECTIONS, "a loop never waits for the connection of another"
