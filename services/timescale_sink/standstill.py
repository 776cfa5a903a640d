"""In which part of its work the sink is, for those who watch whether it stands still. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.runtime import standstill


class Part(StrEnum):
    """What the loop is doing, in the operator's words."""

    STARTING = "starting"
    PLACING = "asking the database and Kafka where to go on"
    FETCHING = "waiting for records from Kafka"
    TURN = "waiting until fewer replays are written"
    WRITING = "writing a round into the database"
    STOPPED = "not going on with it, since most of its rows are refused"


@dataclass(slots=True)
class Standing(standstill.Standing):
    """How far each partition of a topic is in the database, and since when."""

    who: str = "the sink"
    done: str = "stored"
