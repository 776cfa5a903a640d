"""What the roles of the database cannot do: each is tried with the real server, and refused."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.local import postgres
from deploy.local.stack import Stack
from services.timescale_sink.grants import BOARD_VIEWS
from services.timescale_sink.migrations import bring_up_to_date
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from tests.integration.fresh_database import as_owner, as_superuser, fresh_database

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("DATABASE_READER_URL", "DATABASE_GRAFANA_URL")
DENIED = asyncpg.InsufficientPrivilegeError

WRITES = (
    "DELETE FROM parking_readings",
    "INSERT INTO devices (feed, lane, device_id, group_id, boot_id) VALUES ('ev', 'live', 'd', 'g', 'b')",
    "UPDATE v_assets SET asset_id = 'x'",
    "TRUNCATE alerts",
    "CREATE TABLE mine (n integer)",
    "CREATE TEMPORARY TABLE mine (n integer)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "SELECT drop_expired_chunks(8)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'much')",
    "SELECT lo_put(1, 0, 'much')",
    "SELECT pg_logical_emit_message(FALSE, 'a', 'b')",
    "SELECT pg_notify('a', 'b')",
    "COPY (SELECT 1) TO '/tmp/x'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "SET ROLE district_owner",
    "SET ROLE district_writer",
    "SET SESSION AUTHORIZATION district_owner",
)
LOCKS = (
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_advisory_lock(20908722532994635)",
    "SELECT pg_try_advisory_lock_shared(1)",
    "SELECT pg_advisory_xact_lock(1, 1)",
    "LOCK TABLE schema_migrations IN ACCESS SHARE MODE",
    "LOCK TABLE schema_migrations IN SHARE ROW EXCLUSIVE MODE",
    "LOCK TABLE alerts IN ACCESS SHARE MODE",
    "LOCK TABLE v_alerts IN ROW EXCLUSIVE MODE",
    "LOCK TABLE v_alerts IN ACCESS EXCLUSIVE MODE",
)
LARGE_SORT = (
    "SELECT count(t) FROM (SELECT t FROM (SELECT n, repeat(n::text, 2000) AS t FROM generate_series(1, 60000) AS n"
    " OFFSET 0) AS rows ORDER BY -n) AS sorted"
)
"""Some 600 MB."""


@pytest.fixture(params=ROLES)
async def someone(request: pytest.FixtureRequest, stack: Stack) -> AsyncIterator[Any]:
    """A connection that tries to write: what a session may choose for itself is chosen."""
    connection = await asyncpg.connect(stack.environment("operator")[request.param])
    await connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
    await connection.execute("SET default_transaction_read_only = off")
    yield connection
    await connection.close()


@pytest.mark.parametrize("statement", WRITES)
async def test_who_reads_cannot_be_made_to_write(someone: Any, statement: str) -> None:
    with pytest.raises(DENIED):
        await someone.execute(statement)


@pytest.mark.parametrize("statement", LOCKS)
async def test_who_reads_cannot_hold_a_lock_that_stops_others(someone: Any, statement: str) -> None:
    with pytest.raises(DENIED):
        async with someone.transaction():
            await someone.execute(statement)


async def test_who_reads_has_bounds(someone: Any) -> None:
    for name in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
        assert await someone.fetchval("SELECT setting::int FROM pg_settings WHERE name = $1", name) > 0, name
    with pytest.raises(DENIED):
        await someone.execute("SET temp_file_limit = -1")
    await someone.execute("SET statement_timeout = 0")
    await someone.execute("SET work_mem = '64kB'")
    with pytest.raises(asyncpg.ConfigurationLimitExceededError, match="temp_file_limit"):
        await someone.execute(LARGE_SORT)


async def test_a_statement_of_a_reader_ends(stack: Stack) -> None:
    """With the role's own setting made small: that it is there is tested above."""
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_READER_URL"])
    try:
        assert await connection.fetchval("SHOW statement_timeout") == "1min"
        await connection.execute("SET statement_timeout = '100ms'")
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("SELECT pg_sleep(5)")
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ROLES)
async def test_who_reads_cannot_take_all_connections(stack: Stack, role: str) -> None:
    address = stack.environment("operator")[role]
    async with AsyncExitStack() as held:

        async def connect() -> None:
            held.push_async_callback((await asyncpg.connect(address)).close)

        found = await asyncio.gather(*(connect() for _ in range(25)), return_exceptions=True)
        assert any(isinstance(each, asyncpg.TooManyConnectionsError) for each in found)
        other = await asyncpg.connect(stack.environment("sink")["DATABASE_URL"])
        assert await other.fetchval("SELECT 1") == 1
        await other.close()


