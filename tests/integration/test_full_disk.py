"""Real servers on disks that are really full: what each does then, and that all go on by themselves with room again.

A district of its own, whose state folder and whose servers' folders are small file systems. An ordinary user mounts
them in a namespace of its own, where the machine allows that.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import aiokafka
import asyncpg
import paho.mqtt.client as mqtt
import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from deploy.local import run_record
from deploy.local.files import make_folder
from deploy.local.paths import CHECKOUT, cache_dir
from deploy.local.ports import LOOPBACK
from deploy.local.stack import ServiceSpec, Stack
from deploy.local.supervisor import State
from schemas.alert import Severity
from schemas.mqtt import BRIDGE_CLIENT_ID
from services.runtime.kafka import admin
from tests.conftest import local_settings
from tests.full_disk import fill, may_mount, small_file_system
from tests.integration.fresh_database import as_superuser
from tests.kafka_reading import kafka_of

pytestmark = pytest.mark.slow

SECONDS = 90.0
SIZES = {"": 48, "mosquitto": 8, "kafka": 96, "postgres": 160}
"""Megabytes of the state folder itself, where a copy of our code takes some 15, and of each server's; a new PostgreSQL
takes some 45."""
IN_NAMESPACE = "DISTRICT_TEST_IN_NAMESPACE"


@pytest.fixture(scope="module")
def disks() -> Iterator[Path]:
    """Return a state folder on small disks."""
    state = make_folder(cache_dir() / "tests" / f"full-{uuid.uuid4().hex[:8]}")
    try:
        with ExitStack() as mounted:
            for name, megabytes in SIZES.items():
                mounted.enter_context(small_file_system(state / name, megabytes))
            yield state
    finally:
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="module")
async def small(disks: Path) -> AsyncIterator[Stack]:
    """Run the servers on small disks that are looked at often."""
    settings = local_settings(disks).model_copy(update={"kafka_heap": "256m", "disk_look_seconds": 0.2})
    async with Stack(settings) as stack:
        yield stack


async def until(condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within the time: {what}"
        await asyncio.sleep(0.1)


async def until_it_works(attempt: Callable[[], Awaitable[object]], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            await attempt()
        except (OSError, TimeoutError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError):
            assert time.monotonic() < deadline, f"not within the time: {what}"
            await asyncio.sleep(0.2)
        else:
            return


def red_alert(stack: Stack, server: str) -> run_record.DiskAlert | None:
    """What the record of the run, which `district status` shows, says of a server's disk."""
    record = run_record.read(stack.settings.state)
    alerts = record.alerts if record is not None else ()
    return next((each for each in alerts if each.folders[0] == server and each.severity is Severity.RED), None)


def all_ready(stack: Stack) -> bool:
    return all(state is State.READY for state in stack.states().values())


async def test_kafka_on_a_full_disk_ends_and_comes_back_with_everything_it_had_acknowledged(small: Stack) -> None:
    options = kafka_of(small).client_options("full-disk")
    async with admin(kafka_of(small), "full-disk") as client:
        await client.create_topics([NewTopic("full", 1, 1)])
    acknowledged: list[bytes] = []

    async def send(text: bytes) -> None:
        producer = aiokafka.AIOKafkaProducer(**options, acks="all", request_timeout_ms=3000)
        try:
            await asyncio.wait_for(producer.start(), 5)
            await asyncio.wait_for(producer.send_and_wait("full", text), 5)
            acknowledged.append(text)
        finally:
            await producer.stop()

    for number in range(20):
        await send(b"%d" % number)
    filler = fill(small.settings.state / "kafka")
    before = small.pid("kafka")
    for number in range(40):
        try:
            await send(b"%d" % number + b"x" * 100_000)
        except (KafkaError, TimeoutError):
            break
    await until(lambda: small.states()["kafka"] is State.WAITING, "Kafka to end on its full disk")
    await until(lambda: red_alert(small, "kafka"), "the alert")
    restarts = run_record.read(small.settings.state).processes["kafka"].restarts
    await until(
        lambda: run_record.read(small.settings.state).processes["kafka"].restarts >= restarts + 1,
        "another start that fails as well",
    )
    filler.unlink()
    await until_it_works(lambda: send(b"after"), "Kafka to go on")
    assert small.pid("kafka") not in {before, None}
    await until(lambda: red_alert(small, "kafka") is None, "the alert to end")
    consumer = aiokafka.AIOKafkaConsumer("full", auto_offset_reset="earliest", **options)
    await consumer.start()
    found: set[bytes] = set()
    while not found >= set(acknowledged):
        records = await asyncio.wait_for(consumer.getmany(timeout_ms=5000), SECONDS)
        assert records, "less than what was acknowledged"
        found |= {record.value for batch in records.values() for record in batch}
    await consumer.stop()


async def test_postgres_without_room_for_its_log_recovers_with_everything_that_was_committed(small: Stack) -> None:
    address = as_superuser(small)  # nobody else may write into the log itself
    connection = await asyncpg.connect(address)
    await connection.execute("CREATE TABLE full_disk (n int); INSERT INTO full_disk VALUES (0)")
    filler = fill(small.settings.state / "postgres")
    committed = 0

    async def write() -> None:
        nonlocal committed
        for number in range(1, 10_000):
            # No table grows by this, the write-ahead log does.
            await connection.execute("SELECT pg_logical_emit_message(false, 'full', repeat('x', 200000))")
            await connection.execute(f"UPDATE full_disk SET n = {number}")
            committed = number

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await write()
    await connection.close()
    log = small.settings.state / "logs" / "postgres.log"
    await until(lambda: "PANIC" in log.read_text(), "PostgreSQL to say why it ends")
    assert "No space left on device" in log.read_text()
    await until(lambda: red_alert(small, "postgres"), "the alert")
    await asyncio.sleep(5)
    filler.unlink()

    async def ask() -> None:
        nonlocal found
        again = await asyncpg.connect(address, timeout=5)
        try:
            found = await again.fetchval("SELECT n FROM full_disk")
            await again.execute("UPDATE full_disk SET n = -1")
        finally:
            await again.close()

    found: int | None = None
    await until_it_works(ask, "PostgreSQL to go on")
    assert found in {committed, committed + 1}


