"""Where the messages of one topic go: worked out once a topic, not once a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from schemas.fields import Feed
from schemas.mqtt import ClockTopic, DeviceTopic, Message, NotATopic, parse_topic
from schemas.readings import MODELS, Reading
from schemas.topics import readings_topic

MAX_ROUTES: Final = 50_000
"""Topics remembered; beyond it all are forgotten and learned again."""

_VALIDATE: Final[dict[Feed, Callable[[bytes], Any]]] = {
    feed: model.__pydantic_validator__.validate_json for feed, model in MODELS.items()
}
_VALIDATE_MANY: Final[dict[Feed, Callable[[bytes], Any]]] = {
    feed: TypeAdapter(list[model]).validator.validate_json  # type: ignore[valid-type]
    for feed, model in MODELS.items()
}


@dataclass(frozen=True, slots=True)
class Route:
    """A device's reading topic and everything that follows from it."""

    topic: DeviceTopic
    feed: Feed
    group_id: str
    device_id: str
    key: bytes
    """Kafka record key."""
    destination: tuple[str, int]
    """Kafka topic and partition."""
    receipt_topic: bytes
    validate: Callable[[bytes], Reading]
    validate_many: Callable[[bytes], list[Reading]]


@dataclass(frozen=True, slots=True)
class ClockRoute:
    """A lane's clock topic; each tick goes into every partition of the feed."""

    topic: ClockTopic
    destinations: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NoRoute:
    """A topic on which the bridge takes nothing."""

    why: str


AnyRoute = Route | ClockRoute | NoRoute


class Routes:
    """Routes by topic as it stands in the packet.

    Args:
        partition_of: Kafka topic and key to partition, the same as every producer computes.
        partitions: Kafka topic to its number of partitions.
    """

    def __init__(self, partition_of: Callable[[bytes, int], int], partitions: Callable[[str], int]) -> None:
        self._partition_of = partition_of
        self._partitions = partitions
        self._known: dict[bytes, AnyRoute] = {}

    def get(self, topic: bytes) -> AnyRoute:
        """Return the route of a topic."""
        route = self._known.get(topic)
        if route is None:
            route = self._learn(topic)
            if len(self._known) >= MAX_ROUTES:
                self._known.clear()
            self._known[topic] = route
        return route

    def _learn(self, topic: bytes) -> AnyRoute:
        match parse_topic(topic.decode(errors="replace")):
            case NotATopic(why=why):
                return NoRoute(why)
            case ClockTopic(feed=feed) as clock:
                name = readings_topic(feed)
                return ClockRoute(clock, tuple((name, partition) for partition in range(self._partitions(name))))
            case DeviceTopic(message=Message.RECEIPT):
                return NoRoute("only the bridge publishes receipts; publish readings under …/reading")
            case DeviceTopic(feed=feed, group_id=group_id, device_id=device_id) as device:
                name, key = readings_topic(feed), group_id.encode()
                return Route(
                    topic=device,
                    feed=feed,
                    group_id=group_id,
                    device_id=device_id,
                    key=key,
                    destination=(name, self._partition_of(key, self._partitions(name))),
                    receipt_topic=str(DeviceTopic(feed, group_id, device_id, Message.RECEIPT)).encode(),
                    validate=_VALIDATE[feed],
                    validate_many=_VALIDATE_MANY[feed],
                )
