"""One simulated device: its own MQTT connection (paho-mqtt, its socket in the event loop) and its outbox.

A connection is an object of its own, made anew each time: what was sent and not receipted is in the outbox, nothing
in the client. 300 devices are 300 sockets in one loop, not 300 threads.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import ValidationError

from schemas.fields import Feed
from schemas.mqtt import DEVICE_PROPERTY_BASE, DeviceTopic, Message
from schemas.receipt import Receipt
from simulators.endpoint import Endpoint
from simulators.outbox import Outbox, OutboxPolicy
from simulators.reading import message_bytes, reading_bytes

CONNECT_SECONDS: Final = 10.0
MISC_SECONDS: Final = 1.0
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 20.0
READINGS_A_MESSAGE: Final = 50


def _properties(base: int | None) -> Properties | None:
    """What a message says beside its readings: the base, where there is one to say."""
    if base is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = [(DEVICE_PROPERTY_BASE, str(base))]
    return properties


class _Connection:
    """One MQTT connection of a device, from CONNECT until it is lost."""

    def __init__(self, device: Device, client: mqtt.Client) -> None:
        self._device = device
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = None
        self.lost = asyncio.Event()
        self.refusal: str | None = None
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message

    async def run(self, endpoint: Endpoint, keepalive_seconds: int) -> None:
        """Stay until the connection is lost.

        Raises:
            OSError: there was none to be had.
        """
        client = self._client
        await asyncio.to_thread(client.connect, endpoint.host, endpoint.port, keepalive_seconds)
        found = client.socket()
        if found is None:
            return
        descriptor = self._descriptor = found.fileno()
        client.on_socket_register_write = lambda *_: self._loop.add_writer(descriptor, self._write)
        client.on_socket_unregister_write = self._stop_writing
        client.on_socket_close = lambda *_: self._unhook()
        self._loop.add_reader(descriptor, self._read)
        if client.want_write():
            self._loop.add_writer(descriptor, self._write)
        try:
            while not self.lost.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.lost.wait(), MISC_SECONDS)
                if client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    return
                self._device.send_due()
        finally:
            # Before the goodbye, which would put the socket, closed at once, into the loop again; and so that nothing
            # refers to the client any more: its sockets are closed now and not at some collection.
            client.on_connect = client.on_disconnect = client.on_message = None
            client.on_socket_register_write = client.on_socket_unregister_write = client.on_socket_close = None
            self._unhook()
            client.disconnect()

    def _stop_writing(self, *_: Any) -> None:
        if self._descriptor is not None:
            self._loop.remove_writer(self._descriptor)

    def _read(self) -> None:
        if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._unhook()
            self.lost.set()

    def _write(self) -> None:
        if self._client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._unhook()
            self.lost.set()

    def _unhook(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self.refusal = str(reason)
            self.lost.set()
            return
        client.subscribe(self._device.receipt_topic, qos=0)
        self._device.on_connected(client)

    def _on_disconnect(self, *_: Any) -> None:
        self.lost.set()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._device.on_receipt(bytes(message.payload))


class Device:
    """A device with its account, its topic and its memory.

    Args:
        on_refused: Told once when the broker does not let the device in, with the device and the broker's words.
    """

    def __init__(
        self,
        feed: Feed,
        group_id: str,
        device_id: str,
        *,
        boot_id: str,
        policy: OutboxPolicy,
        on_refused: Callable[[str, str], None],
    ) -> None:
        self.id = device_id
        self._topic = str(DeviceTopic(feed, group_id, device_id, Message.READING))
        self.receipt_topic = str(DeviceTopic(feed, group_id, device_id, Message.RECEIPT))
        self._policy = policy
        self.outbox: Outbox[bytes] = Outbox(boot_id, policy)
        self._client: mqtt.Client | None = None
        self._on_refused = on_refused
        self._was_refused = False

    @property
    def is_connected(self) -> bool:
        """Whether the broker has let it in."""
        return self._client is not None

    def boot(self, boot_id: str) -> None:
        """Start a new boot, counting from 0; what the old one still kept is given up."""
        self.outbox = Outbox(boot_id, self._policy)
        if self._client is not None:
            self.outbox.connected(time.monotonic())

    def tell(self, fields: Mapping[str, Any], at: datetime, *, now: bool = True) -> bool:
        """Keep a reading and send what is due; false when the outbox is full.

        Args:
            now: False to wait for more to send with it.
        """
        outbox = self.outbox
        taken = outbox.add(reading_bytes(fields, boot_id=outbox.boot_id, seq=outbox.next_seq, at=at), time.monotonic())
        if now:
            self.send_due()
        return taken

    def send_due(self) -> None:
        """Send what the outbox wants sent; several readings at once as an array."""
        client = self._client
        if client is None:
            return
        due = self.outbox.due(time.monotonic())
        for start in range(0, len(due), READINGS_A_MESSAGE):
            payload = message_bytes([kept.item for kept in due[start : start + READINGS_A_MESSAGE]])
            client.publish(self._topic, payload, qos=1, properties=_properties(due[start].base))

    def on_connected(self, client: mqtt.Client) -> None:
        """The broker let us in: send again what has no receipt."""
        self._client = client
        self._was_refused = False
        self.outbox.connected(time.monotonic())
        self.send_due()

    def on_receipt(self, payload: bytes) -> None:
        """The bridge says up to where everything is safe; what is no receipt is left alone."""
        with suppress(ValidationError):
            receipt = Receipt.model_validate_json(payload)
            self.outbox.receipt(receipt.boot_id, receipt.seq, time.monotonic())

    async def stay_connected(self, endpoint: Endpoint, password: str, keepalive_seconds: int) -> None:
        """Connect, and again with jittered pauses whenever the connection is lost, until cancelled."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            begun = time.monotonic()
            connection = _Connection(self, self._new_client(endpoint, password))
            with suppress(OSError):  # No broker just now: the pause below is the answer.
                try:
                    await connection.run(endpoint, keepalive_seconds)
                finally:
                    self._client = None
                    self.outbox.disconnected()
            if connection.refusal is not None and not self._was_refused:
                self._was_refused = True
                self._on_refused(self.id, connection.refusal)
            lasted = time.monotonic() - begun > 2 * LONGEST_PAUSE_SECONDS
            pause = FIRST_PAUSE_SECONDS if lasted else min(pause * 2, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause * random.uniform(0.3, 1.0))  # noqa: S311 - jitter

    def _new_client(self, endpoint: Endpoint, password: str) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self.id, protocol=mqtt.MQTTv5)
        client.username_pw_set(self.id, password)
        client.connect_timeout = CONNECT_SECONDS
        context = endpoint.tls_context()
        if context is not None:
            client.tls_set_context(context)
        return client
