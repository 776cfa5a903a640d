"""Places in lists and logs as texts that clients hand back. Pure.

A page of what is in memory ends in a cursor that holds the sort key of its last item. The id of an event holds where
both topics stand behind it: `a0:12,a1:5,a2:7,x0:3,x1:0,x2:9`, `a` for alerts, `x` for actions.
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

LETTERS: Final[Mapping[str, str]] = MappingProxyType({"a": ALERTS, "x": ALERT_ACTIONS})
_TOPICS: Final = MappingProxyType({topic: letter for letter, topic in LETTERS.items()})
_COORDINATE: Final = re.compile(r"([ax])([0-9]{1,4}):([0-9]{1,16})")
_MEMORY: Final = "m"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Partition = tuple[str, int]
"""Topic and number."""


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


def write_coordinates(positions: Mapping[Partition, int]) -> str:
    """The id of an event: the next offset of each partition behind it."""
    return ",".join(f"{_TOPICS[topic]}{number}:{offset}" for (topic, number), offset in sorted(positions.items()))


def read_coordinates(text: str) -> dict[Partition, int]:
    """Where to go on.

    Raises:
        NotUsable: the text is no id of an event.
    """
    found: dict[Partition, int] = {}
    for part in text.split(","):
        match = _COORDINATE.fullmatch(part)
        if match is None:
            raise NotUsable(
                "`Last-Event-ID` is none that this stream gave: one looks like a0:12,x0:3. Leave it out to begin now."
            )
        letter, number, offset = match.groups()
        found[LETTERS[letter], int(number)] = int(offset)
    return found
