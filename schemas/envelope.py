"""The envelope that every reading travels in (design, section 3)."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field

from schemas.fields import CONTRACT, LIVE, Feed, Identifier, Lane, Quality, QualityCode, UtcTime

MAX_SEQ = 2**53 - 1
"""The largest sequence number that every JSON reader keeps exactly."""


class ReadingKey(NamedTuple):
    """What makes a reading the same reading when it arrives again in its lane, whatever its time."""

    device_id: str
    boot_id: str
    seq: int


class Envelope(BaseModel):
    """Common head of the readings of all feeds."""

    model_config = CONTRACT

    feed: Feed
    """Which feed the reading belongs to; must be the one its topic names."""
    device_id: Identifier
    """The device that measured; must be the one its topic names."""
    group_id: Identifier
    """Partition key: lake, district, zone or site; must be the one its topic names."""
    boot_id: Identifier
    """Changes whenever the device starts counting `seq` from 0 again."""
    seq: Annotated[int, Field(ge=0, le=MAX_SEQ)]
    """Counts up from 0 at each boot, without gaps; the same (device, boot, seq) is the same reading."""
    observed_at: UtcTime
    """When it was measured, by the device's clock (event time)."""
    quality: Quality = Quality.GOOD
    """How far the sender trusts it."""
    quality_codes: Annotated[tuple[QualityCode, ...], Field(max_length=16)] = ()
    """What the sender knows to be in doubt."""
    lane: Lane = LIVE
    """Real life, exercise, replay or what-if."""
    schema_version: Literal[1] = 1
    """Version of this contract."""

    @property
    def key(self) -> ReadingKey:
        """The identity by which repeats are recognised."""
        return ReadingKey(self.device_id, self.boot_id, self.seq)

    def doubts(self) -> tuple[QualityCode, ...]:
        """What in this reading cannot be true, judged from the reading alone.

        Feeds add their own checks; the sink stores them together with the sender's `quality_codes`.
        """
        return ()

    def all_doubts(self) -> tuple[QualityCode, ...]:
        """The sender's doubts and our own, each once, in a stable order."""
        own = self.doubts()
        if not own:
            return self.quality_codes
        return tuple(dict.fromkeys((*self.quality_codes, *own)))
