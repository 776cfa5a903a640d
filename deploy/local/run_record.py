"""What is written down about a run: who holds the state folder, and which processes run for it.

The lock says for certain whether a supervisor is alive; the record says which processes were its, so that the next
start can end those that a crash left behind. It can be written on a full disk as well.
"""

import errno
import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.local.disks import DiskAlert
from deploy.local.errors import AlreadyRunning
from deploy.local.processes import Identity, end_trees, identify

LOCK = "lock"
RECORD = "run.json"
BLOCK_BYTES = 64 * 1024
"""A record is filled up with spaces to whole blocks, so that one on a full disk fits into the place of the last."""
ORPHAN_GRACE_SECONDS = 5.0


class ProcessRecord(BaseModel):
    """One process of a run."""

    model_config = ConfigDict(frozen=True)

    kind: str
    """`server` or `service`."""
    state: str
    since: datetime
    pid: int | None
    identity: Identity | None
    restarts: int
    last_exit: str | None
    endpoint: str
    metrics_port: int | None
    trouble: str | None = None
    """What has been wrong with it for long, while it runs."""


class RunRecord(BaseModel):
    """One run of a supervisor."""

    model_config = ConfigDict(frozen=True)

    supervisor: Identity
    started_at: datetime
    external: tuple[str, ...] = ()
    """Servers of the operator's own, which we neither start nor stop."""
    processes: dict[str, ProcessRecord] = {}
    alerts: tuple[DiskAlert, ...] = ()
    """What the operator has to do something about before it stops the platform."""


def read(state: Path) -> RunRecord | None:
    """Return the record of the last run, None when there is none that can be read."""
    try:
        return RunRecord.model_validate(json.loads((state / RECORD).read_text()))
    except (FileNotFoundError, ValueError, ValidationError):
        return None


def write(state: Path, record: RunRecord) -> None:
    """Replace the record at once; in its place where there is no room for a second one.

    Raises:
        OSError: it cannot be written at all.
    """
    text = record.model_dump_json(indent=1).encode()
    padded = text + b" " * (-len(text) % BLOCK_BYTES)
    unfinished = state / f".{RECORD}.part"
    try:
        unfinished.write_bytes(padded)
        unfinished.replace(state / RECORD)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        _overwrite(state / RECORD, padded)


def _overwrite(path: Path, data: bytes) -> None:
    """Write over what is there; whoever reads in the middle of it finds a record that cannot be read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)


def end_orphans(state: Path) -> tuple[int, ...]:
    """End the recorded processes that still run, with their children; return their pids.

    Only whoever holds the lock, or knows that nobody does, may call this.
    """
    record = read(state)
    identities = [process.identity for process in record.processes.values()] if record is not None else []
    return end_trees([each for each in identities if each is not None], grace_seconds=ORPHAN_GRACE_SECONDS)


class RunLock:
    """The right to run servers for one state folder; the kernel gives it back when the holder dies."""

    def __init__(self, state: Path) -> None:
        self._path = state / LOCK
        self._state = state
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunning(self._holder()) from None
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {datetime.now(UTC).isoformat(timespec='seconds')}\n".encode())
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _holder(self) -> str:
        pid, _, started_at = self._path.read_text().strip().partition(" ")
        return f"pid {pid or '?'}, started at {started_at or '?'}, state in {self._state}; use `make stop` to end it."


def is_held(state: Path) -> bool:
    """Say whether a supervisor holds the state folder."""
    try:
        descriptor = os.open(state / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def this_process() -> Identity:
    """Return our own identity."""
    identity = identify(os.getpid())
    if identity is None:
        raise ProcessLookupError(os.getpid())
    return identity
