"""Three real brokers, started as the containers start them: what one lost broker takes, and what two take."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiokafka
import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from deploy.compose import prepare
from deploy.local import kafka, prefix
from deploy.local.credentials import Credentials
from deploy.local.errors import NotYet
from deploy.local.files import make_data_folder, make_folder
from deploy.local.paths import CHECKOUT, cache_dir
from deploy.local.ports import LOOPBACK, pick_free
from deploy.local.processes import command_line
from deploy.local.users import listed_user
from schemas.fields import Feed
from schemas.topics import TOPICS, readings_topic
from services.runtime.errors import FatalError
from services.runtime.kafka import admin
from services.runtime.settings import KafkaSettings, TopicSettings
from services.runtime.topics import ensure_topics

pytestmark = pytest.mark.slow

SECONDS = 90.0
PASSWORDS = prepare.variables(Credentials(), {})
TOPIC = readings_topic(Feed.TAX)
TOOLS = {"kafka-storage.sh": "kafka.tools.StorageTool", "kafka-server-start.sh": "kafka.Kafka"}


class Cluster:
    """Three nodes on loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._user = listed_user() if os.geteuid() == 0 else None
        taken: list[int] = []
        for _ in range(6):
            taken.append(pick_free(taken))
        self.ports = dict(enumerate(taken[:3], start=1))
        self._controllers = dict(enumerate(taken[3:], start=1))
        self.bootstrap = ",".join(f"{LOOPBACK}:{port}" for port in self.ports.values())
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def settings(self) -> KafkaSettings:
        return KafkaSettings(
            bootstrap=self.bootstrap, username="operator", password=PASSWORDS["KAFKA_OPERATOR_PASSWORD"]
        )

    def start(self, number: int) -> None:
        """Run `start.sh` where the container's folders are ours and Kafka's scripts call the local Java."""
        folder = make_data_folder(self._folder / f"node-{number}", self._user)
        voters = ",".join(f"{each}@{LOOPBACK}:{port}" for each, port in self._controllers.items())
        listening = f"SASL_PLAINTEXT://{LOOPBACK}:{self.ports[number]}"
        environment = {
            "PATH": "/usr/bin:/bin",
            "NODE_ID": str(number),
            "CLUSTER_ID": PASSWORDS["KAFKA_CLUSTER_ID"],
            "DISTRICT_KAFKA_FILES": str(self._folder / "files"),
            "DISTRICT_KAFKA_HOME": str(self._folder / "kafka"),
            "DISTRICT_KAFKA_DATA": str(folder),
            "DISTRICT_KAFKA_CONFIGURATION": str(folder / "server.properties"),
            "DISTRICT_KAFKA_VOTERS": voters,
            "DISTRICT_KAFKA_LISTEN": f"{listening},CONTROLLER://{LOOPBACK}:{self._controllers[number]}",
            "DISTRICT_KAFKA_ADVERTISED": listening,
        } | {name.removeprefix("KAFKA_"): value for name, value in PASSWORDS.items() if name.startswith("KAFKA_")}
        argv = ["/bin/bash", str(self._folder / "files/start.sh")]
        with (self._folder / f"node-{number}.log").open("ab") as log:
            self.processes[number] = subprocess.Popen(
                command_line(argv, self._user, signal.SIGKILL), env=environment, cwd=folder, stdout=log, stderr=log
            )

    def kill(self, number: int) -> None:
        process = self.processes.pop(number)
        process.kill()
        process.wait()

    def lay_out(self) -> None:
        """Put start script, properties and stand-ins for the image's scripts where the nodes' user reads them."""
        programs = prefix.ensure()
        files = make_folder(self._folder / "files")
        for source in (
            CHECKOUT / "deploy/kafka/server.properties",
            prepare.FOLDER / "kafka/cluster.properties",
            prepare.FOLDER / "kafka/start.sh",
        ):
            shutil.copy(source, files)
        scripts = make_folder(make_folder(self._folder / "kafka") / "bin")
        log = CHECKOUT / "deploy/kafka/log4j2.properties"
        shutil.copy(log, files)
        for name, java_class in TOOLS.items():
            script = scripts / name
            script.write_text(
                f"#!/bin/bash\nexec {programs.java} -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "
                f'-Dlog4j2.configurationFile={files / log.name} -cp "{programs.kafka_libs}/*" {java_class} "$@"\n'
            )
            script.chmod(0o755)

    async def until_answers(self, *numbers: int) -> None:
        deadline = asyncio.get_running_loop().time() + SECONDS
        for number in numbers:
            while True:
                address = f"{LOOPBACK}:{self.ports[number]}"
                with contextlib.suppress(NotYet):
                    await kafka.probe(address, "operator", PASSWORDS["KAFKA_OPERATOR_PASSWORD"])
                    break
                said = (self._folder / f"node-{number}.log").read_text()[-2000:]
                assert self.processes[number].poll() is None, said
                assert asyncio.get_running_loop().time() < deadline, said
                await asyncio.sleep(0.3)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = make_folder(cache_dir() / "tests" / f"three-{uuid.uuid4().hex[:8]}")
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    three = Cluster(folder)
    three.lay_out()
    try:
        for number in three.ports:
            three.start(number)
        await three.until_answers(*three.ports)
        yield three
    finally:
        for number in list(three.processes):
            three.kill(number)


