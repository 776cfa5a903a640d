"""A processor in which a signal makes something go wrong: `python -m tests.integration.faulty_processor ev`.

SIGHUP: a task of the host raises. SIGUSR1: the consumer loses its fetcher. SIGUSR2: the event loop hangs.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from typing import Any

from aiokafka import AIOKafkaConsumer

from services.runtime.lifecycle import Lifetime, run_service
from services.runtime.settings import KafkaSettings
from services.stream_processors.composition import run_hosts
from services.stream_processors.kafka_host.ticking import Ticking
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings


def raise_in_a_task() -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("made to raise")

    Ticking._write = fail  # type: ignore[method-assign]


def lose_the_fetcher() -> None:
    for found in gc.get_objects():
        if isinstance(found, AIOKafkaConsumer) and found._group_id is not None:
            found._fetcher._fetch_task.cancel()


def hang() -> None:
    time.sleep(3_600)


async def main(lifetime: Lifetime) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, raise_in_a_task)
    loop.add_signal_handler(signal.SIGUSR1, lose_the_fetcher)
    loop.add_signal_handler(signal.SIGUSR2, hang)
    settings = ProcessorSettings.load()
    await run_hosts(lifetime, build_judges(sys.argv[1:], settings), KafkaSettings.load(), settings, live=True)


if __name__ == "__main__":
    run_service("stream_processors", main)
