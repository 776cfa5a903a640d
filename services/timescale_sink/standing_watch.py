"""Writes where each target stands, so that boards show what the API says: both ask the same function."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from services.read_model.errors import ReadModelError
from services.read_model.targets import TargetRow, targets
from services.runtime.database import DATABASE_FAULTS
from services.runtime.lifecycle import Lifetime
from services.timescale_sink.queries import SQL
from services.timescale_sink.settings import SinkSettings

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

STATEMENT_WITHIN: Final = timedelta(seconds=60)


async def watch_standings(pool: Pool, settings: SinkSettings, lifetime: Lifetime) -> None:
    """Look now and then until the service stops; a database that does not answer is asked again, and health says so."""
    while not lifetime.stopping:
        try:
            async with pool.acquire() as connection:
                await write_standings(connection)
        except (*DATABASE_FAULTS, ReadModelError) as error:
            said = f"not reckoned just now: {type(error).__name__} {error}".strip()
            lifetime.health.trouble("standings of targets", said)
        else:
            lifetime.health.well("standings of targets")
        await lifetime.pause(settings.standing_seconds)


async def write_standings(connection: Any) -> int:
    """Bring the table in line with what is known now; returns the number of its rows.

    Raises:
        asyncpg.PostgresError, OSError: the database does not take it just now.
    """
    async with connection.transaction():
        found = await targets(_Within(connection))
        day = await connection.fetchval("SELECT (now() AT TIME ZONE INTERVAL '+08:00')::date")
        rows = [_values(row, day) for row in found]
        await connection.execute(SQL["standings_lock"])
        await connection.execute(SQL["standings"], *map(list, zip(*rows, strict=True)) if rows else [[]] * _WIDTH)
        await connection.execute(SQL["standings_gone"], [row[0] for row in rows], [row[1] for row in rows])
    return len(rows)


_WIDTH: Final = 15


def _values(row: TargetRow, day: Any) -> Sequence[Any]:
    return (
        *(row.id, row.subject or "", row.plan_id, row.plan_version, day, row.holds),
        *(row.standing, row.standing_reason_zh, row.standing_reason, row.standing_value, row.standing_on),
        *(row.expected, row.expected_then, row.rate_needed),
        json.dumps([(at.isoformat(), value) for at, value in row.path]),
    )


@dataclass(frozen=True, slots=True)
class _Within:
    """Asks on the connection of a transaction."""

    connection: Any

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Rows of a query; JSON columns are text."""
        async with asyncio.timeout(STATEMENT_WITHIN.total_seconds()):
            found: list[asyncpg.Record] = await self.connection.fetch(query, *arguments)
        return found
