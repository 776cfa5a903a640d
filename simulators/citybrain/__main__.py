"""`python -m simulators.citybrain`: the reference consumer. Exit status 0 after a signal, 2 when a setting is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from datetime import UTC, datetime

import structlog
import uvloop
from aiohttp import web

from simulators.citybrain.journal import Journal, load_books
from simulators.citybrain.returning import Platform, Returning
from simulators.citybrain.server import CityBrain
from simulators.citybrain.settings import CityBrainSettings
from simulators.errors import SimulatorError

SHUTDOWN_SECONDS = 5


def _log_to_stderr(log_format: str) -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer()
            if log_format == "console"
            else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def _run(settings: CityBrainSettings) -> None:
    log = structlog.get_logger().bind(service="citybrain")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    platform = Platform.of(settings.api_url, settings.api_key)
    books = load_books(settings.file, returns=platform is not None, takes=settings.severities())
    journal = Journal(settings.file)
    returning = Returning(books, journal)
    tasks = [asyncio.create_task(journal.run(), name="journal")]
    if platform is not None:
        tasks.append(asyncio.create_task(returning.run(platform), name="return"))
    brain = CityBrain(books, journal, settings.keys(), lambda: datetime.now(UTC), taken=returning.wake)
    runner = web.AppRunner(brain.application(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    try:
        await runner.setup()
        await web.TCPSite(runner, settings.host, settings.port).start()
        host, port, *_ = runner.addresses[0]
        log.info("receiving", action="ready", url=f"http://{host}:{port}/events", known=len(books.seen))
        await stop.wait()
    finally:
        await runner.cleanup()
        for task in reversed(tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        journal.close()


def main() -> int:
    """Entry point."""
    try:
        settings = CityBrainSettings.load()
        _log_to_stderr(settings.log_format)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings))
    except SimulatorError as error:
        print(f"citybrain: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"citybrain: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