@pytest.mark.parametrize("role", ROLES)
async def test_who_reads_may_keep_a_pool_of_connections(stack: Stack, role: str) -> None:
    """A driver resets a connection that it puts back with statements of its own."""
    async with asyncpg.create_pool(stack.environment("operator")[role], min_size=0, max_size=2) as pool:
        for _ in range(3):
            assert await pool.fetchval("SELECT count(*) FROM v_ledger") == 5


async def test_what_a_role_changed_of_itself_is_set_back_at_the_next_start(stack: Stack) -> None:
    address = stack.environment("operator")["DATABASE_READER_URL"]
    connection = await asyncpg.connect(address)
    await connection.execute("SET default_transaction_read_only = off")
    await connection.execute("ALTER ROLE district_reader SET statement_timeout = 0")
    await connection.close()
    await postgres.set_up(stack._credentials, stack.ports.postgres or 0)
    connection = await asyncpg.connect(address)
    try:
        assert await connection.fetchval("SHOW statement_timeout") == "1min"
        assert await connection.fetchval("SHOW default_transaction_read_only") == "on"
    finally:
        await connection.close()


async def test_grafana_reads_what_its_boards_ask_and_nothing_else(stack: Stack) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "deploy" / "grafana" / "dashboards").rglob("*.json")]
    asked = set(re.findall(r"\bv_[a-z_]+", " ".join(texts)))
    assert texts
    assert asked == set(BOARD_VIEWS), "name a view that a board asks in services.timescale_sink.grants"
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_GRAFANA_URL"])
    try:
        readable = await connection.fetch(
            "SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace"
            " AND c.relkind IN ('r', 'v', 'm', 'p') AND has_table_privilege(c.oid, 'SELECT')"
        )
        assert {row[0] for row in readable} == set(BOARD_VIEWS)
        for view in BOARD_VIEWS:
            await connection.execute(f"SELECT * FROM {view} LIMIT 1")
    finally:
        await connection.close()


async def test_grafana_is_told_nothing_of_devices_and_brokers(stack: Stack) -> None:
    given = stack.environment("grafana")
    assert given.keys() == {"KAFKA_BOOTSTRAP", "KAFKA_SECURITY_PROTOCOL", "LOG_FORMAT", "DATABASE_GRAFANA_URL"}
    assert urlsplit(given["DATABASE_GRAFANA_URL"]).username == "district_grafana"


async def test_a_migration_waits_for_no_lock_that_a_stranger_can_hold(stack: Stack) -> None:
    """Not even the key that migrations locked once, held by a superuser, nor an open transaction of a reader."""
    environment = stack.environment("operator")
    superuser = await asyncpg.connect(as_superuser(stack))
    reader = await asyncpg.connect(environment["DATABASE_READER_URL"])
    try:
        await superuser.execute("SELECT pg_advisory_lock(20908722532994635)")
        await reader.execute("BEGIN; SELECT count(*) FROM v_alerts; SELECT count(*) FROM v_ledger")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.timescale_sink", "migrate"),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        assert (process.returncode, said) == (0, b"migrations: 0 applied\n")
    finally:
        await reader.close()
        await superuser.close()


async def test_two_runners_at_once_apply_each_migration_once(stack: Stack) -> None:
    storage = load_storage(MigrationSettings.model_fields["storage_file"].default)
    async with fresh_database(stack, "runners") as address:

        async def run() -> tuple[str, ...]:
            async with as_owner(address) as connection:
                return await bring_up_to_date(connection, storage, MigrationSettings.model_construct())

        one, other = await asyncio.gather(run(), run())
        async with as_owner(address) as connection:
            rows = await connection.fetch("SELECT name FROM schema_migrations ORDER BY number")
        assert sorted((*one, *other)) == [row[0] for row in rows]
