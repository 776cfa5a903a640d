"""The bridge alone: how fast, and at what cost in CPU, it drains a queue from Mosquitto into Kafka.

    python tests/benchmarks/bridge_drain.py [--messages 100000] [--runs 2]
    TELEGRAF=/path/to/telegraf python tests/benchmarks/bridge_drain.py

Each run: a fresh stack (a persistent session forgotten by an earlier run would halve every figure); the contender
connects once, so that its session exists, and is stopped; the messages are queued; the contender starts again, and the
clock runs from its first record in Kafka to its last. CPU is the process's own, user and system, over the same time.
Telegraf, where there is one, gets the same queue and the same Kafka, and validates nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import orjson
import paho.mqtt.client as mqtt
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from deploy.local.files import make_folder
from deploy.local.paths import cache_dir
from deploy.local.settings import LocalSettings
from deploy.local.stack import SetupStep, Stack
from schemas.fields import Feed
from schemas.mqtt import BRIDGE_CLIENT_ID
from schemas.topics import readings_topic, topic_spec

DEVICES = 300
SITES = 20
TOPIC = readings_topic(Feed.EV)
TELEGRAF_CONFIGURATION = """
[agent]
  metric_batch_size = 5000
  metric_buffer_limit = 200000
  flush_interval = "100ms"
  omit_hostname = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://{mqtt}"]
  username = "{mqtt_user}"
  password = "{mqtt_password}"
  topics = ["jianghan/#"]
  qos = 1
  persistent_session = true
  client_id = "{client}"
  max_undelivered_messages = 20000
  data_format = "json"
  json_string_fields = ["device_id", "boot_id", "observed_at", "context", "status", "feed", "group_id"]
[[outputs.kafka]]
  brokers = ["{kafka}"]
  topic = "{topic}"
  required_acks = -1
  idempotent_writes = false
  max_retry = 3
  sasl_username = "{kafka_user}"
  sasl_password = "{kafka_password}"
  sasl_mechanism = "SCRAM-SHA-512"
  data_format = "json"
"""


@dataclass(frozen=True)
class Result:
    """One run."""

    contender: str
    messages_per_second: float
    cpu_us_per_message: float
    resident_mb: float


def reading(number: int) -> tuple[str, bytes]:
    """Topic and payload of one message: some 230 bytes, its device's numbers without a gap."""
    device, seq = number % DEVICES, number // DEVICES
    site = f"site-{device % SITES:02d}"
    body = {
        "feed": "ev",
        "device_id": f"ev-{device:04d}",
        "group_id": site,
        "boot_id": "drain",
        "seq": seq,
        "observed_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "context": "sample_periodic",
        "status": "charging",
        "power_kw": 7.2,
        "energy_register_kwh": 18_231.4,
        "voltage_v": 230.1,
        "current_a": 31.3,
    }
    return f"jianghan/ev/{site}/ev-{device:04d}/relay", orjson.dumps(body)


def queue_messages(url: str, count: int) -> None:
    """Publish the messages at QoS 1 and wait until the broker has all of them."""
    parts = urlsplit(url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="drain-load", protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(parts.username, parts.password)
    client.max_inflight_messages_set(1_000)
    client.connect(parts.hostname or "", parts.port or 1883)
    client.loop_start()
    last = None
    for number in range(count):
        last = client.publish(*reading(number), qos=1)
        if number % 5_000 == 4_999:
            last.wait_for_publish(60)
    if last is not None:
        last.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


async def records_in(consumer: AIOKafkaConsumer) -> int:
    """Records on the feed's topic."""
    partitions = [TopicPartition(TOPIC, number) for number in range(topic_spec(TOPIC).partitions)]
    return sum((await consumer.end_offsets(partitions)).values())


@contextlib.asynccontextmanager
async def counting(environment: dict[str, str]) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=environment["KAFKA_BOOTSTRAP"],
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=environment["KAFKA_USERNAME"],
        sasl_plain_password=environment["KAFKA_PASSWORD"],
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def make_session(url: str) -> None:
    """Make the persistent session that the queue waits in, as the contender itself would."""
    parts = urlsplit(url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=BRIDGE_CLIENT_ID, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(parts.username, parts.password)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 86_400
    subscribed: list[Any] = []
    client.on_subscribe = lambda *args: subscribed.append(args)
    client.on_connect = lambda client, *_: client.subscribe("jianghan/#", qos=1)
    client.connect(parts.hostname or "", parts.port or 1883, clean_start=False, properties=properties)
    deadline = time.monotonic() + 10
    while not subscribed and time.monotonic() < deadline:
        client.loop(0.1)
    client.disconnect()


def contender_command(name: str, stack: Stack, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Command line and environment of a contender."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KAFKA_", "MQTT_", "DATABASE_"))}
    if name == "bridge":
        return [sys.executable, "-m", "services.ingest_bridge"], environment | stack.environment("bridge")
    role = stack.environment("bridge")
    mqtt_url = urlsplit(role["MQTT_URL"])
    file = folder / "telegraf.conf"
    file.write_text(
        TELEGRAF_CONFIGURATION.format(
            mqtt=f"{mqtt_url.hostname}:{mqtt_url.port}",
            mqtt_user=mqtt_url.username,
            mqtt_password=mqtt_url.password,
            client=BRIDGE_CLIENT_ID,
            kafka=role["KAFKA_BOOTSTRAP"],
            kafka_user=role["KAFKA_USERNAME"],
            kafka_password=role["KAFKA_PASSWORD"],
            topic=TOPIC,
        )
    )
    return [os.environ["TELEGRAF"], "--config", str(file)], environment


