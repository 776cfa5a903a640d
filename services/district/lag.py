"""How far each consumer group is behind, from Kafka's offsets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.fields import Feed
from schemas.topics import ALERTS, DEAD_LETTERS, INDICATORS, readings_topic, topic_spec
from services.district.figures import Partition

SINK = "sink"
PROCESSOR = "processor."


def topics_of(group: str) -> tuple[str, ...]:
    """Topics that a group has to read, whether it has begun or not; none for a group that we do not know."""
    if group == SINK:
        return (*map(readings_topic, Feed), ALERTS, INDICATORS, DEAD_LETTERS)
    feed = group.removeprefix(PROCESSOR)
    return (readings_topic(Feed(feed)),) if group.startswith(PROCESSOR) and feed in set(Feed) else ()


def is_ours(group: str) -> bool:
    """Say whether a group belongs to a service of the platform."""
    return bool(topics_of(group))


def partitions_of(topics: Iterable[str]) -> list[Partition]:
    """All partitions of these topics."""
    return [(topic, number) for topic in topics for number in range(topic_spec(topic).partitions)]


def lag_of(
    group: str, committed: Mapping[Partition, int], first: Mapping[Partition, int], end: Mapping[Partition, int]
) -> int:
    """Count the records that a group has still to handle.

    Args:
        committed: Offset of the next record to handle, where the group has said so.
        first: Offset of the oldest record that is kept; a group that has not begun starts there.
        end: Offset of the next record to be written.
    """
    return sum(
        max(0, end.get(partition, 0) - max(committed.get(partition, 0), first.get(partition, 0)))
        for partition in partitions_of(topics_of(group))
    )
