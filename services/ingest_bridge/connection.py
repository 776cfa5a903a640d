"""One connection to the MQTT broker, on paho's client in our event loop.

paho connects, subscribes and keeps alive; messages do not pass through it. Its own reading costs four `recv` and
several objects a message, its own acknowledging one `send` a message. Here the socket is read 64 KiB at a time, `wire`
cuts out the messages, and the acknowledgements of a burst leave in one `send`. The parts of paho used for that are
in `packet_client`.

A connection is used once. Packet ids belong to it, so an acknowledgement can never reach another connection.

The broker sends what waits in the session at once, behind its answer to CONNECT and before that to SUBSCRIBE. So
messages are taken, and reading may have to pause, from the first packet on; the answer to SUBSCRIBE has time as long as
we do not read.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from schemas.mqtt import SUBSCRIPTION
from services.ingest_bridge.errors import MalformedPacketError, MqttConnectionLostError, MqttRefusedError
from services.ingest_bridge.packet_client import PacketClient
from services.ingest_bridge.wire import Arrival, Frames, pubacks
from services.runtime.settings import MqttEndpoint

log = structlog.stdlib.get_logger()

READ_BYTES: Final = 64 * 1024
HANDSHAKE_SECONDS: Final = 10.0
MISC_SECONDS: Final = 1.0
_REFUSED_FOR_GOOD: Final = frozenset(("Bad user name or password", "Not authorized", "Client identifier not valid"))


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What is agreed with the broker at CONNECT."""

    client_id: str
    expiry_seconds: int
    keepalive_seconds: int
    receive_maximum: int
    max_packet_bytes: int


