"""Who runs as whom, who reads what, and whose groups and transactions are whose: seen on the real servers."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiokafka
import psutil
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TransactionalIdAuthorizationFailed
from aiokafka.protocol.admin import CreateAclsRequest

from deploy.local import kafka, kafka_access
from deploy.local.commands import run
from deploy.local.credentials import load_or_create
from deploy.local.files import ServerUser
from deploy.local.processes import command_line
from deploy.local.stack import ServiceSpec, SetupStep, Stack

SECONDS = 20.0
SERVERS = ("mosquitto", "kafka", "postgres")
SLEEPS = "import time; time.sleep(600)"


def options(stack: Stack, role: str) -> dict[str, Any]:
    environment = stack.environment(role)
    user, password = environment["KAFKA_USERNAME"], environment["KAFKA_PASSWORD"]
    return kafka.client_options(environment["KAFKA_BOOTSTRAP"], user, password)


def family(pid: int | None) -> list[psutil.Process]:
    leader = psutil.Process(pid)
    return [leader, *leader.children(recursive=True)]


async def sleeper(stack: Stack, name: str, role: str, folder: Path | None = None) -> psutil.Process:
    await stack.start_service(ServiceSpec(name, (sys.executable, "-c", SLEEPS), role, folder=folder, has_health=False))
    process = psutil.Process(stack.pid(name))
    # It begins as `setpriv`, which is still us.
    for _ in range(int(SECONDS / 0.05)):
        words = process.cmdline()
        if words and "setpriv" not in words[0]:
            return process
        await asyncio.sleep(0.05)
    pytest.fail(f"{name} is not there in time")


async def test_every_process_has_a_user_of_its_own_and_none_is_root(stack: Stack) -> None:
    """As root; an ordinary user runs everything as itself."""
    sleepers = [await sleeper(stack, f"sleeper-{role}", role) for role in ("bridge", "sink")]
    found = {name: {process.uids() for process in family(stack.pid(name))} for name in SERVERS}
    found |= {process.name() + str(process.pid): {process.uids()} for process in sleepers}
    answer = await said(stack, "import os; print(os.getresuid(), os.getgroups())")
    for name in ("sleeper-bridge", "sleeper-sink"):
        await stack.stop(name)
    if os.geteuid() != 0:
        assert {number for uids in found.values() for each in uids for number in each} == {os.geteuid()}
        return
    assert all(len(uids) == 1 for uids in found.values()), found
    numbers = [number for uids in found.values() for each in uids for number in set(each)]
    assert len(set(numbers)) == len(numbers) == len(SERVERS) + len(sleepers)
    assert 0 not in numbers
    assert "(0" not in answer
    assert "[]" in answer


async def said(stack: Stack, script: str) -> str:
    await stack.run_step(SetupStep("asked", (sys.executable, "-c", script), "operator"))
    return (stack.settings.state / "logs/asked.log").read_text()


async def test_a_process_inherits_nothing_but_its_contract(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRAFANA_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "DATABASE_OWNER_URL", "SINK_POLL_MS"):
        monkeypatch.setenv(name, "foreign")
    process = await sleeper(stack, "sleeper", "bridge")
    inherited = process.environ()
    await stack.stop("sleeper")
    assert "foreign" not in inherited.values()
    assert inherited["KAFKA_USERNAME"] == "bridge"
    assert inherited["HOME"] == "/nonexistent"
    assert not [name for name in inherited if name.startswith(("DATABASE_", "DEVICE_S"))]
    answer = await said(stack, "import os; print(sorted(os.environ))")
    assert "SINK_POLL_MS" in answer
    assert "GRAFANA_TOKEN" not in answer


async def test_data_belong_to_their_server_alone(stack: Stack) -> None:
    state = stack.settings.state
    for name in SERVERS:
        data = state / name / "data"
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        owners = {path.lstat().st_uid for path in (data, *data.rglob("*"))}
        assert owners == {psutil.Process(stack.pid(name)).uids().real}
    assert stat.S_IMODE((state / "logs").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's processes are all its own")
async def test_no_process_reads_another_s_secrets(stack: Stack) -> None:
    process = await sleeper(stack, "sleeper", "bridge", stack.settings.state / "own")
    users = {name: ServerUser(name, *psutil.Process(stack.pid(name)).uids()[:2]) for name in (*SERVERS, "sleeper")}
    await stack.stop("sleeper")
    del process
    secret = {
        "credentials.json": None,
        "environment.json": None,
        "kafka/server.properties": "kafka",
        "mosquitto/data/accounts.json": "mosquitto",
        "devices/credentials.json": None,
        "mosquitto/mosquitto.conf": "mosquitto",
        "postgres/postgresql.conf": "postgres",
        "postgres/data/PG_VERSION": "postgres",
        "own": "sleeper",
        "logs": None,
    }
    for path, reader in secret.items():
        argv = ["ls" if path in {"own", "logs"} else "cat", str(stack.settings.state / path)]
        for name, user in users.items():
            allowed = run(command_line(argv, user, signal.SIGKILL)).returncode == 0
            assert allowed == (name == reader), (path, name)


@pytest.mark.parametrize(
    ("role", "group"), [("bridge", "sink"), ("sink", "processor.ev"), ("processor", "sink"), ("sink", "any")]
)
async def test_a_foreign_consumer_group_is_refused(stack: Stack, role: str, group: str) -> None:
    topic = "bridge-receipts" if role == "bridge" else "plan"
    consumer = aiokafka.AIOKafkaConsumer(topic, group_id=group, **options(stack, role))
    try:
        with pytest.raises(GroupAuthorizationFailedError):
            await asyncio.wait_for(consumer.start(), SECONDS)
    finally:
        await consumer.stop()


@pytest.mark.parametrize(
    ("role", "name"), [("sink", "ev-live-0"), ("bridge", "ev-live-0"), ("processor", "anything"), ("processor", "ev")]
)
async def test_a_foreign_transaction_is_refused(stack: Stack, role: str, name: str) -> None:
    producer = aiokafka.AIOKafkaProducer(transactional_id=name, **options(stack, role))
    try:
        with pytest.raises((TransactionalIdAuthorizationFailed, KafkaError)) as refused:
            await asyncio.wait_for(producer.start(), SECONDS)
        assert "TransactionalIdAuthorizationFailed" in repr(refused.value)
    finally:
        await producer.stop()


@pytest.mark.parametrize(
    ("role", "topic"), [("sink", "indicators"), ("bridge", "alerts"), ("bridge", "lanes"), ("api", "alerts")]
)
async def test_a_foreign_topic_cannot_be_written(stack: Stack, role: str, topic: str) -> None:
    producer = aiokafka.AIOKafkaProducer(**options(stack, role))
    await producer.start()
    try:
        with pytest.raises(KafkaError):
            await asyncio.wait_for(producer.send_and_wait(topic, b"{}"), SECONDS)
    finally:
        await producer.stop()


async def test_a_user_s_own_group_and_transaction_are_its_own(stack: Stack) -> None:
    consumer = aiokafka.AIOKafkaConsumer("plan", group_id="processor.ev", **options(stack, "processor"))
    await asyncio.wait_for(consumer.start(), SECONDS)
    await consumer.stop()
    producer = aiokafka.AIOKafkaProducer(transactional_id="ev-live-0", **options(stack, "processor"))
    await asyncio.wait_for(producer.start(), SECONDS)
    await producer.stop()


async def until_granted(client: AIOKafkaClient, as_wanted: Callable[[set[Any]], bool]) -> None:
    """Kafka says what it has been told as soon as its metadata have come round."""
    for _ in range(int(SECONDS / 0.05)):
        if as_wanted(await kafka_access._entries(client, "User:sink")):
            return
        await asyncio.sleep(0.05)
    pytest.fail("Kafka's grants are not as wanted in time")


async def test_what_an_earlier_release_granted_is_taken_back(stack: Stack) -> None:
    operator = stack.environment("operator")
    client = AIOKafkaClient(
        **kafka.client_options(operator["KAFKA_BOOTSTRAP"], operator["KAFKA_USERNAME"], operator["KAFKA_PASSWORD"])
    )
    await client.bootstrap()
    try:
        everything = (kafka_access.Resource.GROUP, "*", kafka_access.Pattern.LITERAL, "User:sink", "*", 3, 3)
        await client.send(client.get_random_node(), CreateAclsRequest(*everything))
        await until_granted(client, lambda granted: everything in granted)
        await kafka.set_up(load_or_create(stack.settings.state), stack.ports.kafka or 0)
        ours = {kafka_access._entry(grant) for grant in kafka_access.grants() if grant.user == "sink"}
        await until_granted(client, lambda granted: granted == ours)
    finally:
        await client.close()
