"""The bridge between a real Mosquitto and a real Kafka: what it acknowledges, what it keeps, what it says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from deploy.local.stack import ServiceSpec, Stack
from schemas.dead_letter import DeadLetter, DeadLetterReason
from schemas.fields import Feed
from schemas.topics import BRIDGE_RECEIPTS, DEAD_LETTERS, readings_topic, topic_spec
from services.ingest_bridge.kafka_writer import partition_of
from simulators.load.hostile_messages import hostile_messages

NAME = "ingest_bridge"
EV = readings_topic(Feed.EV)
LANES = readings_topic(Feed.EV, live=False)
SECONDS = 60.0


class Publisher:
    """The operator's gateway: publishes for any device, hears receipts."""

    def __init__(self, stack: Stack) -> None:
        parts = urlsplit(stack.environment("operator")["MQTT_URL"])
        self.receipts: list[tuple[str, dict[str, Any]]] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.username_pw_set(parts.username, parts.password)
        self.client.max_inflight_messages_set(500)
        self.client.reconnect_delay_set(1, 1)  # else it doubles with each attempt while a broker starts
        self.client.on_message = self._hear
        self.client.on_connect = lambda client, *_: client.subscribe("jianghan/+/+/+/receipt")
        self.client.connect(parts.hostname or "", parts.port or 0)
        self.client.loop_start()

    def _hear(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.receipts.append((message.topic, json.loads(message.payload)))

    def publish(self, topic: str, payload: bytes, **properties: str) -> mqtt.MQTTMessageInfo:
        """Publish at QoS 1; the keywords become user properties."""
        extra = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if properties:
            extra.UserProperty = list(properties.items())
        return self.client.publish(topic, payload, qos=1, properties=extra)

    async def accepted(self, info: mqtt.MQTTMessageInfo) -> None:
        """Wait until the MQTT broker has it (and with it all that went before)."""
        await asyncio.to_thread(info.wait_for_publish, SECONDS)
        assert info.is_published()

    def receipt(self, device: Device) -> int | None:
        """The last receipt the device was sent for its boot."""
        mine = [
            r["seq"]
            for topic, r in self.receipts
            if f"/{device.device_id}/" in topic and r["boot_id"] == device.boot_id
        ]
        return mine[-1] if mine else None


@dataclass
class Device:
    """A charger that numbers its readings."""

    device_id: str
    group_id: str = "site-a"
    boot_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    seq: int = 0

    @property
    def topic(self) -> str:
        """Where the operator's account speaks for it."""
        return f"jianghan/ev/{self.group_id}/{self.device_id}/relay"

    def reading(self, **changed: Any) -> bytes:
        body = {
            "feed": "ev",
            "device_id": self.device_id,
            "group_id": self.group_id,
            "boot_id": self.boot_id,
            "seq": self.seq,
            "observed_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "lane": "live",
            "context": "status",
            "status": "idle",
            **changed,
        }
        self.seq += 1
        return json.dumps(body).encode()


@pytest.fixture
async def publisher(stack: Stack) -> AsyncIterator[Publisher]:
    made = Publisher(stack)
    yield made
    made.client.disconnect()
    made.client.loop_stop()


@pytest.fixture
async def bridge(stack: Stack) -> AsyncIterator[Any]:
    """Starts the bridge, with settings, and stops it after the test."""

    async def start(**settings: str) -> None:
        extra = {f"BRIDGE_{name.upper()}": value for name, value in settings.items()}
        await stack.start_service(ServiceSpec(NAME, (sys.executable, "-m", "services.ingest_bridge"), "bridge", extra))

    yield start
    await stack.stop(NAME)


@contextlib.asynccontextmanager
async def reading_from(stack: Stack, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    environment = stack.environment("operator")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=environment["KAFKA_BOOTSTRAP"],
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=environment["KAFKA_USERNAME"],
        sasl_plain_password=environment["KAFKA_PASSWORD"],
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(topic_spec(topic).partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        yield consumer
    finally:
        await consumer.stop()


async def records(stack: Stack, topic: str, boots: Iterable[str], enough: int) -> list[ConsumerRecord]:
    """Records whose value or headers name one of the boots, until there are `enough`; then what else is there."""
    wanted = [boot.encode() for boot in boots]
    found: list[ConsumerRecord] = []
    deadline = time.monotonic() + SECONDS
    async with reading_from(stack, topic) as consumer:
        while time.monotonic() < deadline:
            batches = await consumer.getmany(timeout_ms=500)
            if not batches and len(found) >= enough:
                break
            for record in (record for batch in batches.values() for record in batch):
                text = (record.value or b"") + b"".join(value for _, value in record.headers)
                if any(boot in text for boot in wanted):
                    found.append(record)
    return found


async def distinct_keys(stack: Stack, boots: list[str], expected: int) -> list[tuple[str, int]]:
    """Device and seq of all readings of the boots, in the order of each partition, once all are there."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = await records(stack, EV, boots, expected)
        keys = [(each["device_id"], each["seq"]) for each in (json.loads(r.value) for r in found if not r.headers)]
        if len(set(keys)) >= expected or time.monotonic() > deadline:
            return keys


def health(stack: Stack) -> dict[str, Any]:
    port = stack.metrics_port(NAME)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            report: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        report = json.load(error)
    return report


def in_flight(stack: Stack) -> int:
    """Messages taken and not acknowledged, by the bridge's own metric."""
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.metrics_port(NAME)}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("district_mqtt_in_flight "))))