class Connection:
    """A connection that subscribes; gives its messages to `take` until it is lost.

    Args:
        take: Called with messages and the bytes that they came in.
    """

    def __init__(
        self, endpoint: MqttEndpoint, options: SessionOptions, take: Callable[[Connection, list[Arrival], int], None]
    ) -> None:
        self._endpoint = endpoint
        self._options = options
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._untold_bytes = 0
        self._heard_at = self._loop.time()
        self._reading = False
        self._writing = False
        self._connected: asyncio.Future[bool] = self._loop.create_future()
        self.subscribed: asyncio.Future[None] = self._loop.create_future()
        """Done when all that is published comes to us: the session was there, or the broker has answered SUBSCRIBE."""
        self.lost: asyncio.Future[str] = self._loop.create_future()
        """Done, with the reason, when the connection has ended."""
        self._client = PacketClient(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_socket_close = self._on_socket_close
        if endpoint.username is not None:
            self._client.username_pw_set(endpoint.username, endpoint.password)
        if endpoint.tls:
            self._client.tls_set_context(ssl.create_default_context())
        self._socket: socket.socket | None = None
        self._failure: Exception | None = None

    @property
    def alive(self) -> bool:
        """True until it is lost."""
        return not self.lost.done()

    async def open(self) -> bool:
        """Connect and ask for the subscription; true when the broker still had our session.

        Keep it alive then (`keep_alive`): while the answer to SUBSCRIBE stands behind messages, pings must go on.

        Raises:
            MqttConnectionLostError: no broker, or it went away.
            MqttRefusedError: the broker refused us; trying again would not help.
        """
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await asyncio.to_thread(self._connect)
                self._socket = cast("socket.socket | None", self._client.socket())
                self.resume()
                self._flush()
                present = await self._connected
                if present:
                    self.subscribed.set_result(None)
                self._client.subscribe([(SUBSCRIPTION, SubscribeOptions(qos=1, noLocal=True, retainHandling=1))])
                self._flush()
        except (OSError, TimeoutError) as error:
            self.end(f"no answer ({error or type(error).__name__})")
            where = f"{self._endpoint.host}:{self._endpoint.port}"
            raise MqttConnectionLostError(
                f"the MQTT broker at {where} does not answer ({error}); trying again"
            ) from error
        except (MqttConnectionLostError, MqttRefusedError) as error:
            self.end(str(error))
            raise
        return present

    def _connect(self) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._options.expiry_seconds
        properties.ReceiveMaximum = self._options.receive_maximum
        properties.MaximumPacketSize = self._options.max_packet_bytes
        self._client.connect(
            self._endpoint.host,
            self._endpoint.port,
            keepalive=self._options.keepalive_seconds,
            clean_start=False,
            properties=properties,
        )

    # --- what paho tells ---

    def _on_connect(self, _client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if self._connected.done():
            return
        if not reason.is_failure:
            self._connected.set_result(bool(flags.session_present))
        elif str(reason) in _REFUSED_FOR_GOOD:
            self._connected.set_exception(MqttRefusedError(f"the MQTT broker refused us: {reason}; check MQTT_URL"))
        else:
            self._connected.set_exception(
                MqttConnectionLostError(f"the MQTT broker refused us: {reason}; trying again")
            )

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        if self.subscribed.done():
            return
        if any(reason.is_failure for reason in reasons):
            refusal = f"the MQTT broker refused us {SUBSCRIPTION} ({reasons[0]}); check its access rules"
            self._failure = MqttRefusedError(refusal)
            self._note_lost(refusal)
        else:
            self.subscribed.set_result(None)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._note_lost(str(reason))  # paho closes the socket itself; doing so in its callback would lock it up

    def _on_socket_close(self, _client: Any, _data: Any, sock: Any) -> None:
        if self._reading:
            self._loop.remove_reader(sock)
        if self._writing:
            self._loop.remove_writer(sock)
        self._reading = self._writing = False
        self._socket = None

    # --- reading ---

    def pause(self) -> None:
        """Stop reading the socket; pings go on."""
        if self._reading and self._socket is not None:
            self._loop.remove_reader(self._socket)
        self._reading = False

    def resume(self) -> None:
        """Read the socket (again)."""
        if not self._reading and self._socket is not None and self.alive:
            self._heard_at = self._loop.time()
            self._loop.add_reader(self._socket, self._on_readable)
            self._reading = True

    def _on_readable(self) -> None:
        chunk = self._receive()
        if chunk is None:
            return
        if not chunk:
            self._lose("the broker closed the connection")
            return
        self._client.heard()
        self._heard_at = self._loop.time()
        self._untold_bytes += len(chunk)
        try:
            arrivals, controls = self._frames.feed(chunk)
            if arrivals:
                size, self._untold_bytes = self._untold_bytes, 0
                self._take(self, arrivals, size)
        except MalformedPacketError as error:
            self._lose(str(error))
            return
        except Exception as error:  # noqa: BLE001 - the loop would only log it; `keep_alive` raises it
            self._failure = error
            self._lose(f"a message could not be taken: {error!r}")
            return
        for first, body in controls:
            self._client.handle(first, body)
        if controls:
            self._flush()

    def _receive(self) -> bytes | None:
        """The next bytes; empty at the end of the stream, None when there are none yet."""
        sock = self._socket
        if sock is None:
            return None
        try:
            chunk = sock.recv(READ_BYTES)
            while isinstance(sock, ssl.SSLSocket) and sock.pending():
                chunk += sock.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError as error:
            self._lose(f"reading failed ({error})")
            return None
        return chunk

    # --- writing ---

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Send the PUBACKs of these messages of this connection; nothing once it is lost."""
        if self.alive and packet_ids:
            self._client.send_packets(pubacks(packet_ids))
            self._flush()

    def send(self, packets: bytes) -> None:
        """Send packets; nothing before the broker has let us in and once the connection is lost."""
        if self.alive and packets and self._connected.done():
            self._client.send_packets(packets)
            self._flush()

    def _flush(self) -> None:
        """Write what waits; what the socket does not take now goes when it is writable."""
        if self._client.want_write():
            self._client.loop_write()
        sock = self._client.socket()
        if sock is None or self._socket is None:
            return
        wanted = self._client.want_write()
        if wanted and not self._writing:
            self._loop.add_writer(sock, self._flush)
        elif not wanted and self._writing:
            self._loop.remove_writer(sock)
        self._writing = wanted

    # --- living and ending ---

    async def keep_alive(self) -> None:
        """Ping when it is time, until the connection is lost; raises what `take` raised.

        Raises:
            MqttRefusedError: the broker refused the subscription.
        """
        while self.alive:
            if not self._reading:
                self._client.forgive_silence()
            elif not self.subscribed.done() and self._loop.time() - self._heard_at > HANDSHAKE_SECONDS:
                self._lose("no answer to the subscription")
                break
            self._client.loop_misc()
            self._flush()
            await asyncio.wait([self.lost], timeout=MISC_SECONDS)
        if self._failure is not None:
            raise self._failure

    async def close(self, seconds: float) -> None:
        """Send what waits, say goodbye and keep the session."""
        if self.alive:
            self._client.disconnect()
            self._flush()
            await asyncio.wait([self.lost], timeout=seconds)
        self.end("closed")

    def end(self, why: str) -> None:
        """Close the socket; the broker keeps the session."""
        self._lose(why)

    def _lose(self, why: str) -> None:
        self._note_lost(why)
        self._client.end()

    def _note_lost(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_result(why)
        if not self._connected.done():
            lost = MqttConnectionLostError(f"the connection to the MQTT broker ended: {why}")
            self._connected.set_exception(lost)
            self._connected.exception()
        self.subscribed.cancel()
