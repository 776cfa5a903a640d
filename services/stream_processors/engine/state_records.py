"""The form of a partition's state as records of a compacted topic.

    key                       value
    ["partition"]             how far it is, its lanes, its format: `PartitionForm`
    ["documents"]             what was published into it: `DocumentsForm`
    ["waiting", offset]       a reading of a lane that is not open: `WaitingForm`
    [lane, key, part]         a part of the state of a key, in the judge's own form

Records of one moment are written in one transaction, so a reader sees all of them or none. A record of the previous
release has the partition's number as its key.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
import orjson

FORMAT: Final = 3
"""Version of the form of all records but the judge's own parts. 2: one record for the whole partition."""

PARTITION_KEY: Final = b'["partition"]'
DOCUMENTS_KEY: Final = b'["documents"]'
WAITING: Final = "waiting"


class StateRecord(NamedTuple):
    """A record of the compacted topic; no value: the record is gone."""

    key: bytes
    value: bytes | None


class LaneForm(msgspec.Struct, frozen=True):
    """A lane without its keys; times in microseconds since 1970."""

    opened_offset: int
    clock_us: int | None
    horizon_us: int | None
    heard_us: int | None
    judged: int
    refused: int
    muted: list[str] = []


class PartitionForm(msgspec.Struct, frozen=True):
    """How far a partition is."""

    version: int
    feed: str
    next_offset: int
    lanes: dict[str, LaneForm]
    broker_us: int | None = None
    turned_away: dict[str, int | None] = {}


class VersionOnly(msgspec.Struct, frozen=True):
    """What can be read of any version."""

    version: int
    feed: str


class DocumentForm(msgspec.Struct, frozen=True):
    """A published document, JSON-ready with its kind, and why it does not count."""

    document: dict[str, Any]
    refused: str | None = None


class DocumentsForm(msgspec.Struct, frozen=True):
    """In the order in which each was published last."""

    published: list[DocumentForm]


class WaitingForm(msgspec.Struct, frozen=True):
    """A reading of a lane that is not open."""

    lane: str
    raw: bytes
    since_us: int | None


def part_key(lane: str, key: str, part: str) -> bytes:
    """Record key of a part."""
    return orjson.dumps([lane, key, part])


def waiting_key(offset: int) -> bytes:
    """Record key of a waiting reading."""
    return orjson.dumps([WAITING, offset])


def release_2_key(partition: int) -> bytes:
    """Record key of the previous release's snapshot."""
    return str(partition).encode()
