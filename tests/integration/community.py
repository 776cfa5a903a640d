"""TimescaleDB's community edition in WebAssembly, on loopback: for migrations, rollups and views, one client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from schemas.fields import Feed
from services.timescale_sink.policies import LEVELS
from tests.node_packages import installed, node

SOURCE = Path(__file__).resolve().parents[1] / "community"
START_SECONDS = 120
ARRAYS = ("text", "int", "bigint", "float8", "bool", "timestamptz", "jsonb", "name", "numeric", "date")


@asynccontextmanager
async def community_server() -> AsyncIterator[str]:
    """Run one with an empty database; yields its address as the superuser, who is only to make roles and extension."""
    folder = await installed(SOURCE)
    process = await asyncio.create_subprocess_exec(
        *node("serve.mjs"), cwd=folder, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = int(await asyncio.wait_for(process.stdout.readline(), START_SECONDS))
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def connected(address: str, role: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    """Connect as a role; the build has one client at a time."""
    connection = await asyncpg.connect(address, command_timeout=300)
    try:
        # Every PostgreSQL lets everybody read its types; this build does not, so the driver learns them beforehand.
        await connection.fetch(f"SELECT {', '.join(f'NULL::{each}[]' for each in ARRAYS)}")
        if role is not None:
            await connection.execute(f"SET ROLE {role}")
        yield connection
    finally:
        await connection.execute("RESET ROLE")
        await connection.close()


async def prepare(address: str) -> None:
    """Make the extension and the three roles, none of them a superuser, as an operator would."""
    async with connected(address) as connection:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        for role in ("district_owner", "district_writer", "district_reader"):
            await connection.execute(f"CREATE ROLE {role} LOGIN")
        await connection.execute("GRANT ALL ON SCHEMA public TO district_owner WITH GRANT OPTION")
        await connection.execute("GRANT ALL ON DATABASE postgres TO district_owner WITH GRANT OPTION")


async def refresh_all(owner: asyncpg.Connection) -> None:
    """Fold everything into the rollups, each level after the one it is made of."""
    for feed in Feed:
        for level in LEVELS:
            await owner.execute(f"CALL refresh_continuous_aggregate('{feed}_{level}', NULL, NULL)")
