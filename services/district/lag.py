"""How far each consumer group is behind, from Kafka's offsets. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from schemas.fields import Feed
from schemas.topics import ALERT_ACTIONS, ALERTS, DEAD_LETTERS, DELIVERIES, INDICATORS, readings_topic, topic_spec
from services.alert_delivery.groups import GROUP
from services.alert_delivery.progress import unfinished
from services.district.figures import Partition

SINK = "sink"
SHARED = (ALERTS, INDICATORS, DEAD_LETTERS, ALERT_ACTIONS, DELIVERIES)
PROCESSOR = "processor."
LANES = ".lanes"
"""`processor.<feed>` judges live readings, `processor.<feed>.lanes` those of other lanes."""
SUBSCRIBERS = "subscribers"
DELIVERED = (ALERTS, ALERT_ACTIONS)
"""What each subscriber of alerts is given, by a group of its own."""


def topics_of(group: str) -> tuple[str, ...]:
    """Topics that a group has to read, whether it has begun or not; none for a group that we do not know."""
    if group == SINK:
        return (*(readings_topic(feed, live=live) for feed in Feed for live in (True, False)), *SHARED)
    feed = group.removeprefix(PROCESSOR).removesuffix(LANES)
    if not group.startswith(PROCESSOR) or feed not in set(Feed):
        return ()
    return (readings_topic(Feed(feed), live=not group.endswith(LANES)),)


def is_ours(group: str) -> bool:
    """Say whether a group belongs to a service of the platform."""
    return bool(topics_of(group))


def shown(lag: Mapping[str, int | None]) -> dict[str, int | None]:
    """Lag as people read it: one figure for all feeds' other lanes than real life, and one for all subscribers."""
    lanes = {group: behind for group, behind in lag.items() if group.endswith(LANES)}
    subscribers = {group: behind for group, behind in lag.items() if group.startswith(GROUP)}
    rest = {group: behind for group, behind in lag.items() if group not in lanes and group not in subscribers}
    if lanes:
        rest[f"processor{LANES}"] = _together(lanes.values())
    if subscribers:
        rest[SUBSCRIBERS] = _together(subscribers.values())
    return rest


def _together(behind: Collection[int | None]) -> int | None:
    return None if None in behind else sum(filter(None, behind))


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


def waiting(committed: Mapping[Partition, tuple[int, str]], end: Mapping[Partition, int]) -> int | None:
    """Count the records that a subscriber of alerts is not through with; None when it has not begun.

    Args:
        committed: Offset and metadata, where its group has said so.
        end: Offset of the next record to be written.
    """
    known = {partition: said for partition, said in committed.items() if partition in end}
    if not known:
        return None
    return sum(unfinished(offset, metadata, end[partition]) for partition, (offset, metadata) in known.items())
