"""Stopping a district that runs in another process."""

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from deploy.local import run_record
from deploy.local.errors import NotOurs, NotRunning
from deploy.local.processes import is_alive

POLL_SECONDS = 0.1


def stop_running(state: Path, *, patience_seconds: float = 75.0) -> tuple[int, ...]:
    """Ask the supervisor of a state folder to stop everything, wait until it has, and end what is left.

    Returns:
        The pids that had to be ended because their supervisor did not.

    Raises:
        NotRunning: there is neither a supervisor nor anything left of one.
    """
    record = run_record.read(state)
    held = run_record.is_held(state)
    if held and record is not None:
        with suppress(ProcessLookupError):
            if is_alive(record.supervisor):
                os.kill(record.supervisor.pid, signal.SIGTERM)
        _wait_for_lock(state, patience_seconds)
    still_held = run_record.is_held(state)
    if still_held and record is not None and is_alive(record.supervisor):
        os.kill(record.supervisor.pid, signal.SIGKILL)
        _wait_for_lock(state, patience_seconds)
    ended = run_record.end_orphans(state)
    if not held and not ended:
        raise NotRunning(f"State folder: {state}.")
    return ended


def clean(state: Path) -> None:
    """Delete a state folder: data, credentials and logs.

    Raises:
        AlreadyRunning: a supervisor holds it.
        NotOurs: the folder was never one of ours.
    """
    if not state.exists():
        return
    if not (state / run_record.LOCK).exists():
        raise NotOurs(f"{state} is not deleted.")
    with run_record.RunLock(state):
        run_record.end_orphans(state)
        shutil.rmtree(state)


def _wait_for_lock(state: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while run_record.is_held(state) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
