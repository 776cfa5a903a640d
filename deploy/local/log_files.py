"""Logs of the processes: what they say comes through pipes into files of bounded size, rotated while they run.

One thread of its own reads all pipes, so that a process never waits for the supervisor's other work. What a full disk
does not take is counted and said as soon as there is room; no process ever fails or waits because of its log.
"""

import contextlib
import os
import selectors
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

READ_BYTES = 64 * 1024
LAST_READS = 100
"""Rounds of reading at the end, should somebody go on writing."""
LINE_BYTES_AT_MOST = 64 * 1024
"""Half a line that is longer is written as it is."""


class RotatingLog:
    """One log: `name.log`, and `name.log.1` (newest) to `name.log.<files>` before it.

    Args:
        max_bytes: Bound of each file.
        files: How many old files are kept, at least one.
    """

    def __init__(self, path: Path, *, max_bytes: int, files: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._files = files
        self._descriptor: int | None = None
        self._size = 0
        self._lost_bytes = 0
        self._lost_why = ""
        self._is_torn = False

    def write(self, data: bytes) -> None:
        """Append whole lines; never fails, what cannot be written is counted and said later."""
        if not data:
            return
        try:
            self._append(self._notice() + data)
        except OSError as error:
            # What was written before the disk was full is counted as well: the line that it ends in is torn.
            self._lost_bytes += len(data)
            self._lost_why = error.strerror or str(error)
        else:
            self._lost_bytes, self._is_torn = 0, False

    def close(self) -> None:
        """Close the file; a later `write` opens it again."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def _notice(self) -> bytes:
        if not self._lost_bytes:
            return b""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        break_line = "\n" if self._is_torn else ""
        return (
            f"{break_line}{now} supervisor: {self._lost_bytes} bytes of this log are lost: {self._lost_why}\n".encode()
        )

    def _append(self, data: bytes) -> None:
        descriptor, at = self._open(), 0
        while at < len(data):
            end = self._end_of_what_fits(data, at)
            if end == at:
                descriptor = self._rotate(descriptor)
                continue
            written = os.write(descriptor, data[at:end])
            self._size += written
            at += written
            self._is_torn = True

    def _end_of_what_fits(self, data: bytes, at: int) -> int:
        """Where the last line ends that still fits into this file; a line longer than a file is cut."""
        room = max(0, self._max_bytes - self._size)
        if len(data) - at <= room:
            return len(data)
        end = data.rfind(b"\n", at, at + room) + 1
        if end > at:
            return end
        return at if self._size else at + room

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o644)
            self._size = os.fstat(self._descriptor).st_size
        return self._descriptor

    def _rotate(self, descriptor: int) -> int:
        """Set the file aside; where that cannot be done, begin it anew: the bound holds in any case."""
        try:
            for number in range(self._files, 0, -1):
                older = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
                with contextlib.suppress(FileNotFoundError):
                    older.replace(self._path.with_name(f"{self._path.name}.{number}"))
        except OSError:
            os.ftruncate(descriptor, 0)
            self._size = 0
            return descriptor
        self.close()
        return self._open()


@dataclass(slots=True)
class LogPipe:
    """What one run of a process says."""

    writer: int
    """Descriptor for the process; closed here once it has it."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when everything is in the file: the process and all that inherited the pipe have closed it."""


@dataclass(slots=True)
class _Source:
    log: RotatingLog
    pipe: LogPipe
    pending: bytes = b""


class LogKeeper:
    """Reads pipes and writes logs, in a thread of its own while its context lasts."""

    def __init__(self, folder: Path, *, max_bytes: int, files: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._files = files
        self._logs: dict[str, RotatingLog] = {}
        self._waiting: list[tuple[int, _Source]] = []
        self._lock = threading.Lock()
        self._over = False
        self._selector: selectors.BaseSelector
        self._thread: threading.Thread

    def __enter__(self) -> Self:
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is there to read, and end; who still holds a pipe writes into nothing from now on."""
        self._over = True
        self._wake()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                self._drop(key.fd, key.data)
        self._selector.close()
        for descriptor in (self._wake_reader, self._wake_writer):
            os.close(descriptor)
        for log in self._logs.values():
            log.close()

    def path(self, name: str) -> Path:
        """Return where the newest lines of a process are."""
        return self._folder / f"{name}.log"

    def journal(self, name: str) -> RotatingLog:
        """Return the log of this name; whoever writes it directly is its only writer."""
        return self._logs.setdefault(name, RotatingLog(self.path(name), max_bytes=self._max_bytes, files=self._files))

    def open(self, name: str) -> LogPipe:
        """Make a pipe for one run of a process; whoever starts it closes `writer` on our side afterwards."""
        with contextlib.suppress(OSError):
            self.path(name).touch(0o644)
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reader, False)
        with self._lock:
            pipe = LogPipe(writer)
            self._waiting.append((reader, _Source(self.journal(name), pipe)))
        self._wake()
        return pipe

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_writer, b"!")

    def _run(self) -> None:
        last_reads = LAST_READS
        while last_reads:
            over = self._over
            last_reads -= over
            with self._lock:
                for descriptor, source in self._waiting:
                    self._selector.register(descriptor, selectors.EVENT_READ, source)
                self._waiting.clear()
            ready = self._selector.select(0 if over else None)
            for key, _ in ready:
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake_reader, READ_BYTES)
                else:
                    self._read(key.fd, key.data)
            if over and not [key for key, _ in ready if key.data is not None]:
                return

    def _read(self, descriptor: int, source: _Source) -> None:
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(descriptor)
            self._drop(descriptor, source, registered=False)
            return
        whole, newline, source.pending = (source.pending + data).rpartition(b"\n")
        source.log.write(whole + newline)
        if len(source.pending) > LINE_BYTES_AT_MOST:
            source.log.write(source.pending)
            source.pending = b""

    def _drop(self, descriptor: int, source: _Source, *, registered: bool = True) -> None:
        if registered:
            self._selector.unregister(descriptor)
        if source.pending:
            source.log.write(source.pending + b"\n")
        os.close(descriptor)
        source.pipe.ended.set()
