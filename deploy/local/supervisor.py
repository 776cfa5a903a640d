"""The supervisor: starts processes, sees that they are ready, starts those that die again, stops them in order.

Every process is started from the thread that runs the event loop, and gets a signal from the kernel when that thread
dies; so the loop must run in a thread that lives as long as the processes shall, normally the main one.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from deploy.local.errors import NotYet, ServerNotReady, UnknownProcess
from deploy.local.process_spec import Kind, ProcessSpec
from deploy.local.processes import Identity, command_line, identify, kill_group
from deploy.local.restart import Decision, Exit, History, RestartPolicy, decide, describe

PROBE_PAUSE_SECONDS = 0.1
LOG_TAIL_LINES = 12
EVENTS_KEPT = 1000
FIRST_START_ATTEMPTS = {Kind.SERVER: 1, Kind.SERVICE: 3}
"""A process that was ready once is started again for ever; one that never was is given up after so many attempts."""


class State(StrEnum):
    """Where a process is in its life."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"
    """It died and is started again after a pause."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    """It never became ready at its first starts."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the operator should see."""

    at: datetime
    name: str
    """The process."""
    state: State
    """The state that it entered."""
    detail: str
    """Why, in words."""


@dataclass(slots=True)
class Managed:
    """What the supervisor knows of one process."""

    spec: ProcessSpec
    state: State = State.STARTING
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    restarts: int = 0
    last_exit: str | None = None
    identity: Identity | None = None
    process: asyncio.subprocess.Process | None = None
    stop_wanted: bool = False
    task: asyncio.Task[None] | None = None
    first_ready: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Runs processes; `on_change` is called after every change of state, so that it can be recorded."""

    def __init__(
        self,
        logs: Path,
        *,
        on_change: Callable[[], None],
        start_timeout: timedelta,
        stop_timeout: timedelta,
        log_bytes: int,
        policy: RestartPolicy | None = None,
    ) -> None:
        self._logs = logs
        self._on_change = on_change
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._log_bytes = log_bytes
        self._policy = policy or RestartPolicy()
        self._managed: dict[str, Managed] = {}
        self._listeners: set[asyncio.Queue[Event]] = set()

    @property
    def managed(self) -> dict[str, Managed]:
        """Every process, in the order of first start."""
        return dict(self._managed)

    def __getitem__(self, name: str) -> Managed:
        try:
            return self._managed[name]
        except KeyError:
            raise UnknownProcess(f"{name!r} is none of {', '.join(self._managed) or 'none yet'}.") from None

    def events(self) -> AsyncGenerator[Event, None]:
        """Return what happens from this call on; a listener that falls far behind loses the oldest events."""
        queue: asyncio.Queue[Event] = asyncio.Queue(EVENTS_KEPT)
        self._listeners.add(queue)
        return self._listen(queue)

    async def _listen(self, queue: asyncio.Queue[Event]) -> AsyncGenerator[Event, None]:
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def start(self, spec: ProcessSpec) -> None:
        """Start a process and wait until it is ready; it is kept running from then on.

        Raises:
            ServerNotReady: it ended or did not answer in time at its first starts; it stays down.
        """
        if (existing := self._managed.get(spec.name)) is not None:
            await self.stop(existing.spec.name)
        managed = self._managed[spec.name] = Managed(spec)
        managed.task = asyncio.create_task(self._keep_running(managed), name=f"supervise {spec.name}")
        ready = asyncio.create_task(managed.first_ready.wait(), name=f"first ready {spec.name}")
        try:
            await asyncio.wait({managed.task, ready}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not managed.first_ready.is_set():
            await managed.task
            raise ServerNotReady(f"{spec.name}: {managed.last_exit}. The end of its log:\n{self._log_tail(spec.name)}")

    async def stop(self, name: str) -> None:
        """Stop a process in good order, or kill it when it does not stop in time; it stays down."""
        managed = self[name]
        managed.stop_wanted = True
        if managed.process is None:
            # It waits for its restart, or has just been asked to start.
            if managed.task is not None:
                managed.task.cancel()
                await asyncio.wait({managed.task})
            if managed.state is not State.FAILED:
                self._enter(managed, State.STOPPED, "stopped")
            return
        self._enter(managed, State.STOPPING, "asked to stop")
        self._signal(managed, managed.spec.stop_signal)
        if managed.task is not None:
            _, pending = await asyncio.wait({managed.task}, timeout=self._stop_timeout.total_seconds())
            if pending:
                self._signal(managed, signal.SIGKILL)
                await asyncio.wait({managed.task})

    async def stop_all(self) -> None:
        """Stop the services in reverse order, then the servers together."""
        for name in [name for name, managed in reversed(self._managed.items()) if managed.spec.kind is Kind.SERVICE]:
            await self.stop(name)
        servers = [name for name, managed in self._managed.items() if managed.spec.kind is Kind.SERVER]
        await asyncio.gather(*(self.stop(name) for name in servers))

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process as an accident would; it is started again if it dies of it."""
        managed = self[name]
        if managed.process is None:
            raise UnknownProcess(f"{name} does not run just now ({managed.state}).")
        self._signal(managed, number)

    async def _keep_running(self, managed: Managed) -> None:
        history = History()
        while True:
            began = time.monotonic()
            status = await self._run_once(managed)
            ran_for = timedelta(seconds=time.monotonic() - began)
            decision = decide(self._policy, history, Exit(status, ran_for, wanted=managed.stop_wanted))
            history = decision.history
            if decision.restart_after is None:
                self._enter(managed, State.STOPPED, "stopped")
                return
            if self._never_came_up(managed):
                self._enter(managed, State.FAILED, managed.last_exit or "")
                return
            await self._pause(managed, decision, decision.restart_after)

    @staticmethod
    def _never_came_up(managed: Managed) -> bool:
        attempts = managed.restarts + 1
        return not managed.first_ready.is_set() and attempts >= FIRST_START_ATTEMPTS[managed.spec.kind]

    async def _pause(self, managed: Managed, decision: Decision, delay: timedelta) -> None:
        managed.restarts += 1
        seconds = delay.total_seconds()
        self._enter(managed, State.WAITING, f"{decision.reason}: {managed.last_exit}; started again in {seconds:.1f} s")
        await asyncio.sleep(seconds)

    async def _run_once(self, managed: Managed) -> int:
        """Start the process, wait until it is ready, then until it ends; return its exit status."""
        spec = managed.spec
        await asyncio.to_thread(spec.before_start)
        if managed.stop_wanted:
            return 0
        with self._open_log(spec.name) as log:
            process = managed.process = await asyncio.create_subprocess_exec(
                *command_line(spec.argv, spec.user, spec.parent_death_signal),
                cwd=spec.directory,
                env=dict(spec.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        managed.identity = identify(process.pid)
        self._enter(managed, State.STARTING, f"started as process {process.pid}")
        readiness = asyncio.create_task(self._until_ready(managed), name=f"readiness of {spec.name}")
        try:
            status = await process.wait()
        finally:
            readiness.cancel()
            (unready,) = await asyncio.gather(readiness, return_exceptions=True)
            kill_group(process.pid)
            managed.process = managed.identity = None
        if isinstance(unready, Exception):
            raise unready
        managed.last_exit = unready if isinstance(unready, str) else describe(status)
        return status

    async def _until_ready(self, managed: Managed) -> str | None:
        """Ask the process until it is ready; end it when it is not in time, and return why."""
        deadline = time.monotonic() + self._start_timeout.total_seconds()
        while True:
            try:
                await managed.spec.ready()
            except NotYet as error:
                if time.monotonic() < deadline:
                    await asyncio.sleep(PROBE_PAUSE_SECONDS)
                    continue
                self._signal(managed, signal.SIGKILL)
                return f"not ready after {self._start_timeout.total_seconds():.0f} s ({error.detail})"
            except Exception:
                # A fault of the probe, not of the process: it must not look as if it were still starting.
                self._signal(managed, signal.SIGKILL)
                raise
            if managed.state is State.STARTING:
                self._enter(managed, State.READY, "ready")
                managed.first_ready.set()
            return None

    def _signal(self, managed: Managed, number: signal.Signals) -> None:
        if managed.process is not None:
            with contextlib.suppress(ProcessLookupError):
                managed.process.send_signal(number)

    def _enter(self, managed: Managed, state: State, detail: str) -> None:
        managed.state = state
        managed.since = datetime.now(UTC)
        event = Event(managed.since, managed.spec.name, state, detail)
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)
        self._on_change()

    def _open_log(self, name: str) -> BinaryIO:
        path = self._logs / f"{name}.log"
        if path.exists() and path.stat().st_size > self._log_bytes:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")

    def _log_tail(self, name: str) -> str:
        lines = (self._logs / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])
