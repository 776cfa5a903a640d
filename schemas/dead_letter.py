"""What was refused, kept whole: the bytes are the Kafka value, everything known about them is in the headers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pydantic import BaseModel

from schemas.fields import CONTRACT, Count, Feed, Offset, UtcTime

MAX_DETAIL_CHARS: Final = 1_000


class DeadLetterReason(StrEnum):
    """Why it was refused; the same word is the metric label and the column."""

    NOT_UTF8 = "not_utf8"
    """The payload is not UTF-8 text."""
    NOT_JSON = "not_json"
    """The payload is not JSON, or is nested too deeply."""
    TOO_LARGE = "too_large"
    """The payload is larger than the bridge takes."""
    WRONG_TOPIC = "wrong_topic"
    """The topic is outside the contract."""
    CONTRADICTS_TOPIC = "contradicts_topic"
    """Feed, group or device of the payload differ from its topic."""
    NOT_REGISTERED = "not_registered"
    """The register does not know its device, or has it revoked, or for another feed or group."""
    LANE_NOT_ALLOWED = "lane_not_allowed"
    """A device speaks for real life alone; other lanes are the operator's."""
    TOO_FAST = "too_fast"
    """The device sends more than it may."""
    INVALID = "invalid"
    """A field is missing, unknown, of the wrong type or out of range; `detail` names it."""
    FUTURE_TIME = "future_time"
    """`observed_at` is later than the bridge's clock by more than the tolerance."""
    REFUSED_BY_DATABASE = "refused_by_database"
    """The database refused the row; `detail` is its message."""
    KEY_REUSED = "key_reused"
    """The same lane, device, boot and number is stored with another time or other values; that reading stays."""
    UNDECODABLE_RECORD = "undecodable_record"
    """A record on a Kafka topic that is not what the contract says."""
    JUDGING_FAILED = "judging_failed"
    """A processor could not judge it, or what it woke; stored all the same, and the rest is judged without it."""
    LANE_NOT_OPEN = "lane_not_open"
    """Its lane was not opened by a clock message, so it was not judged; stored all the same."""
    WRONG_LANE = "wrong_lane"
    """A live reading on the topic of other lanes, or the other way round; not judged."""
    TOO_MANY_LANES = "too_many_lanes"
    """Its lane was refused since too many are open, so it was not judged; stored all the same."""


class DeadLetterSource(StrEnum):
    """Which service refused it."""

    INGEST_BRIDGE = "ingest_bridge"
    TIMESCALE_SINK = "timescale_sink"
    STREAM_PROCESSORS = "stream_processors"


class DeadLetter(BaseModel):
    """Everything known about refused bytes; whose reading it was, as far as that could be read."""

    model_config = CONTRACT

    source: DeadLetterSource
    reason: DeadLetterReason
    detail: str
    """What is wrong and what to do, for people; at most 1,000 characters."""
    received_at: UtcTime
    mqtt_topic: str | None = None
    mqtt_properties: str | None = None
    """The user properties of the message, as JSON."""
    kafka_topic: str | None = None
    kafka_partition: Count | None = None
    kafka_offset: Offset | None = None
    feed: Feed | None = None
    lane: str | None = None
    group_id: str | None = None
    device_id: str | None = None
    boot_id: str | None = None
    seq: Offset | None = None
    element: Count | None = None
    """Index in the array when the message was an array."""

    def to_headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers: one per known field, values as UTF-8 text."""
        known = self.model_dump(mode="json", exclude_none=True)
        return [(name, str(value).encode()) for name, value in known.items()]

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes]]) -> DeadLetter:
        """Read the headers back.

        Raises:
            pydantic.ValidationError: a header is missing or malformed.
        """
        names = cls.model_fields
        return cls.model_validate_strings({k: v.decode() for k, v in headers if k in names}, strict=False)
