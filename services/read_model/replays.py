"""What has become of the readings of one replay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas.fields import Feed
from services.read_model.connection import Asked
from services.read_model.queries import SQL, of_feed
from services.read_model.typed import typed

POINT_CLASS: Final = "water.point_class"


@dataclass(frozen=True, slots=True)
class ReplayScope:
    """Which readings are the replay's."""

    feed: Feed
    lane: str
    boot_id: str
    first: datetime
    last: datetime
    """Times of the first and last reading, both included."""


@dataclass(frozen=True, slots=True)
class DeadKeyRow:
    """Dead letters of one reading; those of processors do not count, for what they could not judge is stored."""

    device_id: str
    seq: int
    source: str
    n: int


@dataclass(frozen=True, slots=True)
class DeadReasonRow:
    """Why one reading was refused."""

    device_id: str | None
    seq: int | None
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class PointClassRow:
    """The class of one sample."""

    sample_device_id: str
    sample_seq: int
    value: float | None
    status_reason: str
    details: dict[str, Any]


async def stored_count(asked: Asked, scope: ReplayScope) -> int:
    """How many readings are stored.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    rows = await asked.rows(of_feed("replay_count", scope.feed), *_here(scope))
    return int(rows[0]["n"])


async def stored_keys(asked: Asked, scope: ReplayScope) -> set[tuple[str, int]]:
    """Device and number of each reading that is stored.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return {
        (row["device_id"], row["seq"]) for row in await asked.rows(of_feed("replay_keys", scope.feed), *_here(scope))
    }


async def dead_keys(asked: Asked, scope: ReplayScope) -> list[DeadKeyRow]:
    """Dead letters by reading.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(DeadKeyRow, await asked.rows(SQL["replay_dead"], scope.boot_id))


async def dead_reasons(asked: Asked, scope: ReplayScope) -> list[DeadReasonRow]:
    """Every dead letter with its reason, in the order in which they came.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(DeadReasonRow, await asked.rows(SQL["replay_reasons"], scope.boot_id))


async def sink_readings(asked: Asked, topic: str) -> int:
    """How many readings of a topic the sink has handled in its life.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return int((await asked.rows(SQL["sink_readings"], topic))[0]["n"])


async def classed_count(asked: Asked, scope: ReplayScope) -> int:
    """How many samples have their class.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    rows = await asked.rows(SQL["replay_classed"], scope.lane, POINT_CLASS, scope.boot_id)
    return int(rows[0]["n"])


async def point_classes(asked: Asked, scope: ReplayScope) -> list[PointClassRow]:
    """The class of each sample that has been judged.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(PointClassRow, await asked.rows(SQL["replay_classes"], scope.lane, POINT_CLASS, scope.boot_id))


async def quality_counts(asked: Asked, scope: ReplayScope) -> dict[str, int]:
    """Stored readings by quality.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    rows = await asked.rows(of_feed("replay_qualities", scope.feed), *_here(scope))
    return {row["quality"]: row["n"] for row in rows}


async def code_counts(asked: Asked, scope: ReplayScope) -> dict[str, int]:
    """Stored readings by quality code.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    rows = await asked.rows(of_feed("replay_codes", scope.feed), *_here(scope))
    return {row["code"]: row["n"] for row in rows}


def _here(scope: ReplayScope) -> tuple[Any, ...]:
    return scope.lane, scope.boot_id, scope.first, scope.last
