"""The few statements by which the command line changes the database, as its writer."""

from __future__ import annotations

from typing import Any

import asyncpg

from services.district.errors import QueryFailed, ServerSilent
from services.district.query import CONNECT_SECONDS
from services.district.settings import database_addresses
from services.runtime.database import DATABASE_AWAY


async def written(statement: str, *arguments: Any) -> list[Any]:
    """What a statement returns that changes rows.

    Raises:
        ServerSilent: the database does not answer.
        QueryFailed: it refuses.
    """
    writer, _ = database_addresses()
    try:
        connection = await asyncpg.connect(writer, timeout=CONNECT_SECONDS)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()
    except DATABASE_AWAY as error:
        raise ServerSilent(f"the database ({error or 'no answer in time'}); do it again when it answers.") from error
    except asyncpg.PostgresError as error:
        raise QueryFailed(str(error)) from error
