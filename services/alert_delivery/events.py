"""Records of both topics as events, and events as requests; what several subscribers need is made once. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from pydantic import ValidationError

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from schemas.fields import Feed
from schemas.subscription import Rendering
from schemas.topics import ALERTS
from services.alert_delivery.errors import UndecodableEvent
from services.alert_life.renderings import cap, cloudevents
from services.alert_life.renderings.cap import Publisher
from services.runtime.record import Record

Event = Alert | AlertAction
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
REMEMBERED: Final = 1_024


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event as it came from Kafka."""

    place: Place
    event: Event
    source: str | None
    """CloudEvents `source`, as on the record."""
    recorded_at: datetime
    """Its record's time."""


def event_of(topic: str, value: bytes | None) -> Event:
    """The event in a record.

    Raises:
        UndecodableEvent: it is none.
    """
    try:
        return (Alert if topic == ALERTS else AlertAction).model_validate_json(value or b"")
    except ValidationError as error:
        raise UndecodableEvent(str(error).splitlines()[0]) from error


def alert_of(event: Event) -> str | None:
    """Id of the alert that an event is about; None of silences."""
    if isinstance(event, Alert):
        return event.alert_id
    return None if event.alert is None else event.alert.alert_id


def is_renderable(event: Event, rendering: Rendering) -> bool:
    """Whether there is such a form of an event: CAP speaks of alerts and who has taken them, of nothing else."""
    return rendering is not Rendering.CAP or cap.tells(event)


def rendered(
    event: Event, source: str | None, rendering: Rendering, publisher: Publisher
) -> tuple[Mapping[str, str], bytes]:
    """Headers and body of an event.

    Args:
        source: CloudEvents `source`, as on the record.
        publisher: Who sends CAP messages.

    Raises:
        ValueError: it has no such form; see `is_renderable`.
    """
    match rendering:
        case Rendering.CLOUDEVENTS:
            return {"content-type": cloudevents.STRUCTURED_TYPE}, cloudevents.structured(event, source)
        case Rendering.CLOUDEVENTS_BINARY:
            return cloudevents.binary(event, source)
        case Rendering.CAP:
            return {"content-type": cap.CONTENT_TYPE}, cap.message(event, publisher, source=source)


Renderer = Callable[[Arrival, Rendering], tuple[Mapping[str, str], bytes]]
"""Headers and body of an arrival."""


def feed_of(event: Event) -> Feed | None:
    """The feed that an event is about; None of silences."""
    if isinstance(event, Alert):
        return event.feed
    return None if event.alert is None else event.alert.feed


class Shelf:
    """Events and their forms, made once for all subscribers that keep step."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._arrivals: OrderedDict[tuple[Place, int], Arrival] = OrderedDict()
        """By place and time: a log that was made anew has other events at the places of the old one."""
        self._forms: OrderedDict[tuple[Place, datetime, Rendering], tuple[Mapping[str, str], bytes]] = OrderedDict()

    def arrival(self, record: Record) -> Arrival:
        """The event in a record.

        Raises:
            UndecodableEvent: it is none.
        """
        place = Place(record.topic, record.partition, record.offset)
        key = (place, record.timestamp)
        found = self._arrivals.get(key)
        if found is None:
            source = next((value.decode() for name, value in record.headers if name == "ce_source"), None)
            at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            found = Arrival(place, event_of(record.topic, record.value), source, at)
            _remember(self._arrivals, key, found)
        return found

    def form(self, arrival: Arrival, rendering: Rendering) -> tuple[Mapping[str, str], bytes]:
        """Headers and body of an arrival."""
        key = (arrival.place, arrival.recorded_at, rendering)
        found = self._forms.get(key)
        if found is None:
            found = rendered(arrival.event, arrival.source, rendering, self._publisher)
            _remember(self._forms, key, found)
        return found


def _remember(known: OrderedDict[K, V], key: K, value: V) -> None:
    known[key] = value
    if len(known) > REMEMBERED:
        known.popitem(last=False)
