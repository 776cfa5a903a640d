"""How a service lives: named tasks, a dead side task stops the service, shutdown by signal within a deadline."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final

import structlog
import uvloop

from services.runtime.errors import PlatformError, TaskEndedError
from services.runtime.health import Health, serve_health
from services.runtime.log_limit import LimitFilter
from services.runtime.logs import configure_logging
from services.runtime.settings import ServiceSettings

EXIT_FAILED: Final = 1
EXIT_SETTINGS: Final = 2
END_SECONDS: Final = 9.0
"""From the wish to end to the end: whoever asked kills after ten."""
HELD_SECONDS: Final = 60.0
"""After so long it is said that records were held back, though no other of their kind came."""

Main = Callable[["Lifetime"], Awaitable[None]]


class Lifetime:
    """What a service's main function gets: when to stop, where to report health, a logger."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        self.log = log
        self.health = Health()
        self._stop = asyncio.Event()
        self._deadline: threading.Timer | None = None

    @property
    def stopping(self) -> bool:
        """True once a signal asked the service to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the service to stop; whatever hangs then, the process ends within the deadline."""
        self.must_end("it was asked to stop")
        self._stop.set()

    def must_end(self, why: str) -> None:
        """From now on the process has `END_SECONDS`: cleaning up may hang as well."""
        if self._deadline is None:
            self._deadline = threading.Timer(END_SECONDS, _end, [f"the service did not end in time after {why}"])
            self._deadline.daemon = True
            self._deadline.start()

    async def wait_stopped(self) -> None:
        """Return when the service is asked to stop."""
        await self._stop.wait()

    async def pause(self, seconds: float) -> bool:
        """Sleep, but not beyond the stop; true when the service is to stop."""
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return False
        return True


async def run_until_stopped(
    lifetime: Lifetime,
    tasks: Mapping[str, Coroutine[Any, Any, None]],
    *,
    quiet: AbstractAsyncContextManager[None] | None = None,
) -> None:
    """Run endless tasks side by side, by name, until the service is to stop; then cancel them.

    Args:
        quiet: Entered before they are cancelled at an ordinary stop, so that none is in the middle of something.

    Raises:
        TaskEndedError: one has ended though nobody asked it to.
        Exception: what one of them raised.
    """
    running = [asyncio.create_task(task, name=name) for name, task in tasks.items()]
    stop = asyncio.create_task(lifetime.wait_stopped(), name="stop")
    ended: set[asyncio.Task[None]] = set()
    try:
        ended, _ = await asyncio.wait([*running, stop], return_when=asyncio.FIRST_COMPLETED)
        if ended == {stop}:
            async with quiet or nullcontext():
                await _cancel(running)
    finally:
        lifetime.must_end("a task had ended")
        await _cancel([*running, stop])
    for task in ended - {stop}:
        task.result()
        raise TaskEndedError(f"the task {task.get_name()!r} has ended by itself; this is a fault of the program")


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(settings: ServiceSettings, lifetime: Lifetime, held: LimitFilter, main: Main) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lifetime.stop)
    saying = asyncio.create_task(_say_what_is_held_back(held), name="say what is held back")
    try:
        async with serve_health(settings, lifetime.health):
            await main(lifetime)
    finally:
        await _cancel([saying])


async def _say_what_is_held_back(held: LimitFilter) -> None:
    while True:
        await asyncio.sleep(HELD_SECONDS / 2)
        held.say_overdue(seconds=HELD_SECONDS)


def _end(why: str) -> None:
    """End the process from a thread: the event loop does not answer."""
    os.write(sys.stderr.fileno(), f"{why}; the process ends at once\n".encode())
    os._exit(EXIT_FAILED)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group, of groups in groups, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def spare_the_collector() -> None:
    """Look for cycles rarely: a batch makes thousands of objects, none in a cycle.

    With Python's own thresholds the search was a third of the sink's CPU under load.
    """
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def run_service(name: str, main: Main) -> None:
    """Run `main` until it returns or a signal stops it; exit code 0, 1 (failed) or 2 (settings).

    `main` returns when `lifetime.wait_stopped()` does and everything is drained. A `PlatformError` is logged as a
    sentence, anything else with its traceback; both end the process so that the supervisor starts it again.
    """
    try:
        settings = ServiceSettings.load()
        log, held = configure_logging(name, settings.log_format)
    except PlatformError as error:
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(EXIT_SETTINGS)

    async def run() -> None:
        spare_the_collector()
        await _serve(settings, Lifetime(log), held, main)

    try:
        log.info("service starts", action="start")
        uvloop.run(run())
        held.say_overdue(seconds=0)
        log.info("service stopped", action="stop")
    except Exception as error:  # noqa: BLE001 - the last place where it can be said
        held.say_overdue(seconds=0)
        _tell(log, error)
        sys.exit(EXIT_FAILED)


def _tell(log: structlog.stdlib.BoundLogger, error: Exception) -> None:
    for each in leaves(error):
        if isinstance(each, PlatformError):
            log.error(str(each), action="fail", error=type(each).__name__)
        else:
            log.error("service failed", action="fail", exc_info=each)
