"""The supervisor: starts processes, sees that they are ready and stay so, starts those that die again, stops them all.

A process that was ready once is kept for ever: whatever goes wrong at a start (a full disk, no memory for a process)
is said, and tried again after a pause.

Every process is started from the thread that runs the event loop, and gets a signal from the kernel when that thread
dies; so the loop must run in a thread that lives as long as the processes shall, normally the main one.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from deploy.local.errors import NotServing, NotYet, ServerNotReady, UnknownProcess
from deploy.local.health import troubles_of
from deploy.local.log_files import LogKeeper, LogPipe
from deploy.local.process_spec import Kind, ProcessSpec
from deploy.local.processes import Identity, command_line, identify, kill_group
from deploy.local.restart import Decision, Exit, History, RestartPolicy, decide, describe, start_patience
from deploy.local.watch import WATCH_POLICIES, Condition, Step, Watch, WatchPolicy

PROBE_PAUSE_SECONDS = 0.1
LOG_TAIL_LINES = 12
LOG_SECONDS = 2.0
"""How long the last words of a process that failed may take into its log."""
NOT_STARTED = 1
"""Stands for the exit status of a process that could not even be started."""
EVENTS_KEPT = 1000
JOURNAL = "supervisor"
"""Name of the log in which every event stands."""
FIRST_START_ATTEMPTS = {Kind.SERVER: 1, Kind.SERVICE: 3}
"""A process that was ready once is started again for ever; one that never was is given up after so many attempts."""


class State(StrEnum):
    """Where a process is in its life."""

    STARTING = "starting"
    READY = "ready"
    TROUBLED = "troubled"
    """It runs, and has not been well for long."""
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
    slow_starts: int = 0
    """Starts in a row that took too long."""
    last_exit: str | None = None
    trouble: str | None = None
    """What has been wrong with it for long, while it runs."""
    identity: Identity | None = None
    process: asyncio.subprocess.Process | None = None
    pipe: LogPipe | None = None
    stop_wanted: bool = False
    task: asyncio.Task[None] | None = None
    first_ready: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Runs processes.

    Args:
        on_change: Called after every change of state, so that it can be recorded; it never raises.
    """

    def __init__(
        self,
        logs: LogKeeper,
        *,
        on_change: Callable[[], None],
        start_timeout: timedelta,
        stop_timeout: timedelta,
        policy: RestartPolicy | None = None,
        watching: Mapping[Kind, WatchPolicy] = WATCH_POLICIES,
    ) -> None:
        self._logs = logs
        self._on_change = on_change
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._journal = logs.journal(JOURNAL)
        self._policy = policy or RestartPolicy()
        self._watching = watching
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
            raise ServerNotReady(
                f"{spec.name}: {managed.last_exit}. The end of its log:\n{await self._log_tail(managed)}"
            )

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
            try:
                status = await self._run_once(managed)
            except Exception as error:  # noqa: BLE001 - whatever it was, the process is ours to keep
                status = NOT_STARTED
                managed.last_exit = f"could not be started or asked ({type(error).__name__}: {error})"
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
        pipe = managed.pipe = self._logs.open(spec.name)
        try:
            process = managed.process = await asyncio.create_subprocess_exec(
                *command_line(spec.argv, spec.user, spec.parent_death_signal),
                cwd=spec.directory,
                env=dict(spec.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=pipe.writer,
                stderr=pipe.writer,
                start_new_session=True,
            )
        finally:
            os.close(pipe.writer)
        looking = asyncio.create_task(self._look_after(managed), name=f"look after {spec.name}")
        try:
            managed.identity = identify(process.pid)
            self._enter(managed, State.STARTING, f"started as process {process.pid}")
            status = await process.wait()
        finally:
            looking.cancel()
            (why_ended,) = await asyncio.gather(looking, return_exceptions=True)
            kill_group(process.pid)
            managed.process = managed.identity = managed.trouble = None
        if isinstance(why_ended, Exception):
            raise why_ended
        managed.last_exit = why_ended if isinstance(why_ended, str) else describe(status)
        return status

    async def _look_after(self, managed: Managed) -> str:
        """Ask the process until it is ready and then whether it is well; end it when it must be, and return why."""
        try:
            why = await self._until_ready(managed) or await self._until_silent(managed)
        except Exception:
            # A fault of the probe, not of the process: it must not look as if it were still starting.
            self._signal(managed, signal.SIGKILL)
            raise
        self._signal(managed, signal.SIGKILL)
        return why

    async def _until_ready(self, managed: Managed) -> str | None:
        """Ask the process until it is ready; return why it is to be ended when it is not in time."""
        patience = start_patience(self._start_timeout, managed.slow_starts)
        deadline = time.monotonic() + patience.total_seconds()
        while True:
            try:
                await managed.spec.ready()
            except NotYet as error:
                if time.monotonic() < deadline:
                    await asyncio.sleep(PROBE_PAUSE_SECONDS)
                    continue
                managed.slow_starts += 1
                return f"not ready after {patience.total_seconds():.0f} s ({error.detail})"
            managed.slow_starts = 0
            if managed.state is State.STARTING:
                self._enter(managed, State.READY, "ready")
                managed.first_ready.set()
            return None

    async def _until_silent(self, managed: Managed) -> str:
        """Ask the process again and again whether it is well; return when it has been silent for too long."""
        policy = self._watching[managed.spec.kind]
        watch = Watch(policy)
        while True:
            await asyncio.sleep(policy.look_every.total_seconds())
            condition, parts, why = await _condition(managed.spec)
            step, seconds = watch.look(condition, parts, time.monotonic())
            if step is Step.END:
                return f"it did not answer for {seconds:.0f} s ({why})"
            if managed.state not in {State.READY, State.TROUBLED}:
                continue
            if step is Step.TELL:
                managed.trouble = f"{condition} for {seconds:.0f} s: {why}"
                self._enter(managed, State.TROUBLED, managed.trouble)
            elif step is Step.TELL_WELL:
                managed.trouble = None
                self._enter(managed, State.READY, f"well again after {seconds:.0f} s")

    def _signal(self, managed: Managed, number: signal.Signals) -> None:
        if managed.process is not None:
            with contextlib.suppress(ProcessLookupError):
                managed.process.send_signal(number)

    def _enter(self, managed: Managed, state: State, detail: str) -> None:
        managed.state = state
        managed.since = datetime.now(UTC)
        self.announce(Event(managed.since, managed.spec.name, state, detail))

    def announce(self, event: Event) -> None:
        """Say something to all who listen, and write it down."""
        line = f"{event.at.isoformat(timespec='milliseconds')} {event.name}: {event.state} ({event.detail})"
        self._journal.write(" ".join(line.split()).encode() + b"\n")
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)
        self._on_change()

    async def _log_tail(self, managed: Managed) -> str:
        if managed.pipe is not None:
            await asyncio.to_thread(managed.pipe.ended.wait, LOG_SECONDS)
        try:
            lines = self._logs.path(managed.spec.name).read_text(errors="replace").splitlines()
        except OSError as error:
            return f"(it cannot be read: {error})"
        return "\n".join(lines[-LOG_TAIL_LINES:])


async def _condition(spec: ProcessSpec) -> tuple[Condition, str, str]:
    """Ask a process once: how it is, which parts are in trouble, and its words."""
    try:
        await (spec.well or spec.ready)()
    except NotServing as error:
        parts = troubles_of(error.detail)
        words = "; ".join(f"{part}: {what}" for part, what in parts.items()) or error.detail
        return Condition.NOT_WELL, ", ".join(sorted(parts)), words
    except NotYet as error:
        return Condition.SILENT, "", error.detail
    return Condition.WELL, "", ""