async def test_mosquitto_rides_a_full_disk_out_and_writes_its_queue_down_afterwards(small: Stack) -> None:
    folder = small.settings.state / "mosquitto"
    waiting = session(small, lambda _: None)
    leave(waiting)
    sender = client(small, "operator", "full-sender")
    filler = fill(folder)
    for number in range(50):
        sender.publish("jianghan/ev/site/full/relay", b"%03d" % number + b"x" * 1000, qos=1).wait_for_publish(SECONDS)
    await small.kill("mosquitto", signal.SIGUSR1)
    log = small.settings.state / "logs" / "mosquitto.log"
    await until(lambda: "No space left on device" in log.read_text(), "Mosquitto to notice")
    assert all_ready(small)
    await until(lambda: red_alert(small, "mosquitto"), "the alert")
    filler.unlink()
    queue = folder / "data/mosquitto.db"
    size = queue.stat().st_size if queue.exists() else 0
    await small.kill("mosquitto", signal.SIGUSR1)
    await until(lambda: queue.exists() and queue.stat().st_size > size + 50_000, "the queue on disk")
    leave(sender)
    old = small.pid("mosquitto")
    await small.kill("mosquitto")
    await until(lambda: small.pid("mosquitto") not in {old, None} and all_ready(small), "Mosquitto again")
    heard: list[bytes] = []
    waiting = session(small, heard.append)
    await until(lambda: len(heard) == 50, "what was queued while the disk was full")
    assert [payload[:3] for payload in heard] == [b"%03d" % number for number in range(50)]
    leave(waiting)


async def test_a_full_state_folder_loses_no_process_and_the_operator_still_sees_the_truth(small: Stack) -> None:
    talker = (sys.executable, "-uc", "import time\nfor i in range(10**9): print('line' * 500, i); time.sleep(0.01)")
    await small.start_service(ServiceSpec("talker", talker, "bridge", has_health=False))
    filler = fill(small.settings.state)
    await until(lambda: red_alert(small, "state"), "the alert, though the record is on the full disk itself")
    for name in ("talker", "mosquitto", "postgres"):
        old = small.pid(name)
        await small.kill(name)
        await until(lambda name=name, old=old: small.pid(name) not in {old, None}, f"{name} again")
    await until(lambda: all_ready(small), "all to be ready again")
    record = run_record.read(small.settings.state)
    assert record is not None
    assert {name: process.pid for name, process in record.processes.items()} == {
        name: small.pid(name) for name in small.states()
    }
    filler.unlink()
    log = small.settings.state / "logs" / "talker.log"
    await until(lambda: "bytes of this log are lost: No space left on device" in log.read_text(), "the gap to be said")
    await small.stop("talker")  # on a slow machine it would fill the disk again meanwhile
    await until(lambda: red_alert(small, "state") is None, "the alert to end")
    said = (small.settings.state / "logs" / "supervisor.log").read_text()
    assert "has room again" in said


def client(stack: Stack, role: str, client_id: str) -> mqtt.Client:
    user, _, password = stack.environment(role)["MQTT_URL"].removeprefix("mqtt://").partition("@")[0].partition(":")
    made = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    made.username_pw_set(user, password)
    if role == "operator":
        made.connect(LOOPBACK, stack.ports.mqtt or 0)
        made.loop_start()
    return made


def session(stack: Stack, hear: Callable[[bytes], object]) -> mqtt.Client:
    """Connect with a session that outlives the connection, subscribed to every reading."""
    made = client(stack, "bridge", BRIDGE_CLIENT_ID)
    lasting = Properties(PacketTypes.CONNECT)
    lasting.SessionExpiryInterval = 3600
    subscribed: list[object] = []
    made.on_message = lambda _client, _data, message: hear(bytes(message.payload))
    made.on_subscribe = lambda *_: subscribed.append(True)
    made.connect(LOOPBACK, stack.ports.mqtt or 0, clean_start=False, properties=lasting)
    made.loop_start()
    made.subscribe("jianghan/#", qos=1)
    deadline = time.monotonic() + SECONDS
    while not subscribed:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return made


def leave(made: mqtt.Client) -> None:
    made.disconnect()
    made.loop_stop()


@pytest.mark.timeout(600)
@pytest.mark.skipif(IN_NAMESPACE in os.environ, reason="this is the run in a namespace of its own")
def test_an_ordinary_user_shows_the_same_in_a_namespace_of_its_own(tmp_path: Path) -> None:
    if may_mount(tmp_path):
        pytest.skip("this user mounts small disks directly, and has done so above")
    enter = ("unshare", "--user", "--map-current-user", "--mount", "--keep-caps")
    if shutil.which("unshare") is None or subprocess.run([*enter, "true"], check=False).returncode != 0:
        pytest.skip("this machine gives an ordinary user no namespace in which it may mount a disk")
    told = subprocess.run(
        [*enter, sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__],
        cwd=CHECKOUT,
        env=os.environ | {IN_NAMESPACE: "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert told.returncode == 0, told.stdout[-4000:]
