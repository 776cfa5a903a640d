"""Asks the database for its figures, as the reader; survives its absence, never waits longer than a bound."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Final, Self

import asyncpg
from pydantic import SecretStr

from schemas.dead_letter import DeadLetterSource
from schemas.fields import Feed
from services.district.errors import QueryFailed, ServerSilent
from services.district.figures import DatabaseFigures, FeedTotals, OpenAlert, Partition, SinkPlace

CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 8.0

_ALERT_COLUMNS: Final = ", ".join(OpenAlert.__dataclass_fields__)
TOTALS: Final = "SELECT feed, devices, readings, stored, duplicates FROM v_feed_totals"
DEAD_LETTERS: Final = "SELECT source, feed, reason, sum(n)::bigint AS n FROM v_dead_letter_reasons GROUP BY 1, 2, 3"
PROGRESS: Final = (
    "SELECT cluster_id, topic, partition, next_offset, ticks, "
    "extract(epoch FROM now() - updated_at)::float8 AS idle_seconds FROM v_sink_progress"
)
ALERTS_BY_LANE: Final = "SELECT lane, count(*) AS n FROM v_open_alerts GROUP BY lane"
OPEN_ALERTS: Final = (
    f"SELECT {_ALERT_COLUMNS} FROM v_open_alerts "  # noqa: S608 - the columns are our own fields
    "ORDER BY lane <> 'live', severity, started_at DESC LIMIT $1"
)


class DatabaseCollector:
    """Keeps one connection between questions; drops it when the database does not answer, and makes a new one."""

    def __init__(self, url: SecretStr | None, *, alerts_at_most: int | None) -> None:
        self._url = url
        self._alerts_at_most = alerts_at_most
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._drop()

    async def collect(self) -> DatabaseFigures:
        """Ask once, everything in one read-only transaction, so that the figures fit one another.

        Raises:
            ServerSilent: the database did not answer in time.
        QueryFailed: it answers, but not this; its tables may not be made yet.
        """
        try:
            connection = await self._connect()
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._ask(connection)
        except TimeoutError:
            self._drop()
            raise ServerSilent("no answer in time") from None
        except (
            asyncpg.InterfaceError,
            asyncpg.PostgresConnectionError,
            asyncpg.CannotConnectNowError,
            OSError,
        ) as error:
            self._drop()
            raise ServerSilent(str(error)) from error
        except asyncpg.PostgresError as error:
            self._drop()
            raise QueryFailed(str(error)) from error
        except asyncio.CancelledError:
            self._drop()
            raise

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._url is None:
            raise ServerSilent("none is named; set DATABASE_READER_URL")
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._url.get_secret_value(),
                timeout=CONNECT_SECONDS,
                command_timeout=ANSWER_SECONDS,
                server_settings={"application_name": "district-status", "timezone": "UTC"},
            )
        return self._connection

    async def _ask(self, connection: asyncpg.Connection[asyncpg.Record]) -> DatabaseFigures:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            totals = await connection.fetch(TOTALS)
            letters = await connection.fetch(DEAD_LETTERS)
            progress = await connection.fetch(PROGRESS)
            lanes = await connection.fetch(ALERTS_BY_LANE)
            alerts = await connection.fetch(OPEN_ALERTS, self._alerts_at_most)
        return DatabaseFigures(
            feeds=feed_totals(totals, letters),
            dead_letters=by_reason(letters),
            open_alerts=tuple(OpenAlert(**dict(row)) for row in alerts),
            open_alerts_by_lane={row["lane"]: row["n"] for row in lanes},
            places=sink_places(progress),
        )

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def feed_totals(totals: list[Any], letters: list[Any]) -> dict[Feed, FeedTotals]:
    """Put the totals of each feed together with its dead letters."""
    stored = {row["feed"]: row for row in totals}
    found = {}
    for feed in Feed:
        row = stored.get(feed.value)
        own = [letter for letter in letters if letter["feed"] == feed.value]
        found[feed] = FeedTotals(
            devices=row["devices"] if row else 0,
            seen=row["readings"] if row else 0,
            stored=row["stored"] if row else 0,
            duplicates=row["duplicates"] if row else 0,
            dead_lettered=sum(letter["n"] for letter in own),
            refused_before_kafka=sum(
                letter["n"] for letter in own if letter["source"] == DeadLetterSource.INGEST_BRIDGE
            ),
        )
    return found


def by_reason(letters: list[Any]) -> dict[str, int]:
    """Count dead letters by reason, the most frequent first."""
    counts: dict[str, int] = {}
    for letter in letters:
        counts[letter["reason"]] = counts.get(letter["reason"], 0) + letter["n"]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sink_places(progress: list[Any]) -> dict[str, dict[Partition, SinkPlace]]:
    """Return the sink's place in each partition of each Kafka cluster."""
    places: dict[str, dict[Partition, SinkPlace]] = {}
    for row in progress:
        place = SinkPlace(row["next_offset"], row["ticks"], row["idle_seconds"])
        places.setdefault(row["cluster_id"], {})[row["topic"], row["partition"]] = place
    return places
