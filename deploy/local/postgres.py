"""PostgreSQL with TimescaleDB on loopback: configuration, first set-up, roles, start, readiness."""

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local.commands import last_words, run
from deploy.local.credentials import Credentials, DatabasePasswords
from deploy.local.errors import NotYet, ServerNotReady
from deploy.local.files import ServerUser, make_data_folder, make_folder, write_private
from deploy.local.ports import LOOPBACK
from deploy.local.prefix import Prefix
from deploy.local.process_spec import Kind, ProcessSpec
from deploy.local.processes import command_line, kill_leftovers

NAME = "postgres"
DATABASE = "district"
SUPERUSER = "district_superuser"
OWNER, WRITER, READER = "district_owner", "district_writer", "district_reader"
LEFTOVER_SECONDS = 5.0
PROBE_SECONDS = 2.0

SETTINGS = {
    "listen_addresses": f"'{LOOPBACK}'",
    # Loopback with a password is the one way in.
    "unix_socket_directories": "''",
    "password_encryption": "scram-sha-256",
    "max_connections": "60",
    # A small machine that writes much: what is committed is on disk, checkpoints are rare and spread.
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "synchronous_commit": "on",
    "wal_compression": "lz4",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "jit": "off",
    # No zone file is needed for this one, so a machine without them works too.
    "timezone": "'GMT'",
    "log_timezone": "'GMT'",
    "log_line_prefix": "'%m [%p] %u@%d '",
    "log_checkpoints": "off",
    "logging_collector": "off",
    "shared_preload_libraries": "'timescaledb'",
    "timescaledb.license": "'apache'",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "4",
    "max_worker_processes": "12",
}

LOGINS = (SUPERUSER, OWNER, WRITER, READER)


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one PostgreSQL."""

    folder: Path

    @property
    def data(self) -> Path:
        """The database cluster, once initialised."""
        return self.folder / "data"

    @property
    def configuration(self) -> Path:
        """The configuration that it is started with."""
        return self.folder / "postgresql.conf"

    @property
    def access_rules(self) -> Path:
        """Who may log in, and how."""
        return self.folder / "pg_hba.conf"

    @property
    def initialised(self) -> Path:
        """Stamp of a finished initialisation."""
        return self.folder / "initialised"


def configuration(*, port: int, files: Files) -> str:
    """Return the configuration of one server on loopback."""
    paths = {"data_directory": f"'{files.data}'", "hba_file": f"'{files.access_rules}'", "port": str(port)}
    return "".join(f"{key} = {value}\n" for key, value in {**paths, **SETTINGS}.items())


def access_rules() -> str:
    """Return the login rules: our roles by password from loopback, nobody else in any way."""
    rules = [f"host all {SUPERUSER} {LOOPBACK}/32 scram-sha-256"]
    rules += [f"host {DATABASE} {role} {LOOPBACK}/32 scram-sha-256" for role in (OWNER, WRITER, READER)]
    return "\n".join(rules) + "\nhost all all all reject\n"


def url(role: str, password: str, port: int, database: str = DATABASE) -> str:
    """Return the address of the database for one role."""
    return f"postgresql://{role}:{password}@{LOOPBACK}:{port}/{database}"


def prepare(prefix: Prefix, folder: Path, credentials: Credentials, port: int, user: ServerUser | None) -> Files:
    """Write the configuration, and initialise the data folder unless that was finished before.

    Raises:
        ServerNotReady: the initialisation failed.
    """
    files = Files(make_folder(folder))
    write_private(files.configuration, configuration(port=port, files=files), user)
    write_private(files.access_rules, access_rules(), user)
    if not files.initialised.exists():
        shutil.rmtree(files.data, ignore_errors=True)
        make_data_folder(files.data, user)
        _initialise(prefix, files, credentials.database, user)
        files.initialised.touch()
    return files


def _initialise(prefix: Prefix, files: Files, passwords: DatabasePasswords, user: ServerUser | None) -> None:
    password_file = files.folder / "superuser-password"
    write_private(password_file, passwords.superuser, user)
    argv = [
        str(prefix.postgres("initdb")),
        f"--pgdata={files.data}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
    ]
    try:
        environment = {**os.environ, "LC_ALL": "C", "TZ": "GMT"}
        result = run(command_line(argv, user, signal.SIGKILL), environment=environment)
    finally:
        password_file.unlink()
    if result.returncode != 0:
        raise ServerNotReady(f"PostgreSQL could not be initialised:\n{last_words(result)}")


def clear_leftovers(files: Files) -> None:
    """Make way after a server that was killed.

    Its children leave by themselves, shortly after. Its pid file would stop a new one if another process of the same
    user had that pid by now; nobody else uses this folder, because we hold the lock of the state folder.
    """
    kill_leftovers(files.data, grace_seconds=LEFTOVER_SECONDS)
    (files.data / "postmaster.pid").unlink(missing_ok=True)


def spec(prefix: Prefix, files: Files, credentials: Credentials, port: int, user: ServerUser | None) -> ProcessSpec:
    """Describe the process to the supervisor."""

    async def ready() -> None:
        await probe(url(SUPERUSER, credentials.database.superuser, port, "postgres"))

    return ProcessSpec(
        name=NAME,
        kind=Kind.SERVER,
        argv=(str(prefix.postgres("postgres")), "-D", str(files.data), f"--config-file={files.configuration}"),
        directory=files.data,
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "GMT"},
        user=user,
        stop_signal=signal.SIGINT,
        # At once and without a checkpoint; the next start recovers from its log.
        parent_death_signal=signal.SIGQUIT,
        ready=ready,
        before_start=lambda: clear_leftovers(files),
        endpoint=f"{LOOPBACK}:{port}",
    )


async def probe(address: str) -> None:
    """Log in and ask for one row.

    Raises:
        NotYet: there is no server, or it does not take us.
    """
    try:
        connection = await asyncpg.connect(address, timeout=PROBE_SECONDS)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NotYet(f"PostgreSQL: {error}") from error


async def set_up(credentials: Credentials, port: int) -> None:
    """Make the three roles, the database and the extension where they are missing; repeatable.

    Raises:
        ServerNotReady: the server refused.
    """
    passwords = credentials.database
    try:
        server = await asyncpg.connect(url(SUPERUSER, passwords.superuser, port, "postgres"))
        try:
            for role in (OWNER, WRITER, READER):
                if not await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await server.execute(f"CREATE ROLE {role} LOGIN")
                password: str = getattr(passwords, role.removeprefix("district_"))
                await server.execute(f"ALTER ROLE {role} PASSWORD '{password}'")
            if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        finally:
            await server.close()
        database = await asyncpg.connect(url(SUPERUSER, passwords.superuser, port))
        try:
            await database.execute(GRANTS)
        finally:
            await database.close()
    except (OSError, asyncpg.PostgresError) as error:
        raise ServerNotReady(f"PostgreSQL could not be set up: {error}") from error


GRANTS = f"""
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS timescaledb;
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
GRANT CONNECT ON DATABASE {DATABASE} TO {WRITER}, {READER};
GRANT TEMPORARY ON DATABASE {DATABASE} TO {WRITER};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE ON SCHEMAS TO {WRITER}, {READER};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {WRITER};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE, SELECT ON SEQUENCES TO {WRITER};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} REVOKE SELECT ON TABLES FROM {READER};
ALTER ROLE {READER} SET default_transaction_read_only = on;
"""  # noqa: S608 - our own names
