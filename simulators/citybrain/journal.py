"""The file of books: one line an event, on disk before its 2xx; after a crash the books are what was answered.

What the platform has been told is a line as well; what a crash has kept from being one is told again, and counts once.

1. Events that wait are written together and synced once; only then are their senders answered.
2. A line that a crash has cut short was never answered: it is taken off at the next start.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from simulators.citybrain.books import Books, Owed, What
from simulators.citybrain.errors import BooksDamaged
from simulators.citybrain.event import Event, Kind

BATCH_MAX: Final = 1_000
OWED_MAX: Final = 10_000
"""So much of what an earlier run has left is told: one that told nothing for long does not begin with a flood."""


class Journal:
    """The open file; one writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: asyncio.Queue[tuple[bytes, asyncio.Future[None]]] = asyncio.Queue()
        self._file = path.open("ab", buffering=0)

    async def keep(self, event: Event) -> None:
        """Return when the event is on disk.

        Raises:
            OSError: it is not; whoever sent it is to send it again.
        """
        await self._keep(_line(asdict(event)))

    async def keep_settled(self, owed: Owed) -> None:
        """Return when it is on disk that the platform has been told.

        Raises:
            OSError: it is not; it will be told again.
        """
        await self._keep(_line({"settled": owed.what.value, "id": owed.id}))

    async def _keep(self, line: bytes) -> None:
        done = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((line, done))
        await done

    async def run(self) -> None:
        """Write what waits, until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < BATCH_MAX and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            lines = b"".join(line for line, _ in batch)
            try:
                await asyncio.to_thread(self._write, lines)
            except OSError as error:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
                continue
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    def close(self) -> None:
        """Close the file; what waits is not written."""
        self._file.close()

    def _write(self, lines: bytes) -> None:
        length = os.fstat(self._file.fileno()).st_size
        try:
            written = 0
            while written < len(lines):
                written += self._file.write(lines[written:]) or 0
            os.fsync(self._file.fileno())
        except OSError:
            os.ftruncate(self._file.fileno(), length)
            raise


def load_books(path: Path, *, returns: bool = False, takes: frozenset[str] = frozenset()) -> Books:
    """The books as they were when the last event was answered.

    Args:
        returns, takes: See `Books`.

    Raises:
        BooksDamaged: a line before the last one is not what `Journal` writes.
    """
    books = Books(returns=returns, takes=takes)
    if not path.is_file():
        return books
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            found = json.loads(line)
            if "settled" in found:
                books.settle(Owed(What(found["settled"]), found["id"]))
            else:
                books.take(Event(**{**found, "kind": Kind(found["kind"])}))
        except (ValueError, TypeError, KeyError) as error:
            raise BooksDamaged(f"{path}, line {number}: {error}; move the file away to begin anew") from error
    books.repeated = books.old = 0
    books.forget_owed(OWED_MAX)
    return books


def _line(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
