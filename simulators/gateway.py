"""One QoS 1 connection of the operator's gateway: bounded in flight, connects again, sends again what was not taken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, cast

from simulators import wire
from simulators.endpoint import Endpoint
from simulators.errors import GatewayRefused, GatewayUnreachable, MalformedAnswer

KEEPALIVE_SECONDS: Final = 30
CONNECT_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 3.0
MAX_WINDOW: Final = 60_000
_PERMANENT: Final = frozenset((0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C))
"""CONNACK reasons that trying again does not change: who we are, or how we speak."""
_FILTERS_AT_ONCE: Final = 200
_HIGHEST_PUBLISH_ID: Final = 65_000
"""Packet ids above are left to subscriptions."""

OnMessage = Callable[[bytes, bytes], None]


@dataclass(slots=True)
class GatewayCounts:
    """What happened on the connection."""

    published: int = 0
    acknowledged: int = 0
    resent: int = 0
    """Packets sent once more after a reconnect."""
    connections: int = 0


class _Link(asyncio.Protocol):
    """One TCP connection: bytes in, answers out."""

    def __init__(self, on_answers: Callable[[wire.Answers], None]) -> None:
        self._on_answers = on_answers
        self._reader = wire.AnswerReader()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            answers = self._reader.feed(data)
        except MalformedAnswer:
            if self.transport is not None:
                self.transport.abort()
            return
        self._on_answers(answers)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        if not self.lost.done():
            self.lost.set_result(None)


class Gateway:
    """Publishes packets that the caller has encoded; see `simulators.wire`.

    Args:
        window: Packets published and not yet acknowledged, at most.
        filters: Topics to subscribe to at each connection.
        on_message: Called with topic and payload of what arrives there.
        on_connected: Called at each connection, before anything is sent again.
        on_acknowledged: Called with the ids of packets that the broker has taken, as `publish` gave them.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        client_id: str,
        *,
        window: int = 2_000,
        filters: Sequence[str] = (),
        on_message: OnMessage | None = None,
        on_connected: Callable[[], None] | None = None,
        on_acknowledged: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        self.counts = GatewayCounts()
        self._endpoint = endpoint
        self._client_id = client_id
        self._window = min(window, MAX_WINDOW)
        self._filters = filters
        self._on_message = on_message
        self._on_connected = on_connected
        self._on_acknowledged = on_acknowledged
        self._in_flight: dict[int, bytes] = {}
        self._unwritten: list[bytes] = []
        self._last_id = 0
        self._link: _Link | None = None
        self._ready = asyncio.Event()
        self._moved = asyncio.Event()
        self._failure: GatewayRefused | None = None
        self._unanswered_ping = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay_connected(), name="gateway")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def in_flight(self) -> int:
        """Packets published and not yet acknowledged."""
        return len(self._in_flight)

    @property
    def room(self) -> int:
        """Packets that may be published now."""
        return self._window - len(self._in_flight)

    def publish(self, head: bytes, body: bytes) -> int:
        """Publish a packet (see `wire.publish_head` and `wire.publish_body`); it leaves at the next `flush`.

        Returns its id, which is its own until it is acknowledged.
        """
        packet_id = self._last_id
        while True:
            packet_id = packet_id % _HIGHEST_PUBLISH_ID + 1
            if packet_id not in self._in_flight:
                break
        self._last_id = packet_id
        packet = head + packet_id.to_bytes(2, "big") + body
        self._in_flight[packet_id] = packet
        self._unwritten.append(packet)
        self.counts.published += 1
        return packet_id

    def flush(self) -> None:
        """Write what was published; while there is no connection it waits for the next one."""
        packets, self._unwritten = self._unwritten, []
        if packets and self._ready.is_set():
            self._write(b"".join(packets))

    def forget_in_flight(self) -> None:
        """Send nothing of it again by ourselves: the caller does."""
        self._in_flight.clear()
        self._unwritten.clear()

    async def wait_connected(self, seconds: float = 15.0) -> None:
        """Return once the broker has let us in.

        Raises:
            GatewayUnreachable: nobody answers in time.
            GatewayRefused: the broker does not let us in.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self._ready.is_set():
                    self.raise_failure()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._ready.wait(), 0.1)
        except TimeoutError:
            where = f"{self._endpoint.host}:{self._endpoint.port}"
            raise GatewayUnreachable(
                f"no MQTT broker answered at {where} within {seconds:g} s; is it running?"
            ) from None

    async def wait_room(self, packets: int = 1) -> None:
        """Return once so many packets may be published.

        Raises:
            GatewayRefused: the broker refused something.
        """
        while self.room < packets:
            await self._wait_move()

    async def drain(self) -> None:
        """Return once everything published is acknowledged.

        Raises:
            GatewayRefused: the broker refused something.
        """
        self.flush()
        while self._in_flight:
            await self._wait_move()
        self.raise_failure()

    async def _wait_move(self) -> None:
        self.raise_failure()
        self._moved.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), 0.5)

    def raise_failure(self) -> None:
        """Say what the broker refused.

        Raises:
            GatewayRefused: it refused something.
        """
        if self._failure is not None:
            raise self._failure

    async def _stay_connected(self) -> None:
        pause = 0.1
        while True:
            connections = self.counts.connections
            try:
                await self._connect_once()
            except (OSError, TimeoutError):
                pass  # The pause below is the answer; whoever waits for the connection has a limit of his own.
            finally:
                self._let_go()
            if self._failure is not None:
                return
            pause = 0.1 if self.counts.connections > connections else min(pause * 2, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _connect_once(self) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            _, link = await loop.create_connection(
                lambda: _Link(self._take), self._endpoint.host, self._endpoint.port, ssl=self._endpoint.tls_context()
            )
        self._link = link
        self._write(wire.connect(self._client_id, self._endpoint.username, self._endpoint.password, KEEPALIVE_SECONDS))
        self._unanswered_ping = False
        while not link.lost.done():
            await asyncio.wait((link.lost,), timeout=KEEPALIVE_SECONDS / 2)
            if link.lost.done() or self._unanswered_ping or not self._ready.is_set():
                return
            self._unanswered_ping = True
            self._write(wire.PINGREQ)

    def _let_go(self) -> None:
        link, self._link = self._link, None
        ready = self._ready.is_set()
        self._ready.clear()
        if link is not None and link.transport is not None:
            if ready and not link.lost.done() and not link.transport.is_closing():
                link.transport.write(wire.DISCONNECT)
            link.transport.close()

    def _write(self, data: bytes) -> None:
        """Write to the connection, unless it is going away: the next one gets what is in flight."""
        transport = None if self._link is None else self._link.transport
        if transport is not None and not transport.is_closing():
            transport.write(data)

    def _take(self, answers: wire.Answers) -> None:
        in_flight = self._in_flight
        for packet_id in answers.acknowledged:
            in_flight.pop(packet_id, None)
        self.counts.acknowledged += len(answers.acknowledged)
        if self._on_acknowledged is not None and answers.acknowledged:
            self._on_acknowledged(answers.acknowledged)
        if answers.refused:
            _, code = answers.refused[0]
            self._failure = GatewayRefused(f"the MQTT broker refuses what we publish (reason 0x{code:02x})")
        if answers.pong:
            self._unanswered_ping = False
        if answers.connected is not None:
            self._enter(answers.connected)
        if answers.subscription_failures:
            code = answers.subscription_failures[0]
            self._failure = GatewayRefused(f"the MQTT broker refuses a subscription (reason 0x{code:02x})")
        if self._on_message is not None:
            for topic, payload in answers.messages:
                self._on_message(topic, payload)
        self._moved.set()

    def _enter(self, code: int) -> None:
        if code >= wire.FIRST_FAILURE:
            if code in _PERMANENT:
                user = self._endpoint.username or "nobody"
                self._failure = GatewayRefused(
                    f"the MQTT broker does not let '{user}' in (reason 0x{code:02x}); check the user in MQTT_URL"
                )
            if self._link is not None and self._link.transport is not None:
                self._link.transport.close()
            return
        self.counts.connections += 1
        for start in range(0, len(self._filters), _FILTERS_AT_ONCE):
            packet_id = _HIGHEST_PUBLISH_ID + 1 + start // _FILTERS_AT_ONCE
            self._write(wire.subscribe(packet_id, self._filters[start : start + _FILTERS_AT_ONCE]))
        self._unwritten.clear()
        if self._on_connected is not None:
            self._on_connected()
        if self.counts.connections > 1:
            self.counts.resent += len(self._in_flight)
        self._write(b"".join(self._in_flight.values()))
        self._unwritten.clear()
        self._ready.set()
