"""How a service lives: named tasks, a dead side task stops the service, shutdown by signal within a deadline."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
import uvloop

from services.runtime.errors import PlatformError
from services.runtime.health import Health, serve_health
from services.runtime.logs import configure_logging
from services.runtime.settings import ServiceSettings

EXIT_FAILED: Final = 1
EXIT_SETTINGS: Final = 2

Main = Callable[["Lifetime"], Awaitable[None]]


class Lifetime:
    """What a service's main function gets: when to stop, where to report health, a logger."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        self.log = log
        self.health = Health()
        self._stop = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """True once a signal asked the service to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the service to stop."""
        self._stop.set()

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


async def _serve(settings: ServiceSettings, lifetime: Lifetime, main: Main) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lifetime.stop)
    async with serve_health(settings, lifetime.health):
        await main(lifetime)


def _spare_the_collector() -> None:
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
        log = configure_logging(name, settings.log_format)
    except PlatformError as error:
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(EXIT_SETTINGS)

    async def run() -> None:
        _spare_the_collector()
        await _serve(settings, Lifetime(log), main)

    try:
        log.info("service starts", action="start")
        uvloop.run(run())
        log.info("service stopped", action="stop")
    except* PlatformError as group:
        for failure in group.exceptions:
            log.error(str(failure), action="fail", error=type(failure).__name__)  # noqa: TRY400 - a sentence, no traceback
        sys.exit(EXIT_FAILED)
    except* Exception:
        log.exception("service failed", action="fail")
        sys.exit(EXIT_FAILED)