async def resend_beyond_receipts(publisher: Publisher, devices: list[Device], last: int) -> None:
    """Do as devices do until each heard the receipt of its last reading.

    What the killed bridge had acknowledged and not yet saved is a gap for the next one; the repeats close it.
    """
    deadline = time.monotonic() + SECONDS
    while behind := [device for device in devices if publisher.receipt(device) != last]:
        assert time.monotonic() < deadline, [(d.device_id, publisher.receipt(d)) for d in behind]
        for device in behind:
            known = publisher.receipt(device)
            device.seq = 0 if known is None else known + 1
            while device.seq <= last:
                publisher.publish(device.topic, device.reading())
        await asyncio.sleep(2)


async def until(ask: Any, what: str, seconds: float = SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        await asyncio.sleep(0.1)
    return pytest.fail(f"waited {seconds:g} s in vain for {what}")


async def test_a_record_has_the_readings_own_bytes_its_group_as_key_and_our_clock(
    stack: Stack, publisher: Publisher, bridge: Any
) -> None:
    await bridge()
    device = Device("bridge-1", "site-b")
    payload, began = device.reading(), time.time()
    await publisher.accepted(publisher.publish(device.topic, payload))
    (record,) = await records(stack, EV, [device.boot_id], 1)
    assert (record.value, record.key, record.headers) == (payload, b"site-b", ())
    assert record.partition == partition_of(b"site-b", topic_spec(EV).partitions)
    assert began - 1 <= record.timestamp / 1000 <= time.time() + 1


async def test_a_lane_travels_apart_its_clock_behind_its_readings_in_every_partition(
    stack: Stack, publisher: Publisher, bridge: Any
) -> None:
    await bridge()
    lane, partitions = f"replay:{uuid.uuid4().hex[:12]}", topic_spec(LANES).partitions
    device = Device("bridge-tick")
    publisher.publish(device.topic, device.reading(lane=lane))
    tick = json.dumps({"lane": lane, "at": "2026-01-01T00:00:00Z"}).encode()
    await publisher.accepted(publisher.publish(f"jianghan/ev/clock/{lane}", tick))
    found = await records(stack, LANES, [lane], 1 + partitions)
    ticks = [r for r in found if r.headers == (("kind", b"tick"),)]
    assert sorted(r.partition for r in ticks) == list(range(partitions))
    (reading,) = [r for r in found if not r.headers]
    assert reading.partition == partition_of(b"site-a", partitions)
    assert all(t.offset > reading.offset for t in ticks if t.partition == reading.partition)
    assert await records(stack, EV, [lane], 0) == []


async def test_a_message_is_not_acknowledged_before_kafka_has_it(
    stack: Stack, publisher: Publisher, bridge: Any
) -> None:
    """Kafka stands still; a message comes in; the bridge is killed; Kafka goes on; the broker sends it again."""
    await bridge()
    device = Device("bridge-ack")
    await stack.kill("kafka", signal.SIGSTOP)
    try:
        await publisher.accepted(publisher.publish(device.topic, device.reading(status="fault")))
        await asyncio.sleep(1)
        assert publisher.receipt(device) is None
        old = stack.pid(NAME)
        await stack.kill(NAME, signal.SIGKILL)
    finally:
        await stack.kill("kafka", signal.SIGCONT)
    await until(lambda: stack.pid(NAME) not in (None, old), "the bridge to be started again")
    await until(lambda: publisher.receipt(device) == 0, "the receipt")
    assert set(await distinct_keys(stack, [device.boot_id], 1)) == {("bridge-ack", 0)}


@pytest.mark.slow
async def test_kill_9_under_load_loses_nothing_and_keeps_each_devices_order(
    stack: Stack, publisher: Publisher, bridge: Any
) -> None:
    await bridge()
    devices = [Device(f"bridge-load-{n}", f"site-{n % 7}") for n in range(40)]
    for second in range(6):
        if second in (2, 4):
            await stack.kill(NAME, signal.SIGKILL)
        for _ in range(40):
            for device in devices:
                last = publisher.publish(device.topic, device.reading())
            await asyncio.sleep(0.01)
    await publisher.accepted(last)
    keys = await distinct_keys(stack, [d.boot_id for d in devices], 40 * 240)
    assert len(set(keys)) == 40 * 240
    for device in devices:
        first_seen = list(dict.fromkeys(seq for name, seq in keys if name == device.device_id))
        assert first_seen == list(range(240))
    await resend_beyond_receipts(publisher, devices, 239)


@pytest.mark.slow
async def test_kafka_away_is_waited_for_within_bounded_memory(stack: Stack, publisher: Publisher, bridge: Any) -> None:
    await bridge(receive_maximum="1000")
    devices = [Device(f"bridge-away-{n}", f"site-{n}") for n in range(10)]
    await stack.stop("kafka")
    process = psutil.Process(stack.pid(NAME))
    before = process.memory_info().rss
    for _ in range(2_000):
        for device in devices:
            last = publisher.publish(device.topic, device.reading())
    await publisher.accepted(last)
    trouble = await until(lambda: health(stack)["trouble"].get("kafka"), "the trouble with Kafka to be told")
    assert "unacknowledged" in trouble
    assert process.memory_info().rss - before < 30 * 2**20
    assert in_flight(stack) == 1_000  # the broker keeps to our receive maximum and holds the rest
    await stack.start("kafka")
    keys = await distinct_keys(stack, [d.boot_id for d in devices], 20_000)
    assert len(set(keys)) == 20_000
    assert process.pid == stack.pid(NAME)
    await until(lambda: health(stack)["state"] == "ok", "health")


@pytest.mark.slow
async def test_large_messages_while_kafka_stands_still_stop_the_reading_but_not_the_connection(
    stack: Stack, publisher: Publisher, bridge: Any
) -> None:
    """Keepalive 5 s: the broker would cut us off after 7.5 s without a ping."""
    await bridge(in_flight_bytes=str(8 * 2**20), keepalive_seconds="5")
    device = Device("bridge-large")
    log = stack.settings.state / "logs" / f"{NAME}.log"
    process = psutil.Process(stack.pid(NAME))
    said_before = len(log.read_bytes())
    before = process.memory_info().rss
    await stack.kill("kafka", signal.SIGSTOP)
    try:
        for _ in range(60):
            last = publisher.publish(device.topic, device.reading(site_name="x" * 900_000))
        await publisher.accepted(last)
        await asyncio.sleep(13)
        assert process.memory_info().rss - before < 80 * 2**20
    finally:
        await stack.kill("kafka", signal.SIGCONT)
    await until(lambda: publisher.receipt(device) == 59, "the last receipt")
    letters = await records(stack, DEAD_LETTERS, [device.boot_id], 60)
    assert len({DeadLetter.from_headers(r.headers).seq for r in letters}) == 60
    assert b"lose_mqtt" not in log.read_bytes()[said_before:]


@pytest.mark.slow
async def test_a_thousand_hostile_messages_each_get_their_reason_while_good_ones_flow(
    stack: Stack, publisher: Publisher, bridge: Any
) -> None:
    await bridge()
    boot, good = f"hostile-{uuid.uuid4().hex[:8]}", Device("bridge-good")
    began, pid = datetime.now(UTC), stack.pid(NAME)
    expected: Counter[DeadLetterReason] = Counter()
    for message in hostile_messages(boot, began):
        publisher.publish(message.topic, message.payload, boot_id=boot)
        last = publisher.publish(good.topic, good.reading())
        expected[message.expected] += 1
    await publisher.accepted(last)
    letters = await records(stack, DEAD_LETTERS, [boot], sum(expected.values()))
    assert Counter(DeadLetter.from_headers(r.headers).reason for r in letters) == expected
    assert len(set(await distinct_keys(stack, [good.boot_id], 1_000))) == 1_000
    assert stack.pid(NAME) == pid


async def test_receipts_go_on_after_kill_9_and_a_restart_where_they_were(
    stack: Stack, publisher: Publisher, bridge: Any
) -> None:
    """0..9 arrive, the device hears 9 and forgets them; kill -9; 10 arrives: the receipt is 10, not stuck."""
    await bridge()
    device = Device("bridge-receipt")
    for _ in range(10):
        publisher.publish(device.topic, device.reading())
    await until(lambda: publisher.receipt(device) == 9, "the receipt")
    await stack.kill(NAME, signal.SIGKILL)
    publisher.publish(device.topic, device.reading())
    await until(lambda: publisher.receipt(device) == 10, "the receipt after the kill")
    await stack.stop(NAME)
    await stack.start(NAME)
    device.seq += 1
    publisher.publish(device.topic, device.reading())
    await asyncio.sleep(2.5)
    assert publisher.receipt(device) == 10
    device.seq = 11
    publisher.publish(device.topic, device.reading())
    await until(lambda: publisher.receipt(device) == 12, "the receipt after the gap closed")
    saved = await records(stack, BRIDGE_RECEIPTS, [device.boot_id], 1)
    assert {r.key for r in saved} == {f"bridge-receipt/{device.boot_id}".encode()}


async def test_a_refused_reading_moves_the_receipt_and_our_own_receipts_do_not_come_back(
    stack: Stack, publisher: Publisher, bridge: Any
) -> None:
    await bridge()
    device = Device("bridge-refused")
    publisher.publish(device.topic, device.reading(status="asleep"))
    publisher.publish(device.topic, b"\xff", boot_id=device.boot_id, seq="1")
    device.seq = 2
    publisher.publish(device.topic, device.reading())
    await until(lambda: publisher.receipt(device) == 2, "the receipt")
    letters = await records(stack, DEAD_LETTERS, [device.boot_id], 2)
    assert sorted(DeadLetter.from_headers(r.headers).seq or 0 for r in letters) == [0, 1]
    own = await records(stack, DEAD_LETTERS, ["bridge-refused/receipt"], 0)
    assert own == []


async def test_the_bridge_comes_back_when_mosquitto_was_killed(stack: Stack, publisher: Publisher, bridge: Any) -> None:
    await bridge()
    pid = stack.pid(NAME)
    await stack.kill("mosquitto", signal.SIGKILL)
    device = Device("bridge-mosquitto")
    await until(publisher.client.is_connected, "the gateway to be connected again")

    def receipt_came() -> bool:
        device.seq = 0
        publisher.publish(device.topic, device.reading())
        return publisher.receipt(device) == 0

    await until(receipt_came, "a receipt over the new connection")
    assert stack.pid(NAME) == pid
    await until(lambda: health(stack)["state"] == "ok", "health")
