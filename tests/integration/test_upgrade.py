"""Newer servers on the data of before: taken when they work, and everything put back when they do not."""

import asyncio
import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local import postgres, prefix, upgrade
from deploy.local.credentials import load_or_create
from deploy.local.errors import UpgradeFailed
from deploy.local.files import make_folder
from deploy.local.paths import cache_dir
from deploy.local.prefix import Prefix
from deploy.local.settings import LocalSettings
from deploy.local.stack import Stack


@pytest.fixture
def cache(state_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own whose prefix has the real programs, and says that they are older than they are."""
    real = prefix.ensure()
    copies = list(cache_dir().glob("python-*"))
    folder = make_folder(state_folder.with_name(f"{state_folder.name}-{uuid.uuid4().hex[:6]}"))
    monkeypatch.setenv("DISTRICT_CACHE", str(folder))
    for copy in copies:
        (folder / copy.name).symlink_to(copy)
    _linked(real.root, prefix.plain_location(), real.versions() | {"mosquitto": "2.0.0-1"})
    yield folder
    shutil.rmtree(folder)


def _linked(real: Path, root: Path, packages: dict[str, str], own: str = "") -> Prefix:
    """Lay out a prefix whose files are those of another by links, but for one that it is to have of its own."""
    root.mkdir()
    for path in real.iterdir():
        if path.name != prefix.STAMP:
            (root / path.name).symlink_to(path)
    place = root
    for part in Path(own).parts[:-1]:
        place /= part
        target = place.readlink()
        place.unlink()
        place.mkdir()
        for path in target.iterdir():
            (place / path.name).symlink_to(path)
    stamp = json.loads((real / prefix.STAMP).read_text()) | {"packages": packages}
    (root / prefix.STAMP).write_text(json.dumps(stamp))
    return Prefix(root)


async def _note(settings: LocalSettings, *, write: bool) -> list[str]:
    """Start the servers, leave or read a note in the database, stop them."""
    async with Stack(settings) as stack:
        password = load_or_create(settings.state).database.superuser
        connection = await asyncpg.connect(postgres.url(postgres.SUPERUSER, password, stack.ports.postgres or 0))
        try:
            if write:
                await connection.execute("CREATE TABLE notes (words text); INSERT INTO notes VALUES ('kept')")
            return [row["words"] for row in await connection.fetch("SELECT words FROM notes")]
        finally:
            await connection.close()


@pytest.mark.timeout(600)
async def test_servers_that_do_not_work_are_put_back_with_the_data_and_those_that_work_are_taken(cache: Path) -> None:
    settings = LocalSettings.model_validate(
        {
            "state": cache / "state",
            "kafka_heap": "256m",
            "kafka_bootstrap": None,
            "mqtt_url": None,
            "database_url": None,
        }
        | dict.fromkeys(("mqtt_port", "kafka_port", "kafka_controller_port", "postgres_port"), 0)
    )
    old = prefix.ensure()
    newest = old.versions() | {"mosquitto": "2.0.99-1"}
    assert await _note(settings, write=True) == ["kept"]

    def broken() -> Prefix:
        program = old.postgres("postgres").relative_to(old.root)
        built = _linked(old.root, prefix.beside(), newest, own=str(program))
        program = built.root / program
        program.unlink()
        program.write_text("#!/bin/sh\necho the newer server is broken\nexit 1\n")
        program.chmod(0o755)
        return built

    with pytest.raises(UpgradeFailed, match=r"the newer server is broken[\s\S]*The backup is in") as refused:
        await asyncio.to_thread(upgrade.upgrade, settings, cache / "first", newest=lambda: newest, build=broken)
    assert "in place again" in str(refused.value)
    assert prefix.ensure().root == old.root
    assert not prefix.beside().exists()
    done = await asyncio.to_thread(
        upgrade.upgrade,
        settings,
        cache / "second",
        newest=lambda: newest,
        build=lambda: _linked(old.root, prefix.beside(), newest),
    )
    assert [str(change) for change in done.changes] == ["mosquitto: 2.0.0-1 → 2.0.99-1"]
    assert done.backup == cache / "second"
    assert prefix.ensure().versions()["mosquitto"] == "2.0.99-1"
    assert await _note(settings, write=False) == ["kept"]


async def test_the_extension_follows_its_library_in_a_session_that_never_loaded_the_one_before(stack: Stack) -> None:
    """The database says that it is of the version before, whose library an upgrade has taken away."""
    password = load_or_create(stack.settings.state).database.superuser
    port, name = stack.ports.postgres or 0, f"upgraded_{uuid.uuid4().hex[:8]}"
    address = postgres.url(postgres.SUPERUSER, password, port, name)
    server = await asyncpg.connect(postgres.url(postgres.SUPERUSER, password, port, "postgres"))
    try:
        await server.execute(f"CREATE DATABASE {name}")
        # Without the extension there is nothing to update.
        await postgres.update_extension(address)
        now, before = await _make_older(address)
        with pytest.raises(asyncpg.PostgresError, match=f"timescaledb-{before}"):
            await _version(address)
        await postgres.update_extension(address)
        assert await _version(address) == now
        await postgres.update_extension(address)
        await _pretend(address, "99.0.0")
        with pytest.raises(asyncpg.PostgresError, match=r"no update path from version .99\.0\.0"):
            await postgres.update_extension(address)
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


async def _make_older(address: str) -> tuple[str, str]:
    """Make the extension and have the catalogue say the version before; return the library's and that."""
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("SET client_min_messages = error; CREATE EXTENSION timescaledb")
        now = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    finally:
        await connection.close()
    major, minor, patch = now.split(".")
    before = f"{major}.{minor}.{int(patch) - 1}"
    await _pretend(address, before)
    return now, before


async def _pretend(address: str, version: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(
            f"UPDATE _timescaledb_catalog.metadata SET value = '{version}' WHERE key = 'timescaledb_version';"
            f"UPDATE pg_extension SET extversion = '{version}' WHERE extname = 'timescaledb'"
        )
    finally:
        await connection.close()


async def _version(address: str) -> str:
    connection = await asyncpg.connect(address)
    try:
        version: str = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
        return version
    finally:
        await connection.close()
