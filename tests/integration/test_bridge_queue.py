"""What waits between devices and Kafka: bounds, what happens at them, and nothing that waits for nobody."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import urllib.request
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from deploy.local import mosquitto
from deploy.local.errors import ServerNotReady, SetupStepFailed
from deploy.local.paths import CHECKOUT
from deploy.local.ports import LOOPBACK
from deploy.local.stack import Stack
from schemas.device_register import DeviceIdentity
from schemas.fields import Feed
from schemas.topics import BRIDGE_RECEIPTS, DEAD_LETTERS
from services.district.device_command import Devices
from services.district.settings import access_from
from simulators.device import Device as SimulatedDevice
from simulators.endpoint import parse_endpoint
from simulators.outbox import OutboxPolicy
from tests.conftest import SESSION, local_settings
from tests.integration.test_bridge import (
    NAME,
    Device,
    Publisher,
    bridge,  # noqa: F401 - a fixture
    distinct_keys,
    health,
    publisher,  # noqa: F401 - a fixture
    records,
    until,
)

MIB = 2**20


def metric(stack: Stack, name: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.metrics_port(NAME)}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith(f"{name} "))))


# ---- receipts that were forgotten -----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def simulated(stack: Stack, device_id: str, boot_id: str, capacity: int) -> AsyncIterator[SimulatedDevice]:
    """A device as the simulators run it, with its own account and connection."""
    devices = Devices(access_from(stack.environment("operator"), stack.settings.state), stack.devices)
    password = devices.add(DeviceIdentity(device_id, Feed.EV, "site-a"), new_group=True)
    environment = stack.environment("simulators")
    policy = OutboxPolicy(capacity=capacity, patience_seconds=2.0)
    device = SimulatedDevice(Feed.EV, "site-a", device_id, boot_id=boot_id, policy=policy, on_refused=pytest.fail)
    staying = asyncio.create_task(device.stay_connected(parse_endpoint(environment["MQTT_URL"]), password, 60))
    try:
        yield device
    finally:
        staying.cancel()
        await asyncio.gather(staying, return_exceptions=True)


async def tell(device: SimulatedDevice, count: int) -> None:
    """Measure so many times; returns when all has its receipt."""
    for _ in range(count):
        fields = {
            "feed": "ev",
            "device_id": device.id,
            "group_id": "site-a",
            "lane": "live",
            "context": "status",
            "status": "idle",
        }
        assert device.tell(fields, datetime.now(UTC)), "it has no room"
    await until(lambda: len(device.outbox) == 0, "the receipts of all", 30)


async def test_a_device_whose_boot_the_bridge_has_forgotten_goes_on(
    stack: Stack,
    publisher: Publisher,  # noqa: F811
    bridge: Any,  # noqa: F811
) -> None:
    """Forgotten once since two other boots of the device came, and once since its record on the topic was lost."""
    await bridge(boots_per_device="2")
    first = Device("bridge-forgotten")
    async with simulated(stack, first.device_id, first.boot_id, capacity=40) as device:
        await tell(device, 30)
        for _ in range(2):
            other = Device(first.device_id)
            publisher.publish(other.topic, other.reading())
            await until(lambda other=other: publisher.receipt(other) == 0, "the receipt of the other boot")
        await tell(device, 30)
        await stack.stop(NAME)
        await forget(stack, f"{first.device_id}/{first.boot_id}")
        await stack.start(NAME)
        await tell(device, 30)
        assert device.outbox.turned_away == 0
    keys = await distinct_keys(stack, [first.boot_id], 90)
    assert set(keys) == {(first.device_id, seq) for seq in range(90)}


async def forget(stack: Stack, key: str) -> None:
    environment = stack.environment("operator")
    producer = AIOKafkaProducer(
        bootstrap_servers=environment["KAFKA_BOOTSTRAP"],
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=environment["KAFKA_USERNAME"],
        sasl_plain_password=environment["KAFKA_PASSWORD"],
    )
    async with producer:
        await producer.send_and_wait(BRIDGE_RECEIPTS, key=key.encode(), value=None)


# ---- what is in flight ----------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_the_bound_of_bytes_holds_from_the_first_packet_of_a_connection(
    stack: Stack,
    publisher: Publisher,  # noqa: F811
    bridge: Any,  # noqa: F811
) -> None:
    """54 MB wait in the session when the bridge connects, and Kafka stands still: 8 MiB are taken, pings go on."""
    await bridge(in_flight_bytes=str(8 * MIB), keepalive_seconds="5")
    device = Device("bridge-first-packet")
    log = stack.settings.state / "logs" / f"{NAME}.log"
    pid = stack.pid(NAME)
    await stack.kill("kafka", signal.SIGSTOP)
    try:
        await stack.kill(NAME, signal.SIGSTOP)
        await stack.run_step(SESSION)  # takes the session over and leaves: the bridge has lost its connection
        for _ in range(60):
            last = publisher.publish(device.topic, device.reading(site_name="x" * 900_000))
        await publisher.accepted(last)
        said_before = len(log.read_bytes())
        await stack.kill(NAME, signal.SIGCONT)
        trouble = await until(lambda: health(stack)["trouble"].get("kafka"), "the trouble with Kafka to be told")
        assert "nothing more is read" in trouble
        await asyncio.sleep(9)
        assert 8 * MIB <= metric(stack, "district_mqtt_in_flight_bytes") < 10 * MIB
    finally:
        await stack.kill("kafka", signal.SIGCONT)
    await until(lambda: publisher.receipt(device) == 59, "the last receipt")
    assert len(await records(stack, DEAD_LETTERS, [device.boot_id], 60)) >= 60
    assert log.read_bytes()[said_before:].count(b'"lose_mqtt"') == 1
    assert stack.pid(NAME) == pid
    await until(lambda: health(stack)["state"] == "ok", "health")


# ---- what waits at the MQTT broker ----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def small_queue(stack: Stack, *lines: str) -> AsyncIterator[None]:
    """Mosquitto with other bounds: what comes last in its configuration counts."""
    file = mosquitto.Files(stack.settings.state / mosquitto.NAME).configuration
    usual = file.read_text()
    file.write_text("\n".join((usual, *lines, "")))
    await stack.stop(mosquitto.NAME)
    await stack.start(mosquitto.NAME)
    try:
        yield
    finally:
        file.write_text(usual)
        await stack.stop(mosquitto.NAME)
        await stack.start(mosquitto.NAME)


@pytest.mark.slow
async def test_at_the_bound_of_the_queue_devices_with_receipts_lose_nothing(
    stack: Stack,
    publisher: Publisher,  # noqa: F811
    bridge: Any,  # noqa: F811
) -> None:
    """Kafka is away. 2,500 readings without receipts fill the queue; 3,000 with receipts find no room in it."""
    log = stack.settings.state / "logs" / f"{mosquitto.NAME}.log"
    said_before = len(log.read_bytes())
    async with small_queue(stack, "max_queued_messages 1500", "max_queued_bytes 10000000"):
        await bridge(receive_maximum="100")
        await stack.stop("kafka")
        await until(publisher.client.is_connected, "the gateway to be connected again")
        plain = Device("bridge-plain")
        for _ in range(2_500):
            last = publisher.publish(plain.topic, plain.reading())
        await publisher.accepted(last)
        assert b"being dropped for client" in log.read_bytes()[said_before:]
        options = ("--rate", "1000", "--seconds", "3", "--devices", "5", "--drain-seconds", "120", "--receipts")
        async with loading(stack, *options) as load:
            await asyncio.sleep(4)
            assert load.returncode is None
            await stack.start("kafka")
            report = json.loads((await load.communicate())[0])
        assert (report["sent"], report["unfinished"]) == (3_000, 0)
        (boot,) = {key["boot_id"] for key in report["keys"]}
        keys = await distinct_keys(stack, [boot], 3_000)
        assert set(keys) == {(key["device_id"], seq) for key in report["keys"] for seq in range(key["next_seq"])}
        stored = await distinct_keys(stack, [plain.boot_id], 0)
        assert 1_500 <= len(set(stored)) <= 1_700  # the queue, and what was in flight
    await until(lambda: health(stack)["state"] == "ok", "health")


@contextlib.asynccontextmanager
async def loading(stack: Stack, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The load generator as a process of its own; ended at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators.load", *options, "--feeds", "ev", "--lane", "live", "--json"),
        cwd=CHECKOUT,
        env={**os.environ, **stack.environment("operator")},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_what_is_published_after_the_broker_lost_its_data_waits_for_the_bridge(
    stack: Stack,
    publisher: Publisher,  # noqa: F811
    bridge: Any,  # noqa: F811
) -> None:
    """Kill -9 and its data gone, the bridge away: devices that connect again find the session there already."""
    database = mosquitto.Files(stack.settings.state / mosquitto.NAME).data / "mosquitto.db"
    reasons: list[str] = []
    await stack.kill(mosquitto.NAME, signal.SIGKILL)
    await until(lambda: not publisher.client.is_connected(), "the broker to be gone")
    database.unlink(missing_ok=True)
    device = Device("bridge-no-session")
    publisher.client.on_publish = lambda _client, _data, _id, reason, _properties: reasons.append(str(reason))
    await until(publisher.client.is_connected, "the gateway to be connected again")
    for _ in range(50):
        publisher.publish(device.topic, device.reading())
    await until(lambda: len(reasons) >= 50, "all to be acknowledged, whatever the connection does meanwhile")
    assert set(reasons) == {"Success"}
    await bridge()
    keys = await distinct_keys(stack, [device.boot_id], 50)
    assert keys == [("bridge-no-session", seq) for seq in range(50)]


async def test_a_broker_of_the_operators_own_gets_the_session_before_anything_runs(
    stack: Stack, state_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_CLIENT_ID", f"bridge-{uuid.uuid4().hex[:8]}")
    monkeypatch.setenv("BRIDGE_SESSION_EXPIRY_SECONDS", "60")
    folder = state_folder / "own-broker"
    url = stack.environment("operator")["MQTT_URL"]  # the one account that may have any session
    own = {"kafka_bootstrap": "127.0.0.1:1", "database_url": SecretStr("postgresql://nobody@127.0.0.1:1/none")}
    settings = local_settings(folder).model_copy(update=own)
    said = []
    for _ in range(2):
        async with Stack(settings.model_copy(update={"mqtt_url": SecretStr(url)}), session=SESSION):
            said.append((folder / "logs" / "session.log").read_text().strip())
    assert said == ["the session is made", "the session is there"]
    wrong = url.replace("@", "x@")
    with pytest.raises(SetupStepFailed, match="refused us"):
        async with Stack(settings.model_copy(update={"mqtt_url": SecretStr(wrong)}), session=SESSION):
            pass


async def test_a_step_that_cannot_make_the_session_keeps_the_broker_closed_and_says_why(stack: Stack) -> None:
    """Its data cannot be read: Mosquitto does not start, neither for the step nor for devices, until they can."""
    database = mosquitto.Files(stack.settings.state / mosquitto.NAME).data / "mosquitto.db"
    await stack.stop(mosquitto.NAME)
    kept = database.read_bytes()
    database.write_bytes(kept[: len(kept) // 2])
    with pytest.raises(ServerNotReady, match="Couldn't open database"):
        await stack.start(mosquitto.NAME)
    with pytest.raises(OSError):  # noqa: PT011 - nobody listens
        await asyncio.open_connection(LOOPBACK, stack.ports.mqtt)
    database.write_bytes(kept)
    await stack.start(mosquitto.NAME)
