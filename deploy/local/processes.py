"""Processes as the kernel knows them: starting them so that they cannot outlive us, knowing them again, ending them."""

import contextlib
import os
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local.files import ServerUser

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
START_TICKS_FIELD = 19
"""Of /proc/<pid>/stat, counted after the closing bracket of the command."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process for certain: its pid may be used again, its pid with boot and start time never is."""

    pid: int
    start_ticks: int
    boot_id: str


def identify(pid: int) -> Identity | None:
    """Return the identity of a living process, None when there is none with this pid (or only its remains)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in "ZX":
        return None
    return Identity(pid, int(fields[START_TICKS_FIELD]), BOOT_ID.read_text().strip())


def is_alive(identity: Identity) -> bool:
    """Say whether this very process still runs."""
    return identify(identity.pid) == identity


def command_line(argv: Sequence[str], user: ServerUser | None, parent_death: signal.Signals) -> list[str]:
    """Wrap a command so that it runs as `user` and gets `parent_death` when the thread that started it dies.

    `setpriv` changes the user first and asks for the signal afterwards, since a change of user would forget it.
    """
    identity = []
    if user is not None:
        identity = [f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups", "--no-new-privs"]
    return ["setpriv", *identity, f"--pdeathsig={parent_death.name.removeprefix('SIG')}", "--", *argv]


def end_trees(identities: Iterable[Identity], *, grace_seconds: float) -> tuple[int, ...]:
    """End those of these processes that still run, with their children; return the pids that did."""
    leaders = [identity for identity in identities if is_alive(identity)]
    family: list[psutil.Process] = []
    for leader in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(leader.pid)
            family += [*process.children(recursive=True), process]
            process.terminate()
    _, living = psutil.wait_procs(family, timeout=grace_seconds)
    for process in living:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(living, timeout=grace_seconds)
    return tuple(leader.pid for leader in leaders)


def working_in(folder: Path) -> list[psutil.Process]:
    """Find our processes whose working directory is `folder`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(folder):
                found.append(process)
    return found


def kill_leftovers(folder: Path, *, grace_seconds: float) -> None:
    """Wait for processes that still work in `folder` to leave, and kill those that do not."""
    _, living = psutil.wait_procs(working_in(folder), timeout=grace_seconds)
    for process in living:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(living, timeout=grace_seconds)


def kill_group(pid: int) -> None:
    """Kill what is left of the process group that a process led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
