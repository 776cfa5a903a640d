"""Places in lists and logs as texts that clients hand back. Pure.

A page of what is in memory ends in a cursor that holds the sort key of its last item. The id of an event holds where
both topics stand behind it: `a0:12,a1:5,a2:7,x0:3,x1:0,x2:9`, `a` for alerts, `x` for actions; and, where one is known,
a record by which the log is known again: `a0:12_1-1764172393000` is one before 12, and was written at that millisecond.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from schemas.topics import ALERT_ACTIONS, ALERTS
from services.operations_api.errors import NotUsable
from services.runtime.same_log import Mark

LETTERS: Final[Mapping[str, str]] = MappingProxyType({"a": ALERTS, "x": ALERT_ACTIONS})
_TOPICS: Final = MappingProxyType({topic: letter for letter, topic in LETTERS.items()})
_COORDINATE: Final = re.compile(r"([ax])([0-9]{1,4}):([0-9]{1,16})(?:_([0-9]{1,16})-([0-9]{1,16}))?")
_MEMORY: Final = "m"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Partition = tuple[str, int]
"""Topic and number."""


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A place in a partition."""

    next: int
    """Offset of the record to go on with."""
    proof: Mark | None = None
    """A record before it, by which the log is known again; None: none is known."""

    def __str__(self) -> str:
        if self.proof is None:
            return str(self.next)
        return f"{self.next}_{self.next - self.proof.offset}-{self.proof.timestamp}"


@dataclass(frozen=True, slots=True, order=True)
class AlertKey:
    """Place of an alert in a list: when it began, then its id."""

    started_at: datetime
    alert_id: str


def write_alert_cursor(key: AlertKey) -> str:
    """The cursor behind an alert of a list in memory."""
    micros = (key.started_at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{_MEMORY}|{micros}|{key.alert_id}".encode()).decode().rstrip("=")


def read_alert_cursor(cursor: str) -> AlertKey:
    """The key of a cursor.

    Raises:
        NotUsable: it is none of a list in memory.
    """
    try:
        kind, micros, alert_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("|")
        key = AlertKey(_EPOCH + timedelta(microseconds=int(micros)), alert_id)
    except (ValueError, OverflowError):
        kind, key = "", AlertKey(_EPOCH, "")
    if kind != _MEMORY:
        raise NotUsable("`cursor` is none of this list: begin again without one.")
    return key


def write_coordinates(places: Mapping[Partition, Coordinate]) -> str:
    """The id of an event: where each partition stands behind it."""
    return ",".join(f"{_TOPICS[topic]}{number}:{place}" for (topic, number), place in sorted(places.items()))


def read_coordinates(text: str) -> dict[Partition, Coordinate]:
    """Where to go on.

    Raises:
        NotUsable: the text is no id of an event.
    """
    found: dict[Partition, Coordinate] = {}
    for part in text.split(","):
        match = _COORDINATE.fullmatch(part)
        place = None if match is None else _coordinate(int(match[3]), match[4], match[5])
        if match is None or place is None:
            raise NotUsable(
                "`Last-Event-ID` is none that this stream gave: one looks like a0:12,x0:3. Leave it out to begin now."
            )
        found[LETTERS[match[1]], int(match[2])] = place
    return found


def _coordinate(place: int, back: str | None, timestamp: str | None) -> Coordinate | None:
    if back is None or timestamp is None:
        return Coordinate(place)
    return Coordinate(place, Mark(place - int(back), int(timestamp))) if 0 < int(back) <= place else None
