"""The ingest bridge: `python -m services.ingest_bridge`."""

from __future__ import annotations

import asyncio
import logging

from services.ingest_bridge.admission import Admission
from services.ingest_bridge.bridge import Bridge
from services.ingest_bridge.kafka_writer import kafka_writer, partition_of, partitions_of
from services.ingest_bridge.receipt_store import restore
from services.ingest_bridge.receipts import ReceiptBook
from services.ingest_bridge.register_file import RegisterFile
from services.ingest_bridge.register_watch import RegisterWatch
from services.ingest_bridge.routes import Routes
from services.ingest_bridge.settings import AdmissionSettings, BridgeSettings, MqttSettings
from services.ingest_bridge.shipment import Loader
from services.runtime.lifecycle import Lifetime, run_service
from services.runtime.settings import KafkaSettings

LEAVE_SECONDS = 2.0
"""After the drain: time for Kafka clients to close, which wait for a Kafka that is away."""


async def bridge(lifetime: Lifetime) -> None:
    """Connect everything, run until the stop, leave within the deadline, wherever the stop finds us.

    Raises:
        FatalError: a part cannot go on; nothing unacknowledged is lost by starting again.
    """
    settings = BridgeSettings.load()
    connected = asyncio.Event()
    working = asyncio.create_task(_work(lifetime, settings, connected), name="work")
    stop = asyncio.create_task(lifetime.wait_stopped(), name="wait_stopped")
    try:
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        if connected.is_set() and not working.done():
            await asyncio.wait({working}, timeout=settings.stop_seconds + LEAVE_SECONDS)
        if working.done():
            working.result()
    finally:
        stop.cancel()
        working.cancel()
        await asyncio.wait({working, stop})


async def _work(lifetime: Lifetime, settings: BridgeSettings, connected: asyncio.Event) -> None:
    kafka, endpoint = KafkaSettings.load(), MqttSettings.load().endpoint()
    access = AdmissionSettings.load()
    register = RegisterFile(access.device_register)
    admission = Admission(register.read(), access.limits())
    routes = Routes(partition_of, partitions_of, admission)
    watch = RegisterWatch(register, admission, routes, lifetime)
    book = ReceiptBook(
        boots_per_device=settings.boots_per_device,
        forget_after_seconds=settings.forget_after_days * 86_400,
        repeat_seconds=settings.receipt_repeat_seconds,
    )
    # aiokafka says each of its retries; we say once that Kafka is away, and `/healthz` does.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    lifetime.health.trouble("kafka", "no answer yet; messages wait at the MQTT broker")
    async with kafka_writer(kafka, settings.client_id) as writer, watch:
        restored = await restore(kafka, settings.client_id, book)
        lifetime.log.info("receipts restored", action="restore_receipts", records=restored, devices=len(book))
        loader = Loader(routes, settings.policy(), watch.look)
        lifetime.health.well("kafka")
        connected.set()
        running = Bridge(settings, endpoint, lifetime=lifetime, writer=writer, loader=loader, book=book)
        try:
            await _run(running, lifetime, settings.stop_seconds)
        finally:
            running.hang_up()


async def _run(running: Bridge, lifetime: Lifetime, stop_seconds: float) -> None:
    """Run the parts; the first that fails stops the rest, a stop drains them."""
    taking = asyncio.create_task(running.take_messages(), name="take_messages")
    writing = asyncio.create_task(running.write_shipments(), name="write_shipments")
    telling = asyncio.create_task(running.send_receipts(), name="send_receipts")
    watching = asyncio.create_task(running.watch_progress(), name="watch_progress")
    stop = asyncio.create_task(lifetime.wait_stopped(), name="wait_stopped")
    parts: set[asyncio.Task[None]] = {taking, writing, telling, watching, stop}
    try:
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()
        taking.cancel()
        async with asyncio.timeout(stop_seconds):
            draining = asyncio.create_task(running.drain(), name="drain")
            parts.add(draining)
            done, _ = await asyncio.wait({draining, writing, telling}, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
            telling.cancel()
            await asyncio.wait({telling})
            await running.say_goodbye()
    except TimeoutError:
        lifetime.log.warning(
            "not everything reached Kafka in time; the MQTT broker sends it again after the next start",
            action="give_up_draining",
        )
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


if __name__ == "__main__":
    run_service("ingest_bridge", bridge)
