"""The supervisor with real, small processes: nothing that was ready once is given up, nothing ends without a word."""

import asyncio
import errno
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.errors import NotServing, NotYet, ServerNotReady
from deploy.local.log_files import LogKeeper
from deploy.local.process_spec import Kind, ProcessSpec
from deploy.local.restart import RestartPolicy, start_patience
from deploy.local.supervisor import Event, State, Supervisor
from deploy.local.watch import WatchPolicy

SECONDS = 20.0
QUICK = RestartPolicy(first_delay=timedelta(milliseconds=20), longest_delay=timedelta(milliseconds=50))
WATCH = WatchPolicy(
    look_every=timedelta(milliseconds=20),
    not_well_after=timedelta(milliseconds=60),
    silent_at_most=timedelta(milliseconds=60),
)
SLEEPER = (sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)")


@dataclass
class Told:
    supervisor: Supervisor
    events: list[Event] = field(default_factory=list)

    async def until(self, condition: Callable[[list[Event]], Any]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition(self.events):
            assert time.monotonic() < deadline, self.events
            await asyncio.sleep(0.01)


@asynccontextmanager
async def supervising(folder: Path, *, start_timeout: float = SECONDS) -> AsyncIterator[Told]:
    with LogKeeper(folder, max_bytes=100_000, files=1) as logs:
        supervisor = Supervisor(
            logs,
            on_change=lambda: None,
            start_timeout=timedelta(seconds=start_timeout),
            stop_timeout=timedelta(seconds=5),
            policy=QUICK,
            watching=dict.fromkeys(Kind, WATCH),
        )
        told = Told(supervisor)

        async def listen() -> None:
            async for event in supervisor.events():
                told.events.append(event)

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        try:
            yield told
        finally:
            await supervisor.stop_all()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


def spec(folder: Path, **options: Any) -> ProcessSpec:
    usual = {"name": "it", "kind": Kind.SERVER, "argv": SLEEPER, "environment": {"PATH": os.environ["PATH"]}}
    return ProcessSpec(**usual | {"directory": folder} | options)


def states(events: list[Event]) -> list[State]:
    return [event.state for event in events]


async def test_a_process_that_cannot_be_started_for_a_while_is_tried_until_it_can(tmp_path: Path) -> None:
    trouble: list[OSError] = []

    def before_start() -> None:
        if trouble:
            raise trouble.pop()

    async with supervising(tmp_path) as told:
        await told.supervisor.start(spec(tmp_path, before_start=before_start))
        trouble += [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) for _ in range(5)]
        told.supervisor.kill("it")
        await told.until(lambda events: states(events)[-1] is State.READY and len(events) > 3)
        assert not trouble
        waits = [event.detail for event in told.events if event.state is State.WAITING]
        assert len(waits) == 6
        assert all("No space left on device" in words for words in waits[1:])
        assert told.supervisor["it"].restarts == 6


