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
from services.ingest_bridge.admission import Admission, Allowance, Barred

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
    """Kafka topic and partition of its readings in real life."""
    aside: tuple[str, int]
    """Kafka topic and partition of its readings in any other lane."""
    receipt_topic: bytes
    validate: Callable[[bytes], Reading]
    validate_many: Callable[[bytes], list[Reading]]
    max_payload_bytes: int | None
    """Of what the device itself sends; None: as much as the bridge takes from anybody."""
    allowance: Allowance | None
    """How much the device itself may still say; None: the operator relays, for any device and in any lane."""

    @property
    def is_own(self) -> bool:
        """The device's own topic: for real life alone."""
        return self.allowance is not None


@dataclass(frozen=True, slots=True)
class ClockRoute:
    """A lane's clock topic; each tick goes into every partition of the feed's lanes, and never among live readings."""

    topic: ClockTopic
    destinations: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NoRoute:
    """A topic on which the bridge takes nothing."""

    why: str


@dataclass(frozen=True, slots=True)
class ClosedRoute:
    """A device's own topic, on which the register lets it say nothing."""

    topic: DeviceTopic
    barred: Barred
    receipt_topic: bytes


AnyRoute = Route | ClockRoute | ClosedRoute | NoRoute


class Routes:
    """Routes by topic as it stands in the packet.

    Args:
        partition_of: Kafka topic and key to partition, the same as every producer computes.
        partitions: Kafka topic to its number of partitions.
        admission: Who may speak for what.
    """

    def __init__(
        self, partition_of: Callable[[bytes, int], int], partitions: Callable[[str], int], admission: Admission
    ) -> None:
        self._partition_of = partition_of
        self._partitions = partitions
        self._admission = admission
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

    def forget(self) -> None:
        """Work all out anew: the register has changed."""
        self._known.clear()

    def _learn(self, topic: bytes) -> AnyRoute:
        match parse_topic(topic.decode(errors="replace")):
            case NotATopic(why=why):
                return NoRoute(why)
            case ClockTopic(feed=feed) as clock:
                name = readings_topic(feed, live=False)
                return ClockRoute(clock, tuple((name, partition) for partition in range(self._partitions(name))))
            case DeviceTopic(message=Message.RECEIPT):
                return NoRoute("only the bridge publishes receipts; publish readings under …/reading")
            case DeviceTopic(feed=feed, group_id=group_id, device_id=device_id, message=message) as device:
                key = group_id.encode()
                receipt_topic = str(DeviceTopic(feed, group_id, device_id, Message.RECEIPT)).encode()
                is_own = message is Message.READING
                barred = self._admission.barred(device) if is_own else None
                if barred is not None:
                    return ClosedRoute(device, barred, receipt_topic)
                return Route(
                    topic=device,
                    feed=feed,
                    group_id=group_id,
                    device_id=device_id,
                    key=key,
                    destination=self._place(readings_topic(feed), key),
                    aside=self._place(readings_topic(feed, live=False), key),
                    receipt_topic=receipt_topic,
                    validate=_VALIDATE[feed],
                    validate_many=_VALIDATE_MANY[feed],
                    max_payload_bytes=self._admission.limits.payload_bytes if is_own else None,
                    allowance=self._admission.allowance(device_id) if is_own else None,
                )

    def _place(self, topic: str, key: bytes) -> tuple[str, int]:
        return topic, self._partition_of(key, self._partitions(topic))
