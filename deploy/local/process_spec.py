"""What the supervisor needs to know of a process; the servers and the services both come as this."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from deploy.local.files import ServerUser

PATIENT_SECONDS = 20.0
"""How long one that was ready may take to say whether it is well: on a loaded machine slow is not silent."""


class Kind(StrEnum):
    """Two kinds of process under one supervisor."""

    SERVER = "server"
    SERVICE = "service"


async def ready_at_once() -> None:
    """Be ready as soon as the process runs: for one that cannot be asked."""


def nothing_to_prepare() -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: how to start it, how to ask it, how to end it."""

    name: str
    kind: Kind
    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    """The whole environment, nothing is inherited beside it."""
    user: ServerUser | None = None
    """Who runs it; None: we."""
    stop_signal: signal.Signals = signal.SIGTERM
    """What asks it to stop in good order."""
    parent_death_signal: signal.Signals = signal.SIGKILL
    """What it gets from the kernel when the supervisor dies without a word."""
    ready: Callable[[], Awaitable[None]] = field(default=ready_at_once)
    """Ask it once; raises `NotYet` while it does not answer as it should."""
    well: Callable[[], Awaitable[None]] | None = None
    """Ask it whether it works without trouble; raises as `ready` does. None: it is well as long as it is ready."""
    before_start: Callable[[], None] = field(default=nothing_to_prepare)
    """Done before each start."""
    endpoint: str = ""
    """Where it listens, for people."""
    metrics_port: int | None = None
    """Port of its metrics on loopback."""
