"""`python -m simulators`: every device of the district in one process. `python -m simulators devices`: their ids.

Settings: `MQTT_URL` (without a user: each device is its own), `DEVICE_SECRET`, `SIMULATORS_*`. Exit status 0 after a
signal, 2 when a setting is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import secrets
import signal
import sys

import structlog
import uvloop

from simulators.errors import SimulatorError
from simulators.fleet import Fleet
from simulators.settings import SimulatorSettings
from simulators.world import device_ids, load_district

DESCRIPTORS_A_DEVICE = 6


def _logger(log_format: str) -> structlog.stdlib.BoundLogger:
    is_console = log_format == "console"
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if is_console else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logger: structlog.stdlib.BoundLogger = structlog.get_logger().bind(service="simulators")
    return logger


def _allow_sockets(devices: int) -> None:
    """Each device has a socket and paho's pair; the usual soft limit of 1,024 is too near."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = devices * DESCRIPTORS_A_DEVICE + 256
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


async def _run(settings: SimulatorSettings, log: structlog.stdlib.BoundLogger) -> None:
    district = load_district()
    _allow_sockets(sum(1 for _ in district.device_ids()))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    fleet = asyncio.create_task(Fleet(district, settings, f"boot-{secrets.token_hex(6)}", log).run(), name="fleet")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait((fleet, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not fleet.done():
        fleet.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await fleet
        log.info("devices stopped", action="stop")
        return
    await fleet


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["run", "devices"], default="run")
    try:
        if parser.parse_args().command == "devices":
            print("\n".join(device_ids()))
            return 0
        settings = SimulatorSettings.load()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings, _logger(settings.log_format)))
    except SimulatorError as error:
        print(f"simulators: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