@asynccontextmanager
async def producing(cluster: Cluster) -> AsyncIterator[aiokafka.AIOKafkaProducer]:
    producer = aiokafka.AIOKafkaProducer(
        **cluster.settings().client_options("test"), acks="all", enable_idempotence=True, request_timeout_ms=5000
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


def make_topics(cluster: Cluster) -> str:
    """Run the set-up step as its container does."""
    environment = {
        "KAFKA_BOOTSTRAP": cluster.bootstrap,
        "KAFKA_USERNAME": "operator",
        "KAFKA_PASSWORD": PASSWORDS["KAFKA_OPERATOR_PASSWORD"],
        "KAFKA_TOPIC_REPLICAS": "3",
        "KAFKA_TOPIC_MIN_IN_SYNC": "2",
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.runtime.topics"],
        cwd=CHECKOUT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_every_topic_is_on_three_brokers_and_wants_two(cluster: Cluster) -> None:
    assert f"{len(TOPICS)} created" in await asyncio.to_thread(make_topics, cluster)
    assert "0 created" in await asyncio.to_thread(make_topics, cluster)
    async with admin(cluster.settings(), "test") as client:
        described = await client.describe_topics([spec.name for spec in TOPICS] + ["__consumer_offsets"])
        (answer,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)])
        with pytest.raises(FatalError, match=r"3 replicas, KAFKA_TOPIC_REPLICAS says 4"):
            await ensure_topics(client, TopicSettings(replicas=4))
    assert {len(partition["replicas"]) for topic in described for partition in topic["partitions"]} == {3}
    assert {entry[0]: entry[1] for entry in answer.resources[0][4]}["min.insync.replicas"] == "2"


async def test_one_lost_broker_loses_nothing_and_stops_nothing_two_stop_writing(cluster: Cluster) -> None:
    acknowledged: set[bytes] = set()
    async with producing(cluster) as producer:

        async def send(text: bytes) -> None:
            await producer.send_and_wait(TOPIC, text, partition=0)
            acknowledged.add(text)

        for number in range(20):
            await send(b"before %d" % number)
        async with admin(cluster.settings(), "test") as client:
            (topic,) = await client.describe_topics([TOPIC])
        leader = next(each["leader"] for each in topic["partitions"] if each["partition"] == 0)
        cluster.kill(leader)
        for number in range(20):
            await asyncio.wait_for(send(b"one lost %d" % number), SECONDS)
        other, last = cluster.processes
        cluster.kill(other)
        with pytest.raises((KafkaError, TimeoutError)):
            await asyncio.wait_for(send(b"two lost"), 8)
        cluster.start(leader)
        await asyncio.wait_for(send(b"one back"), SECONDS)
    consumer = aiokafka.AIOKafkaConsumer(
        **cluster.settings().client_options("test"), auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    consumer.assign([aiokafka.TopicPartition(TOPIC, 0)])
    found: set[bytes] = set()
    async with asyncio.timeout(SECONDS):
        while not found >= acknowledged:
            records = await consumer.getmany(timeout_ms=1000)
            found |= {record.value for batch in records.values() for record in batch}
    await consumer.stop()
    assert last in cluster.processes
