"""Connections to the database as the reader: read only, in UTC, each wait with a bound, each failure a sentence.

Nothing connects before something is asked, so who holds a `Database` starts with the database down and is well again
with it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias

import asyncpg
from pydantic import SecretStr

from services.read_model.errors import DatabaseSilent, QueryRefused, QueryTooLong, RequestRefused
from services.read_model.settings import ReadModelSettings
from services.runtime.database import DATABASE_AWAY

CONNECT_WITHIN: Final = timedelta(seconds=5)
ANSWER_WITHIN: Final = timedelta(seconds=30)
NO_ANSWER: Final = "no answer in time"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Row = asyncpg.Record


class Asked(Protocol):
    """Whoever can be asked: the database, or one moment of it."""

    async def rows(self, query: str, *arguments: Any) -> list[Row]:
        """Rows of a query; JSON columns are parsed, times are aware and in UTC.

        Raises:
            DatabaseSilent: the database does not answer in time, or the connection broke.
            QueryRefused: it answers, but not this; its views may not be made yet.
        """
        ...


@contextmanager
def failures_said() -> Iterator[None]:
    """Give every failure of the driver its declared error.

    Raises:
        DatabaseSilent: no answer in time, or the connection broke.
        QueryRefused: the database refuses.
    """
    try:
        yield
    except TimeoutError:
        raise DatabaseSilent(NO_ANSWER) from None
    except asyncpg.QueryCanceledError as error:
        raise QueryTooLong(str(error)) from error
    except DATABASE_AWAY as error:
        raise DatabaseSilent(str(error)) from error
    except asyncpg.PostgresError as error:
        raise QueryRefused(str(error)) from error


class Database:
    """The database for who keeps asking: some connections, made when they are needed and made anew when they broke.

    Use it with `async with`; nothing connects before the first question.
    """

    def __init__(
        self,
        url: SecretStr,
        *,
        name: str,
        connections: int = 4,
        connect_within: timedelta = CONNECT_WITHIN,
        answer_within: timedelta = ANSWER_WITHIN,
    ) -> None:
        """Keep what is needed to connect.

        Args:
            url: Address as the reader.
            name: Shown in the database's list of connections.
            connections: At most so many questions at the same time; further ones wait.
            connect_within: How long a connection may take.
            answer_within: How long an answer may take, waiting for a free connection included.
        """
        self._url = url
        self._name = name
        self._connections = connections
        self._connect_seconds = connect_within.total_seconds()
        self._seconds = answer_within.total_seconds()
        self._pool: asyncpg.Pool[Row] | None = None

    @classmethod
    def of(cls, settings: ReadModelSettings, *, name: str) -> Self:
        """The database that the settings name."""
        return cls(
            settings.database_reader_url,
            name=name,
            connections=settings.read_model_connections,
            connect_within=settings.connect_within,
            answer_within=settings.answer_within,
        )

    async def __aenter__(self) -> Self:
        with failures_said():
            self._pool = await asyncpg.create_pool(
                self._url.get_secret_value(),
                min_size=0,
                max_size=self._connections,
                timeout=self._connect_seconds,
                init=_parse_json,
                reset=_leave_as_it_is,
                server_settings=reader_settings(self._name),
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            # Every question is over or given up: nobody waits for an answer any more.
            pool.terminate()

    async def rows(self, query: str, *arguments: Any) -> list[Row]:
        """See `Asked.rows`."""
        async with self._connection() as connection:
            return list(await connection.fetch(query, *arguments))

    async def parts(self, query: str, *arguments: Any, at_once: int) -> AsyncGenerator[list[Row], None]:
        """Rows of a query part by part, for who takes more of them than fit into memory.

        Each part has the time of an answer. A connection is held meanwhile: who stops before the end closes the
        iterator.

        Args:
            at_once: Rows of a part.

        Raises:
            DatabaseSilent, QueryRefused: see `Asked.rows`.
        """
        if self._pool is None:
            raise RuntimeError("a Database is asked within `async with`")
        with failures_said():
            connection = await self._pool.acquire(timeout=self._seconds)
            try:
                async with connection.transaction(readonly=True):
                    async with asyncio.timeout(self._seconds):
                        cursor = await connection.cursor(query, *arguments)
                    while True:
                        async with asyncio.timeout(self._seconds):
                            rows = await cursor.fetch(at_once)
                        if not rows:
                            break
                        yield rows
            except asyncpg.PostgresError:
                raise
            except BaseException:
                connection.terminate()
                raise
            finally:
                await self._pool.release(connection)

    @asynccontextmanager
    async def at_one_moment(self) -> AsyncIterator[Asked]:
        """Answers that fit one another: all of them as the database was when the first question came.

        The time for an answer is that of all of them together.
        """
        async with (
            self._connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield _Moment(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise RuntimeError("a Database is asked within `async with`")
        with failures_said():
            async with asyncio.timeout(self._seconds):
                connection = await self._pool.acquire()
                try:
                    yield connection
                except (asyncpg.PostgresError, QueryRefused, RequestRefused):
                    raise
                except BaseException:
                    # Whether it still waits for an answer is not known: it is not used again.
                    connection.terminate()
                    raise
                finally:
                    await self._pool.release(connection)


class _Moment:
    """One transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def rows(self, query: str, *arguments: Any) -> list[Row]:
        with failures_said():
            return list(await self._connection.fetch(query, *arguments))


def reader_settings(name: str) -> dict[str, str]:
    """What a session of a reader is set to.

    Filters that are not given are decided when a statement is planned, so each question gets a plan of its own.
    """
    return {
        "application_name": name,
        "default_transaction_read_only": "on",
        "timezone": "UTC",
        "plan_cache_mode": "force_custom_plan",
        "jit": "off",
    }


async def _leave_as_it_is(_connection: Connection) -> None:
    """What only reads leaves nothing behind that the next question would have to be kept from."""


async def _parse_json(connection: Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
