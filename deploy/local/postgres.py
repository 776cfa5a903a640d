"""PostgreSQL with TimescaleDB on loopback: configuration, first set-up, roles, start, readiness."""

import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg

from deploy.local.commands import last_words, run
from deploy.local.credentials import Credentials, DatabasePasswords
from deploy.local.errors import NotServing, NotYet, ServerNotReady
from deploy.local.files import ServerUser, make_data_folder, make_folder, write_private
from deploy.local.paths import CHECKOUT
from deploy.local.ports import LOOPBACK
from deploy.local.prefix import Prefix
from deploy.local.process_spec import PATIENT_SECONDS, Kind, ProcessSpec
from deploy.local.processes import command_line, kill_leftovers
from deploy.local.users import listed_user, seen_as_listed

NAME = "postgres"
DATABASE = "district"
SUPERUSER = "district_superuser"
OWNER, WRITER, READER = "district_owner", "district_writer", "district_reader"
GRAFANA = "district_grafana"
ROLES = (OWNER, WRITER, READER, GRAFANA)
ROLES_FILE = CHECKOUT / "deploy" / "timescaledb" / "roles.sql"
"""What the roles may do; an operator with a database of his own runs it there."""
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "GMT"}
LEFTOVER_SECONDS = 5.0
PROBE_SECONDS = 2.0

SETTINGS = {
    "listen_addresses": f"'{LOOPBACK}'",
    # Loopback with a password is the one way in.
    "unix_socket_directories": "''",
    "password_encryption": "scram-sha-256",
    "max_connections": "60",
    # A query over thirty years of weekly chunks takes some 8,000 locks; this gives 30,000 for 10 MB of memory.
    "max_locks_per_transaction": "512",
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
    # A backup is taken from the running server: one connection for the files, one for the log meanwhile.
    "wal_level": "replica",
    "max_wal_senders": "4",
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
    # Nobody listens; what is said to nobody must not fill the disk.
    "max_notify_queue_pages": "64",
}

LOGINS = (SUPERUSER, *ROLES)


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
    rules = [f"host {what} {SUPERUSER} {LOOPBACK}/32 scram-sha-256" for what in ("all", "replication")]
    rules += [f"host {DATABASE} {role} {LOOPBACK}/32 scram-sha-256" for role in ROLES]
    return "\n".join(rules) + "\nhost all all all reject\n"


def url(role: str, password: str, port: int, database: str = DATABASE, host: str = LOOPBACK) -> str:
    """Return the address of the database for one role."""
    return f"postgresql://{role}:{password}@{host}:{port}/{database}"


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
        # initdb asks for its user's name, which only a listed user has; the data are the server's own from then on.
        listed = listed_user() if user is not None else None
        make_data_folder(files.data, listed)
        _initialise(prefix, files, credentials.database, listed)
        files.initialised.touch()
    make_data_folder(files.data, user)
    return files


def _initialise(prefix: Prefix, files: Files, passwords: DatabasePasswords, user: ServerUser | None) -> None:
    password_file = files.folder / "superuser-password"
    write_private(password_file, passwords.superuser, user)
    argv = [
        *([] if user is not None else seen_as_listed()),
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
        result = run(command_line(argv, user, signal.SIGKILL), environment=ENVIRONMENT)
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
    address = url(SUPERUSER, credentials.database.superuser, port, "postgres")

    return ProcessSpec(
        name=NAME,
        kind=Kind.SERVER,
        argv=(str(prefix.postgres("postgres")), "-D", str(files.data), f"--config-file={files.configuration}"),
        directory=files.data,
        environment=ENVIRONMENT,
        user=user,
        stop_signal=signal.SIGINT,
        # At once and without a checkpoint; the next start recovers from its log.
        parent_death_signal=signal.SIGQUIT,
        ready=partial(probe, address),
        well=partial(probe, address, PATIENT_SECONDS),
        before_start=lambda: clear_leftovers(files),
        endpoint=f"{LOOPBACK}:{port}",
    )


async def probe(address: str, seconds: float = PROBE_SECONDS) -> None:
    """Log in and ask for one row.

    Raises:
        NotYet: there is no server.
        NotServing: it does not take us, such as while it recovers.
    """
    try:
        connection = await asyncpg.connect(address, timeout=seconds)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            await connection.close()
    except asyncpg.PostgresError as error:
        raise NotServing(f"PostgreSQL: {error}") from error
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise NotYet(f"PostgreSQL: {str(error) or type(error).__name__}") from error


async def set_up(credentials: Credentials, port: int, host: str = LOOPBACK) -> None:
    """Make the roles, the database and the extension where they are missing; repeatable.

    Raises:
        ServerNotReady: the server refused.
    """
    passwords = credentials.database
    try:
        server = await asyncpg.connect(url(SUPERUSER, passwords.superuser, port, "postgres", host))
        try:
            for role in ROLES:
                if not await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await server.execute(f"CREATE ROLE {role} LOGIN")
                password: str = getattr(passwords, role.removeprefix("district_"))
                await server.execute(f"ALTER ROLE {role} PASSWORD '{password}'")
            if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        finally:
            await server.close()
        await update_extension(url(SUPERUSER, passwords.superuser, port, host=host))
        database = await asyncpg.connect(url(SUPERUSER, passwords.superuser, port, host=host))
        try:
            await database.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            await database.execute(ROLES_FILE.read_text(encoding="utf-8"))
        finally:
            await database.close()
    except (OSError, asyncpg.PostgresError) as error:
        raise ServerNotReady(f"PostgreSQL could not be set up: {error}") from error


async def update_extension(address: str) -> None:
    """Bring TimescaleDB's extension in a database to the version of its library, where there is one.

    It is the first statement of a session of its own: any other would load the library of the version before, which an
    upgrade has taken away.

    Raises:
        asyncpg.PostgresError: there is no way from the extension's version to the library's, such as to an older one.
    """
    connection = await asyncpg.connect(address)
    try:
        with suppress(asyncpg.UndefinedObjectError):
            await connection.execute("ALTER EXTENSION timescaledb UPDATE")
    finally:
        await connection.close()
