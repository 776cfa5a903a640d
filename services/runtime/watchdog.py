"""Ends the process when its event loop or its judging hangs: a thread looks, since what hangs cannot.

Everything that must not hang says once in a while that it goes on. The supervisor starts the process again; its state
is in Kafka.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

HANG_SECONDS: Final = 25.0
_LOOK_SECONDS: Final = 1.0
_STOPPED_SECONDS: Final = 5.0
"""When the thread itself slept for so long the whole process was stopped, and nobody hangs."""
_LOOP: Final = "the event loop"
_EXIT_FAILED: Final = 1


def end_process(reason: str) -> None:
    """Say why on standard error, with the stack of each thread, and end at once: a hanging loop cannot clean up."""
    line = json.dumps({"event": reason, "action": "hang", "level": "error"}, ensure_ascii=False)
    os.write(sys.stderr.fileno(), f"{line}\n".encode())
    faulthandler.dump_traceback(all_threads=True)
    os._exit(_EXIT_FAILED)


class Watchdog:
    """Watches by name."""

    def __init__(self, *, seconds: float = HANG_SECONDS, end: Callable[[str], None] = end_process) -> None:
        self._seconds = seconds
        self._end = end
        self._heard: dict[str, float] = {}
        self._over = threading.Event()

    def beat(self, name: str) -> None:
        """`name` goes on; it is watched from its first word on."""
        self._heard[name] = time.monotonic()

    def forget(self, name: str) -> None:
        """`name` has ended."""
        self._heard.pop(name, None)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch while the block runs, the event loop included."""
        thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        beating = asyncio.create_task(self._beat_for_loop(), name="loop beat")
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    async def _beat_for_loop(self) -> None:
        while True:
            self.beat(_LOOP)
            await asyncio.sleep(_LOOK_SECONDS)

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._over.wait(_LOOK_SECONDS):
            now = time.monotonic()
            if now - looked > _STOPPED_SECONDS:
                for name in list(self._heard):
                    self.beat(name)
            looked = now
            hanging = [name for name, heard in list(self._heard.items()) if now - heard > self._seconds]
            if hanging:
                self._end(f"{' and '.join(hanging)} has not gone on for {self._seconds:.0f} s; the process ends")
                return
