"""Somebody else's HTTP server, with every habit that such servers have; plain asyncio, on loopback."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes
    at: float
    """By the monotonic clock."""

    @property
    def event_id(self) -> str:
        """`webhook-id`."""
        return self.headers["webhook-id"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    """Before it."""
    cut_after: int | None = None
    """The connection is closed after so many bytes of the answer."""
    drips: bool = False
    """One byte of the body a tenth of a second."""


Habit = Callable[[Request, int], Reply]
"""The reply to a request and to how many came to this path before it."""


class Receiver:
    """Every path has its habit; a path without one takes everything."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.habits: dict[str, Habit] = {}
        self.port = 0
        self._moved = asyncio.Condition()
        self._counts: dict[str, int] = {}
        self._busy: set[asyncio.Task[None]] = set()

    def url(self, path: str, host: str = HOST, scheme: str = "http") -> str:
        """Address of a path."""
        return f"{scheme}://{host}:{self.port}{path}"

    def of(self, path: str) -> list[Request]:
        """Requests to a path, in their order."""
        return [each for each in self.requests if each.path == path]

    def ids(self, path: str) -> list[str]:
        """Event ids at a path, in their order, repeats included."""
        return [each.event_id for each in self.of(path)]

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait for what the requests bring about."""
        async with asyncio.timeout(seconds), self._moved:
            await self._moved.wait_for(condition)

    @asynccontextmanager
    async def listening(self, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        """Serve while the block runs."""
        server = await asyncio.start_server(self._serve, HOST, port, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in list(self._busy):
                task.cancel()
            await asyncio.gather(*self._busy, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._busy.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(head[0].split(" ")[1], headers, body, time.monotonic())
        count = self._counts.get(request.path, 0)
        self._counts[request.path] = count + 1
        async with self._moved:
            self.requests.append(request)
            self._moved.notify_all()
        reply = self.habits.get(request.path, lambda _request, _count: Reply())(request, count)
        await asyncio.sleep(reply.seconds)
        lines = [f"HTTP/1.1 {reply.status} -", *(f"{name}: {value}" for name, value in reply.headers.items())]
        if "Content-Length" not in reply.headers and reply.status != 204:
            lines.append(f"Content-Length: {len(reply.body)}")
        said = "\r\n".join([*lines, "", ""]).encode() + (b"" if reply.drips else reply.body)
        writer.write(said if reply.cut_after is None else said[: reply.cut_after])
        await writer.drain()
        for number in range(len(reply.body) if reply.drips else 0):
            await asyncio.sleep(0.1)
            writer.write(reply.body[number : number + 1])
            await writer.drain()
        return reply.cut_after is None


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver in a thread of its own."""
    receiver, loop = Receiver(), asyncio.new_event_loop()
    begun, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with receiver.listening(port):
            begun.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="receiver")
    thread.start()
    assert begun.wait(10)
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()
