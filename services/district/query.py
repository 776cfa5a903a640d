"""Read-only questions to the database, each with a bound, and their rows for machines."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import asyncpg

from services.district.errors import QueryFailed, ServerSilent
from services.district.settings import find_access

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
_LOOK: Final = "`district status` shows its state, `district logs postgres` why; then try again."


def ask(query: str, *arguments: Any) -> list[dict[str, Any]]:
    """The rows of one query; JSON columns parsed.

    Raises:
        ServerSilent: the database does not answer.
        QueryFailed: it refuses, e.g. because its tables were not made yet.
    """
    return asyncio.run(_ask(query, arguments))


async def _ask(query: str, arguments: tuple[Any, ...]) -> list[dict[str, Any]]:
    url = find_access().database_url
    if url is None:
        raise ServerSilent("no database is named; set DATABASE_READER_URL.")
    try:
        connection = await asyncpg.connect(
            url.get_secret_value(),
            timeout=CONNECT_SECONDS,
            command_timeout=ANSWER_SECONDS,
            server_settings={"default_transaction_read_only": "on", "timezone": "UTC"},
        )
        try:
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
            return [dict(row) for row in await connection.fetch(query, *arguments)]
        finally:
            connection.terminate()
    except TimeoutError:
        raise ServerSilent(f"the database: no answer in time; {_LOOK}") from None
    except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, OSError) as error:
        raise ServerSilent(f"the database ({error}); {_LOOK}") from error
    except asyncpg.PostgresError as error:
        raise QueryFailed(str(error)) from error


def as_json(value: Any) -> str:
    """JSON with times as RFC 3339 and decimals as text."""
    return json.dumps(value, ensure_ascii=False, default=lambda o: o.isoformat() if hasattr(o, "isoformat") else str(o))
