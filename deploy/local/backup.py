"""Take a backup of a district, while it runs or while it is stopped.

While it runs, in this order, so that nothing in the copy points beyond the copy of what it points to:

1. Credentials, registers and accounts; Mosquitto's queue, which still holds what the bridge has not acknowledged.
2. Offsets that were committed to Kafka.
3. The database, by PostgreSQL's own `pg_basebackup`.
4. Processors' states and receipts, then all other logs, then Kafka's metadata.

So the database and the states are a little behind the logs, and what lies between is read and judged again after the
restore, as after a crash. Of a district that is stopped the same files are copied as they lie.
"""

import os
import shutil
import signal
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

from deploy.local import backup_manifest, kafka, mosquitto, postgres, prefix, run_record
from deploy.local.backup_manifest import Manifest
from deploy.local.commands import last_words, run
from deploy.local.copier import Copier
from deploy.local.credentials import FILE_NAME as CREDENTIALS
from deploy.local.credentials import load_or_create
from deploy.local.device_book import DEVICES, REGISTER, DeviceBook
from deploy.local.errors import BackupFailed
from deploy.local.kafka_copy import KafkaCopy, Stage
from deploy.local.ports import LOOPBACK
from deploy.local.prefix import Prefix
from deploy.local.restoring import OF_A_RUN, check_finished
from deploy.local.run_record import RunLock, RunRecord

SERVERS = (mosquitto.NAME, kafka.NAME, postgres.NAME)
OF_THIS_RUN = OF_A_RUN | frozenset(SERVERS)
"""What of a state folder is copied by its own way, or made anew at each start."""
OF_A_PROCESS = frozenset({"postmaster.pid", "postmaster.opts", ".lock"})
STAMPS = (kafka.Files(Path(kafka.NAME)).formatted, postgres.Files(Path(postgres.NAME)).initialised)
SAVE_SECONDS, SAVE_POLL_SECONDS = 5.0, 0.05


def take(state: Path, folder: Path) -> Manifest:
    """Write a backup of a state folder into `folder`, which must be new or empty.

    Raises:
        BackupFailed: nothing to back up, no place, or a server refused; what was written is taken away again.
        RestoreUnfinished: a restore into the state folder was cut short: its data are not whole.
    """
    state, folder = state.resolve(), folder.resolve()
    check_finished(state)
    if folder == state or state in folder.parents:
        raise BackupFailed(f"{folder} is in the state folder {state}; name a folder outside of it.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupFailed(f"{folder} is there already and not empty; name a new folder.")
    if not all((state / name / "data").exists() for name in SERVERS):
        own = "; data in servers of your own are theirs to keep" if (state / kafka.NAME).exists() else ""
        raise BackupFailed(f"{state} does not hold the data of all three servers{own}.")
    if not os.access(state / CREDENTIALS, os.R_OK):
        raise BackupFailed(f"{state / CREDENTIALS} is another user's: back up as the one who ran `make run`.")
    servers = prefix.ensure()
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    try:
        return _take(state, folder, servers)
    except BaseException as error:
        _take_away(folder, is_new=is_new)
        if isinstance(error, OSError):
            raise BackupFailed(f"{error.filename or folder}: {error.strerror}.") from error
        raise


def _take(state: Path, folder: Path, servers: Prefix) -> Manifest:
    taken_at = datetime.now(UTC)
    copier = Copier(folder)
    with ExitStack() as held:
        running = run_record.read(state) if run_record.is_held(state) else None
        if running is None:
            held.enter_context(RunLock(state))
            _copy_stopped(state, copier)
        else:
            _copy_running(state, copier, servers, running)
    manifest = Manifest(
        taken_at=taken_at,
        running=running is not None,
        machine=backup_manifest.this_machine(),
        versions=backup_manifest.server_versions(servers),
        folders=tuple(copier.folders),
        files=copier.files,
    )
    os.sync()
    backup_manifest.write(folder, manifest)
    return manifest


def _copy_stopped(state: Path, copier: Copier) -> None:
    _copy_registers(state, copier)
    for name in SERVERS:
        copier.tree(f"{name}/data", state / name / "data", without=OF_A_PROCESS.__contains__)


def _copy_running(state: Path, copier: Copier, servers: Prefix, running: RunRecord) -> None:
    if running.external:
        raise BackupFailed(f"{', '.join(running.external)} is a server of your own: back it up by its own means.")
    _copy_registers(state, copier)
    _save_queue(state, running)
    copier.tree(f"{mosquitto.NAME}/data", state / mosquitto.NAME / "data", without=lambda name: name.endswith(".new"))
    logs = KafkaCopy(kafka.Files(state / kafka.NAME).data, copier)
    logs.copy(Stage.COMMITTED_OFFSETS)
    _copy_database(state, copier, servers, running)
    for stage in (Stage.POINTERS, Stage.RECORDS, Stage.METADATA):
        logs.copy(stage)
    logs.finish()


def _copy_registers(state: Path, copier: Copier) -> None:
    """Copy every file that is no server's, and the stamps that say that data are there."""
    with DeviceBook(state / DEVICES / REGISTER).held():
        for path in sorted(state.iterdir()):
            if path.name in OF_THIS_RUN or path.name.startswith("."):
                continue
            if path.is_dir():
                copier.tree(path.name, path)
            else:
                copier.file(path.name, path)
    for path in sorted((state / mosquitto.NAME).iterdir()):
        if path.is_file():
            copier.file(f"{mosquitto.NAME}/{path.name}", path)
    for stamp in STAMPS:
        copier.text(str(stamp), "")


def _save_queue(state: Path, running: RunRecord) -> None:
    """Have Mosquitto write its queue now; without an answer the copy is the last one it wrote by itself."""
    process = running.processes.get(mosquitto.NAME)
    if process is None or process.pid is None:
        return
    queue = state / mosquitto.NAME / "data" / "mosquitto.db"
    before = queue.stat().st_mtime_ns if queue.exists() else None
    os.kill(process.pid, signal.SIGUSR1)
    deadline = time.monotonic() + SAVE_SECONDS
    while time.monotonic() < deadline:
        if queue.exists() and queue.stat().st_mtime_ns != before:
            return
        time.sleep(SAVE_POLL_SECONDS)


def _copy_database(state: Path, copier: Copier, servers: Prefix, running: RunRecord) -> None:
    process = running.processes.get(postgres.NAME)
    if process is None or process.pid is None:
        raise BackupFailed("PostgreSQL does not run just now; `district status` says why.")
    name = f"{postgres.NAME}/data"
    copier.folder(postgres.NAME)
    result = run(
        [
            servers.postgres("pg_basebackup"),
            f"--host={LOOPBACK}",
            f"--port={process.endpoint.rpartition(':')[2]}",
            f"--username={postgres.SUPERUSER}",
            f"--pgdata={copier.root / name}",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
            "--no-password",
        ],
        environment={**postgres.ENVIRONMENT, "PGPASSWORD": load_or_create(state).database.superuser},
    )
    if result.returncode != 0:
        raise BackupFailed(f"pg_basebackup said:\n{last_words(result)}")
    copier.adopt(name)


def _take_away(folder: Path, *, is_new: bool) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    if is_new:
        with suppress(OSError):
            folder.rmdir()
