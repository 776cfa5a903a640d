"""The bridge at work: one loop takes messages, one writes them, one tells the devices.

The path of a message:

1. It is read with others of the same burst, judged, and loaded into the open shipment.
2. The shipment is written; meanwhile the next one fills.
3. Kafka has all of it: the messages are acknowledged in the order of their arrival.
4. The receipt book notes what is safe now.
5. About once a second the book's changes are saved, and only then told to the devices: a receipt that a device has
   heard can never be taken back by a crash.

Nothing is acknowledged before step 3, so whatever happens the MQTT broker still has it. In flight is what was taken
and not acknowledged; the broker itself keeps to the receive maximum, and above the bound of bytes the socket is not
read, from the first packet of a connection on. A fourth loop looks whether the work stands still and tells the health.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from schemas.fields import Feed
from schemas.receipt import Receipt
from schemas.topics import readings_topic
from services.ingest_bridge.connection import Connection
from services.ingest_bridge.errors import MqttConnectionLostError
from services.ingest_bridge.kafka_writer import KafkaWriter
from services.ingest_bridge.receipt_store import save
from services.ingest_bridge.receipts import BootLedger, ReceiptBook
from services.ingest_bridge.settings import BridgeSettings
from services.ingest_bridge.shipment import Loader, Shipment
from services.ingest_bridge.standstill import Progress, what_stands_still
from services.ingest_bridge.wire import Arrival, publish_at_most_once
from services.runtime import metrics
from services.runtime.lifecycle import Lifetime
from services.runtime.settings import MqttEndpoint

WATCH_SECONDS: Final = 1.0
"""Time between two looks at whether the work stands still."""
FIRST_RETRY_SECONDS: Final = 0.2
LAST_RETRY_SECONDS: Final = 5.0
RECENT_SECONDS: Final = 120.0
"""After a reconnect, devices heard of within this time get their receipt again."""
SWEEP_SECONDS: Final = 300.0
NEW_BOOT_SECONDS: Final = 0.1
"""Least time between two rounds of receipts; a boot seen for the first time does not wait for the next second."""

_FEED_OF: Final = {readings_topic(feed, live=live): feed for feed in Feed for live in (True, False)}


class Bridge:
    """State of the running bridge."""

    def __init__(
        self,
        settings: BridgeSettings,
        endpoint: MqttEndpoint,
        *,
        lifetime: Lifetime,
        writer: KafkaWriter,
        loader: Loader,
        book: ReceiptBook,
    ) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._lifetime = lifetime
        self._log = lifetime.log
        self._writer = writer
        self._loader = loader
        self._book = book
        self._connection: Connection | None = None
        self._open = Shipment(writer.new_batch)
        self._in_flight_messages = 0
        self._in_flight_bytes = 0
        self._began_at = 0.0
        self._saving_since: float | None = None
        self._still: dict[str, str] = {}
        self._arrived = asyncio.Event()
        self._all_written = asyncio.Event()
        self._all_written.set()
        self._room = asyncio.Event()
        self._room.set()
        self._new_boot = asyncio.Event()
        self._closing = False

    # --- taking ---

    async def take_messages(self) -> None:
        """Stay connected until cancelled; whatever happens to a connection, the session goes on.

        Raises:
            MqttRefusedError: the broker does not want us.
        """
        options = self._settings.session()
        wait = FIRST_RETRY_SECONDS
        while True:
            await self._room.wait()
            connection = self._connection = Connection(self._endpoint, options, self._take)
            try:
                present = await connection.open()
            except MqttConnectionLostError as error:
                self._lifetime.health.trouble("mqtt", str(error))
                self._log.warning(str(error), action="wait_for_mqtt", seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LAST_RETRY_SECONDS)
                continue
            wait = FIRST_RETRY_SECONDS
            self._log.info("connected to the MQTT broker", action="connect_mqtt", session_present=present)
            if not present:
                self._log.warning(
                    "the MQTT broker had no session for us: what was published before this moment is not here; devices "
                    "that keep their readings until the receipt send it again",
                    action="miss_session",
                )
            connection.subscribed.add_done_callback(self._let_in)
            self._book.hear_again(time.time() - RECENT_SECONDS)
            await connection.keep_alive()
            why = connection.lost.result()
            self._lifetime.health.trouble("mqtt", why)
            self._log.warning("lost the MQTT broker, connecting again", action="lose_mqtt", why=why)
            await asyncio.sleep(wait)

    def _let_in(self, subscribed: asyncio.Future[None]) -> None:
        """Everything that is published from here on comes to us, unless the connection was lost before that."""
        if not subscribed.cancelled():
            self._lifetime.health.well("mqtt")
            self._lifetime.health.ready()

    def _take(self, connection: Connection, arrivals: list[Arrival], size: int) -> None:
        """Load a burst into the open shipment (called from the socket's callback)."""
        shipment = self._open
        if shipment.connection is not connection:
            # What the lost connection brought is written all the same; the broker sends it again, to be recognised.
            shipment.connection = connection
            shipment.packet_ids.clear()
        if not self._in_flight_messages:
            self._began_at = asyncio.get_running_loop().time()
        self._in_flight_bytes += self._loader.load(shipment, arrivals, datetime.now(UTC), size=size)
        self._in_flight_messages += len(arrivals)
        self._all_written.clear()
        metrics.MESSAGES_RECEIVED.inc(len(arrivals))
        metrics.MESSAGES_IN_FLIGHT.set(self._in_flight_messages)
        metrics.BYTES_IN_FLIGHT.set(self._in_flight_bytes)
        self._arrived.set()
        self._mind_the_bound()

    def _mind_the_bound(self) -> None:
        """Stop reading above the bound, read again below half of it."""
        settings = self._settings
        messages, size = self._in_flight_messages, self._in_flight_bytes
        if self._room.is_set():
            if size >= settings.in_flight_bytes or messages >= 2 * settings.receive_maximum:
                self._room.clear()
                if self._connection is not None:
                    self._connection.pause()
        elif size < settings.in_flight_bytes // 2 and messages <= settings.receive_maximum:
            self._room.set()
            if self._connection is not None and not self._closing:
                self._connection.resume()

    # --- writing ---

    async def write_shipments(self) -> None:
        """Write one shipment after the other until cancelled; under load not more often than the pace.

        Raises:
            KafkaRefusedError: Kafka refused something for good.
        """
        while True:
            await self._arrived.wait()
            started = time.monotonic()
            self._arrived.clear()
            shipment, self._open = self._open, Shipment(self._writer.new_batch)
            await self._write(shipment)
            rest = self._settings.pace_seconds - (time.monotonic() - started)
            if rest > 0:
                await asyncio.sleep(rest)

    async def _write(self, shipment: Shipment) -> None:
        await self._writer.ship(shipment)
        if shipment.connection is not None:
            shipment.connection.acknowledge(shipment.packet_ids)
        if self._book.confirm(shipment.safe, time.time()):
            self._new_boot.set()
        if shipment.bases:
            self._book.begin_at(shipment.bases, time.time())
        self._in_flight_messages -= shipment.messages
        if not self._in_flight_messages:
            self._all_written.set()
        self._in_flight_bytes -= shipment.bytes
        metrics.MESSAGES_IN_FLIGHT.set(self._in_flight_messages)
        metrics.BYTES_IN_FLIGHT.set(self._in_flight_bytes)
        for topic, count in shipment.accepted().items():
            metrics.READINGS_ACCEPTED.labels(_FEED_OF[topic]).inc(count)
        self._mind_the_bound()

    # --- watching ---

    async def watch_progress(self) -> None:
        """Tell the health what stands still, and that it goes on, until cancelled."""
        health = self._lifetime.health
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            still = what_stands_still(self._progress())
            for part, what in still.items():
                health.trouble(part, what)
                if part not in self._still:
                    self._log.warning(what, action="stand_still", part=part)
            for part in self._still.keys() - still.keys():
                health.well(part)
                self._log.info("the work goes on", action="go_on", part=part)
            self._still = still

    def _progress(self) -> Progress:
        now, saving = asyncio.get_running_loop().time(), self._saving_since
        moved = max(self._began_at, self._writer.moved_at)
        return Progress(
            messages=self._in_flight_messages,
            size=self._in_flight_bytes,
            is_full=not self._room.is_set(),
            still_seconds=now - moved if self._in_flight_messages else 0.0,
            saving_seconds=0.0 if saving is None else now - saving,
        )

    # --- telling ---

    async def send_receipts(self) -> None:
        """Save and publish receipts until cancelled.

        Raises:
            KafkaRefusedError: Kafka refused the saved state for good.
        """
        swept = time.time()
        while True:
            await asyncio.sleep(NEW_BOOT_SECONDS)
            with suppress(TimeoutError):
                rest = self._settings.receipt_seconds - NEW_BOOT_SECONDS
                await asyncio.wait_for(self._new_boot.wait(), max(rest, 0.001))
            if time.time() - swept > SWEEP_SECONDS:
                swept = time.time()
                self._book.sweep(swept)
            await self.tell()

    async def tell(self) -> None:
        """Save what changed, then tell every device that is due.

        QoS 0: a receipt is a state that is said again, and a device that missed one asks by sending again.
        """
        self._new_boot.clear()
        due = [(ledger, ledger.receipt) for ledger in self._book.due(time.time())]
        changed, forgotten = self._book.unsaved(), self._book.forgotten()
        if changed or forgotten:
            self._saving_since = asyncio.get_running_loop().time()
            await save(self._writer, changed, forgotten, datetime.now(UTC))
            self._saving_since = None
        if self._connection is not None and due:
            self._connection.send(b"".join(_receipt_packet(ledger, seq) for ledger, seq in due))
            metrics.RECEIPTS_SENT.inc(len(due))

    # --- stopping ---

    async def drain(self) -> None:
        """Take nothing more and wait until everything taken is acknowledged."""
        self._closing = True
        if self._connection is not None:
            self._connection.pause()
        await self._all_written.wait()

    async def say_goodbye(self) -> None:
        """Tell the last receipts and disconnect; the session stays."""
        await self.tell()
        if self._connection is not None:
            await self._connection.close(1.0)

    def hang_up(self) -> None:
        """Close the connection as it is."""
        if self._connection is not None:
            self._connection.end("stopped")


def _receipt_packet(ledger: BootLedger, seq: int | None) -> bytes:
    payload = Receipt(boot_id=ledger.boot_id, seq=seq).model_dump_json().encode()
    return publish_at_most_once(ledger.receipt_topic, payload)
