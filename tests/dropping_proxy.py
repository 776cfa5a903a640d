"""Between devices and the MQTT broker: swallows chosen messages as a faulty box would, and says that they arrived."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager, suppress
from typing import Final

_PUBLISH: Final = 3
_PUBACK: Final = 0x40


class DroppingProxy:
    """MQTT 5 over TCP on loopback: every packet goes on, but for readings with chosen numbers.

    Args:
        host: Of the broker.
        port: Of the broker.
        drop: Numbers (`seq`) of readings that never reach it; their device gets its PUBACK all the same.
    """

    def __init__(self, host: str, port: int, drop: Container[int]) -> None:
        self._broker = host, port
        self._drop = drop
        self.port = 0
        self.dropped: list[int] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[DroppingProxy]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()

    async def _serve(self, device: asyncio.StreamReader, to_device: asyncio.StreamWriter) -> None:
        broker, to_broker = await asyncio.open_connection(*self._broker)
        back = asyncio.create_task(_pass_on(broker, to_device))
        self._tasks.add(back)
        back.add_done_callback(self._tasks.discard)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head, body = await _packet(device)
                identifier = self._dropped(head[0], body)
                if identifier is None:
                    to_broker.write(head + body)
                else:
                    to_device.write(bytes((_PUBACK, 2)) + identifier)
        to_broker.close()
        to_device.close()

    def _dropped(self, first: int, body: bytes) -> bytes | None:
        """The packet identifier of a message that is swallowed."""
        if first >> 4 != _PUBLISH or not first & 0x06:
            return None
        after = 2 + int.from_bytes(body[:2])
        properties, start = _length(body, after + 2)
        payload = json.loads(body[start + properties :])
        if payload.get("seq") not in self._drop:
            return None
        self.dropped.append(payload["seq"])
        return body[after : after + 2]


async def _pass_on(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            to.write(data)
            await to.drain()
    to.close()


async def _packet(source: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Fixed header and the rest of one packet."""
    head = await source.readexactly(1)
    while True:
        head += await source.readexactly(1)
        if head[-1] < 0x80:
            break
    return head, await source.readexactly(_length(head, 1)[0])


def _length(data: bytes, start: int) -> tuple[int, int]:
    """A variable byte integer, and where the next field begins."""
    value = shift = 0
    while True:
        byte = data[start]
        start += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, start