async def drain(name: str, messages: int) -> Result:
    """Run one contender on a fresh stack."""
    state = make_folder(cache_dir() / "tests" / uuid.uuid4().hex[:12])
    settings = LocalSettings(
        state=state, mqtt_port=0, kafka_port=0, kafka_controller_port=0, postgres_port=0,
        kafka_heap="384m", kafka_bootstrap=None, mqtt_url=None, database_url="postgresql://nobody@127.0.0.1/none",
    )  # fmt: skip
    step = SetupStep("topics", (sys.executable, "-m", "services.runtime.topics"), "operator")
    try:
        async with Stack(settings, setup=[step]) as stack:
            operator = stack.environment("operator")
            await asyncio.to_thread(make_session, stack.environment("bridge")["MQTT_URL"])
            await asyncio.to_thread(queue_messages, operator["MQTT_URL"], messages)
            async with counting(operator) as consumer:
                return await measure(name, stack, state, consumer, messages)
    finally:
        shutil.rmtree(state, ignore_errors=True)


async def measure(name: str, stack: Stack, folder: Path, consumer: AIOKafkaConsumer, messages: int) -> Result:
    command, environment = contender_command(name, stack, folder)
    with tempfile.TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=output, stderr=output)
        watched = psutil.Process(process.pid)
        try:
            count, began_at, began_with, cpu_before = 0, 0.0, 0, 0.0
            deadline = time.monotonic() + 120
            while count < messages:
                if process.returncode is not None or time.monotonic() > deadline:
                    output.seek(0)
                    sys.exit(f"{name} stopped at {count} of {messages}:\n{output.read().decode()[-2000:]}")
                await asyncio.sleep(0.02)
                count = await records_in(consumer)
                if count and not began_at:
                    began_at, began_with = time.monotonic(), count
                    cpu_before = sum(watched.cpu_times()[:2])
            seconds = time.monotonic() - began_at
            cpu = sum(watched.cpu_times()[:2]) - cpu_before
            done = count - began_with
            return Result(name, done / seconds, cpu / done * 1e6, watched.memory_info().rss / 2**20)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=2)
    chosen = parser.parse_args()
    telegraf = os.environ.get("TELEGRAF") or shutil.which("telegraf")
    contenders = ["bridge"]
    if telegraf:
        os.environ["TELEGRAF"] = telegraf
        contenders.append("telegraf")
    results = [await drain(name, chosen.messages) for _ in range(chosen.runs) for name in contenders]
    print(
        f"\n{' '.join(sys.argv)}: {chosen.messages:,} messages of {len(reading(0)[1])} bytes, QoS 1, {chosen.runs} runs"
    )
    print(f"{'':<10}{'messages/s':>12}{'CPU us/message':>16}{'resident MB':>13}")
    for each in results:
        row = f"{each.messages_per_second:>12,.0f}{each.cpu_us_per_message:>16.1f}{each.resident_mb:>13.0f}"
        print(f"{each.contender:<10}{row}")
    if len(contenders) == 2:
        ours, theirs = ([r for r in results if r.contender == name] for name in contenders)
        rate = median(r.messages_per_second for r in ours) / median(r.messages_per_second for r in theirs)
        cpu = median(r.cpu_us_per_message for r in ours) / median(r.cpu_us_per_message for r in theirs)
        print(f"{'ratio':<10}{rate:>12.2f}{cpu:>16.2f}   (bridge to telegraf; the bridge validates)")


if __name__ == "__main__":
    asyncio.run(main())
