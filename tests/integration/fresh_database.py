"""A database of its own on the session's server, empty but for the extension."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from deploy.local.stack import Stack


def as_superuser(stack: Stack, database: str = "district") -> str:
    """Address of a database as the one who may do everything there."""
    parts = urlsplit(stack.environment("operator")["DATABASE_OWNER_URL"])
    password = stack._credentials.database.superuser
    return f"postgresql://district_superuser:{password}@{parts.hostname}:{parts.port}/{database}"


@asynccontextmanager
async def fresh_database(stack: Stack, name: str) -> AsyncIterator[str]:
    """Yield the address, as the superuser; the owner of the tables owns it."""
    superuser = await asyncpg.connect(as_superuser(stack))
    try:
        await superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await superuser.execute(f"CREATE DATABASE {name} OWNER district_owner")
        inside = await asyncpg.connect(as_superuser(stack, name))
        await inside.execute("CREATE EXTENSION timescaledb")
        await inside.close()
        yield as_superuser(stack, name)
        await superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await superuser.close()


@asynccontextmanager
async def as_owner(address: str) -> AsyncIterator[Any]:
    """Connect as the owner of the tables."""
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("SET ROLE district_owner")
        yield connection
    finally:
        await connection.close()
