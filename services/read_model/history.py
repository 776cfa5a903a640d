"""History as it was stored: the readings of a span one after the other, how many there were, and what was raised."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.fields import LIVE, Feed
from services.read_model.connection import Asked, Database
from services.read_model.queries import SQL, of_feed
from services.read_model.readings import StoredReading, stored_readings
from services.read_model.typed import typed

SLICE: Final = timedelta(hours=1)
"""So much is sorted at a time: the reader may not fill the server's disk with what it sorts."""
ROWS_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many readings there were of a local day."""

    day: datetime
    """Its begin."""
    n: int


@dataclass(frozen=True, slots=True)
class RaisedRow:
    """An alert of real life."""

    alert_id: str
    rule: str
    asset: str
    severity: str
    started_at: datetime
    ended_at: datetime | None
    source_kind: str
    source_id: str
    source_version: str


async def readings_of_span(
    database: Database, feed: Feed, *, since: datetime, until: datetime, lane: str = LIVE
) -> AsyncGenerator[StoredReading, None]:
    """Every stored reading of a span in the order of measuring time, of which few are in memory at a time.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    statement, begin = of_feed("readings_of_span", feed), since
    while begin < until:
        end = min(begin + SLICE, until)
        async with aclosing(database.parts(statement, lane, begin, end, at_once=ROWS_AT_ONCE)) as parts:
            async for rows in parts:
                for reading in stored_readings(rows):
                    yield reading
        begin = end


async def readings_there(asked: Asked, feed: Feed, *, since: datetime, until: datetime, lane: str = LIVE) -> bool:
    """Whether any reading of a span is still stored.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return bool((await asked.rows(of_feed("readings_there", feed), lane, since, until))[0]["there"])


async def readings_by_day(
    asked: Asked, feed: Feed, *, since: datetime, until: datetime, lane: str = LIVE
) -> list[DayCount]:
    """How many readings there were of each local day; readings that went for their age are counted as long as sums are.

    Args:
        since: Begin of a local day, as `until`.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(DayCount, await asked.rows(of_feed("readings_by_day", feed), lane, since, until))


async def alerts_of_span(asked: Asked, feed: Feed, *, since: datetime, until: datetime) -> list[RaisedRow]:
    """Alerts of real life that began in a span and were not taken back, the first in front.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(RaisedRow, await asked.rows(SQL["alerts_of_span"], feed, since, until))
