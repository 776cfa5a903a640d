"""A client of HTTP/1.1 on bare sockets: requests, and streams of events that can be dropped at any moment."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from services.alert_life.renderings.sse import Frame, Reader

SECONDS = 20.0


@dataclass
class Reply:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Asks one server on loopback."""

    port: int
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def with_key(self, key: str) -> Client:
        return replace(self, headers={**self.headers, "Authorization": f"Bearer {key}"})

    def with_headers(self, **more: str) -> Client:
        return replace(self, headers={**self.headers, **_named(more)})

    async def ask(self, path: str, *, method: str = "GET", body: Any = None, **more: str) -> Reply:
        """Ask once, on a connection of its own."""
        async with asyncio.timeout(SECONDS):
            reader, writer = await self._send(path, method, body, {"Connection": "close"} | _named(more))
            try:
                reply = await _head(reader)
                reply.body = b"".join([part async for part in _body(reader, reply)])
                return reply
            finally:
                writer.close()

    async def head_of(self, path: str, *, method: str = "GET", body: Any = None) -> Reply:
        """Ask, and drop the connection once the status and headers are known."""
        async with asyncio.timeout(SECONDS):
            reader, writer = await self._send(path, method, body, {})
            try:
                return await _head(reader)
            finally:
                writer.transport.abort()

    async def post(self, path: str, body: Any, **more: str) -> Reply:
        return await self.ask(path, method="POST", body=body, **more)

    @asynccontextmanager
    async def listen(self, path: str, last_id: str | None = None) -> AsyncIterator[Ear]:
        """Open a stream; leaving drops the connection."""
        more = {} if last_id is None else {"Last-Event-ID": last_id}
        async with asyncio.timeout(SECONDS):
            reader, writer = await self._send(path, "GET", None, more)
            reply = await _head(reader)
        try:
            assert reply.status == 200, b"".join([part async for part in _body(reader, reply)])
            yield Ear(_body(reader, reply), Reader(last_id or ""))
        finally:
            writer.transport.abort()

    async def _send(
        self, path: str, method: str, body: Any, more: Mapping[str, str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(content)), **self.headers, **more}
        if body is not None:
            headers["Content-Type"] = "application/json"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(head.encode() + b"\r\n" + content)
        await writer.drain()
        return reader, writer


@dataclass
class Ear:
    """Hears a stream, event by event."""

    parts: AsyncIterator[bytes]
    reader: Reader
    waiting: list[Frame] = field(default_factory=list)

    async def next(self, *names: str, seconds: float = SECONDS) -> Frame:
        """The next event of one of these names; of any when none is given."""
        async with asyncio.timeout(seconds):
            while True:
                while self.waiting:
                    frame = self.waiting.pop(0)
                    if not names or frame.event in names:
                        return frame
                self.waiting += self.reader.feed(await anext(self.parts))

    async def until(self, name: str, wanted: Any, seconds: float = SECONDS) -> dict[str, Any]:
        """The data of the first event of a name that is wanted."""
        async with asyncio.timeout(seconds):
            while True:
                data: dict[str, Any] = json.loads((await self.next(name, seconds=seconds)).data)
                if wanted(data):
                    return data


def _named(more: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in more.items()}


async def _head(reader: asyncio.StreamReader) -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return Reply(int(head[0].split()[1]), headers)


async def _body(reader: asyncio.StreamReader, reply: Reply) -> AsyncIterator[bytes]:
    if reply.headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
    elif length := int(reply.headers.get("content-length", "0")):
        yield await reader.readexactly(length)
