"""What has become of the readings of a drill, and whether it left anything where it has no place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.fields import Feed
from services.read_model.connection import Asked
from services.read_model.queries import SQL, of_feed
from services.read_model.typed import typed


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One reading that was refused."""

    feed: str
    reason: str
    device_id: str
    boot_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """From measurement to the row, of live readings in a span."""

    n: int
    p50_ms: float | None
    """None: there were none."""
    p99_ms: float | None


async def run_stored(asked: Asked, feed: Feed, lane: str, run: str) -> int:
    """How many readings of a run are stored.

    Args:
        run: What its boots begin with.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    rows = await asked.rows(of_feed("drill_stored", feed), lane, run)
    return int(rows[0]["n"])


async def run_keys(asked: Asked, feed: Feed, lane: str, run: str) -> set[tuple[str, str, int]]:
    """Device, boot and number of each that is stored.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    rows = await asked.rows(of_feed("drill_keys", feed), lane, run)
    return {(row["device_id"], row["boot_id"], row["seq"]) for row in rows}


async def run_refused(asked: Asked, lane: str, run: str) -> list[RefusedRow]:
    """Each that was refused.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(RefusedRow, await asked.rows(SQL["drill_dead"], lane, run))


async def garbage_since(asked: Asked, since: datetime, name: str) -> dict[str, int]:
    """Messages that are no reading and came since a moment, by feed.

    Args:
        name: Group and device in their topics.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return {row["feed"]: row["n"] for row in await asked.rows(SQL["drill_garbage"], since, name)}


async def left_in_real_life(asked: Asked, runs: Sequence[str]) -> list[str]:
    """Boots of a run that have readings in real life, where none has a place.

    Args:
        runs: What the boots of its devices begin with; letters, digits and `-` alone.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return [row["boot_id"] for row in await asked.rows(SQL["drill_official"], list(runs))]


async def live_latency(asked: Asked, since: datetime, until: datetime) -> LatencyRow:
    """How old live readings were when they were stored.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(LatencyRow, await asked.rows(SQL["live_latency"], since, until))[0]