async def test_a_working_folder_that_is_away_for_a_while_loses_no_process(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    async with supervising(tmp_path) as told:
        await told.supervisor.start(spec(work))
        work.rmdir()
        told.supervisor.kill("it")
        await told.until(lambda events: states(events).count(State.WAITING) >= 3)
        work.mkdir()
        await told.until(lambda events: states(events)[-1] is State.READY)


async def test_a_process_that_cannot_be_started_at_first_says_why(tmp_path: Path) -> None:
    def before_start() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with supervising(tmp_path) as told:
        with pytest.raises(ServerNotReady, match="No space left on device"):
            await told.supervisor.start(spec(tmp_path, before_start=before_start))
        assert told.supervisor["it"].state is State.FAILED


async def test_every_event_stands_in_a_log_of_the_supervisor_s_own(tmp_path: Path) -> None:
    async with supervising(tmp_path) as told:
        await told.supervisor.start(spec(tmp_path))
        assert (tmp_path / "it.log").exists(), "a log is there as soon as its process is"
    lines = (tmp_path / "supervisor.log").read_text().splitlines()
    assert [line.split(" ")[2] for line in lines] == ["starting", "ready", "stopping", "stopped"]


async def test_who_is_silent_is_ended_and_started_again(tmp_path: Path) -> None:
    silent = [True]

    async def well() -> None:
        if silent:
            raise NotYet("nobody answers")

    async with supervising(tmp_path) as told:
        await told.supervisor.start(spec(tmp_path, well=well))
        await told.until(lambda events: State.WAITING in states(events))
        silent.clear()
        (ended,) = [event for event in told.events if event.state is State.WAITING]
        assert "did not answer for" in ended.detail
        assert "nobody answers" in ended.detail
        await told.until(lambda events: states(events)[-1] is State.READY)


async def test_a_process_that_is_stopped_by_a_signal_hangs_and_is_started_again(tmp_path: Path) -> None:
    """SIGSTOP leaves the port open and the process alive: only asking shows it."""
    server = (
        "import http.server as h; s = h.HTTPServer(('127.0.0.1', 0), h.SimpleHTTPRequestHandler); "
        "open('port', 'w').write(str(s.server_port)); s.serve_forever()"
    )
    (tmp_path / "work").mkdir()

    async def ready() -> None:
        try:
            port = int((tmp_path / "work" / "port").read_text())
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            try:
                await asyncio.wait_for(reader.readexactly(1), 1.0)
            finally:
                writer.close()
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            raise NotYet(repr(error)) from error

    async with supervising(tmp_path) as told:
        argv = (sys.executable, "-c", server)
        await told.supervisor.start(spec(tmp_path / "work", argv=argv, ready=ready))
        told.supervisor.kill("it", signal.SIGSTOP)
        await told.until(lambda events: State.WAITING in states(events))
        await told.until(lambda events: states(events)[-1] is State.READY)


async def test_who_says_for_long_that_it_is_not_well_is_reported_and_left_alone(tmp_path: Path) -> None:
    trouble = ['/healthz on port 1: {"state": "degraded", "trouble": {"writing": "the disk is full"}}']

    async def well() -> None:
        if trouble:
            raise NotServing(trouble[0])

    async with supervising(tmp_path) as told:
        await told.supervisor.start(spec(tmp_path, well=well))
        await told.until(lambda events: State.TROUBLED in states(events))
        assert "writing: the disk is full" in told.events[-1].detail
        assert told.supervisor["it"].trouble == told.events[-1].detail
        before = told.supervisor["it"].identity
        await asyncio.sleep(0.3)
        assert states(told.events) == [State.STARTING, State.READY, State.TROUBLED], "told once, and not ended"
        trouble.clear()
        await told.until(lambda events: states(events)[-1] is State.READY)
        assert "well again" in told.events[-1].detail
        assert told.supervisor["it"].trouble is None
        assert told.supervisor["it"].identity == before


async def test_a_start_that_is_slow_gets_more_time_at_the_next_try(tmp_path: Path) -> None:
    """As a database that repairs itself after a full disk: ended at the same moment each time, it is never through."""
    slow = [False]
    starts: list[float] = []

    async def ready() -> None:
        if slow[0] and time.monotonic() - starts[-1] < 0.9:
            raise NotServing("recovering")

    async with supervising(tmp_path, start_timeout=0.3) as told:
        await told.supervisor.start(spec(tmp_path, ready=ready, before_start=lambda: starts.append(time.monotonic())))
        slow[0] = True
        told.supervisor.kill("it")
        await told.until(lambda events: states(events)[-1] is State.READY and len(events) > 4)
        waits = [event.detail for event in told.events if event.state is State.WAITING]
        assert sum("not ready after" in words for words in waits) == 2


def test_patience_doubles_and_is_bounded() -> None:
    usual = timedelta(seconds=90)
    assert [start_patience(usual, times) / usual for times in (0, 1, 2, 4, 100)] == [1, 2, 4, 16, 16]
