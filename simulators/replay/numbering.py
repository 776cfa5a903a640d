"""Readings of a file as the messages that a replay sends: in event-time order, numbered per device. Pure.

The boot id follows from the lane and the file's earliest reading, the numbers from the order of event time at each
device: the same file in the same lane is the same readings again, and so is a file that has grown since, with new
numbers for what is new. Where a later version of a file says something else under a number that is known, what was
there first stands and the other is told apart (`key_reused`). A row that says exactly what an earlier one said (same
device, same time, same values) is the same reading and gets its number: it is sent again and counted as a duplicate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from schemas.fields import Feed
from schemas.mqtt import DeviceTopic, Message
from simulators.replay.source import SourceReading

Key = tuple[str, int]
"""Device and sequence number; the boot is the same for the whole replay."""

_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One reading to publish."""

    source: SourceReading
    key: Key
    topic: str
    payload: bytes
    at: datetime
    """Event time; of a reading without one, that of the row before it."""


def boot_id_of(feed: Feed, readings: Iterable[SourceReading], lane: str) -> str:
    """Return the boot id of a replay: a file keeps it while rows are added behind its earliest one."""
    timed = [(reading.at, _identity(feed, reading, lane, "")) for reading in readings if reading.at is not None]
    _, earliest = min(timed, default=(None, b""))
    return f"replay-{hashlib.sha256(b'|'.join((lane.encode(), feed.encode(), earliest))).hexdigest()[:16]}"


def outgoing(feed: Feed, readings: Iterable[SourceReading], lane: str, boot_id: str) -> list[Outgoing]:
    """Number the readings of a file, in the order in which they are sent."""
    ordered = _in_event_order(list(readings))
    numbers: dict[bytes, int] = {}
    next_seq: dict[str, int] = {}
    found = []
    for at, reading in ordered:
        content = _content(feed, reading, lane, boot_id)
        identity = _identity(feed, reading, lane, boot_id)
        seq = numbers.get(identity)
        if seq is None:
            seq = next_seq.get(reading.device_id, 0)
            next_seq[reading.device_id] = seq + 1
            numbers[identity] = seq
        payload = orjson.dumps({**content, "seq": seq})
        topic = str(DeviceTopic(feed, reading.group_id, reading.device_id, Message.RELAY))
        found.append(Outgoing(reading, (reading.device_id, seq), topic, payload, at))
    return found


def _identity(feed: Feed, reading: SourceReading, lane: str, boot_id: str) -> bytes:
    return orjson.dumps(_content(feed, reading, lane, boot_id), option=orjson.OPT_SORT_KEYS)


def _content(feed: Feed, reading: SourceReading, lane: str, boot_id: str) -> dict[str, Any]:
    content: dict[str, Any] = {
        "feed": feed,
        "device_id": reading.device_id,
        "group_id": reading.group_id,
        "boot_id": boot_id,
        "observed_at": reading.at_text,
        "quality": reading.quality,
        "lane": lane,
    }
    if reading.codes:
        content["quality_codes"] = list(reading.codes)
    return content | dict(reading.fields)


def _in_event_order(readings: Sequence[SourceReading]) -> list[tuple[datetime, SourceReading]]:
    first = next((each.at for each in readings if each.at is not None), _BEGINNING)
    placed: list[tuple[datetime, SourceReading]] = []
    last = first
    for each in readings:
        last = each.at if each.at is not None else last
        placed.append((last, each))
    placed.sort(key=lambda pair: pair[0])
    return placed
