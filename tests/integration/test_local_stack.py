"""The real servers: who is refused, what a device may write, what happens to processes that are killed."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiokafka
import asyncpg
import psutil
import pytest
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from deploy.local import mosquitto, postgres, run_record
from deploy.local.errors import (
    AlreadyRunning,
    NotRunning,
    NotServing,
    NotYet,
    PortTaken,
    ServerNotReady,
    SetupStepFailed,
)
from deploy.local.paths import CHECKOUT
from deploy.local.ports import LOOPBACK, is_free
from deploy.local.processes import identify, is_alive
from deploy.local.stack import ServiceSpec, SetupStep, Stack
from deploy.local.stop import stop_running
from deploy.local.supervisor import State

SECONDS = 20.0
START_SECONDS = 120.0
"""Room for the start of a server, or of all of them, on a machine that has much else to do."""


def kafka_options(stack: Stack, name: str) -> dict[str, Any]:
    environment = stack.environment(name)
    return {
        "bootstrap_servers": environment["KAFKA_BOOTSTRAP"],
        "security_protocol": environment["KAFKA_SECURITY_PROTOCOL"],
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": environment["KAFKA_USERNAME"],
        "sasl_plain_password": environment["KAFKA_PASSWORD"],
        "request_timeout_ms": 5000,
    }


async def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        await asyncio.sleep(0.05)


async def test_mosquitto_refuses_who_has_no_account(stack: Stack) -> None:
    port = stack.ports.mqtt or 0
    for user, password in (("bridge", "wrong"), ("stranger", ""), ("", "")):
        with pytest.raises(NotYet, match="refused"):
            await asyncio.to_thread(mosquitto.probe, LOOPBACK, port, user, password)


async def test_kafka_refuses_who_has_no_account(stack: Stack) -> None:
    bootstrap = stack.environment("bridge")["KAFKA_BOOTSTRAP"]
    anonymous = aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    wrong = aiokafka.AIOKafkaProducer(**kafka_options(stack, "bridge") | {"sasl_plain_password": "wrong"})
    for producer in (anonymous, wrong):
        with pytest.raises(KafkaError):
            await producer.start()
        await producer.stop()


async def test_kafka_s_controller_takes_no_anonymous_request(stack: Stack) -> None:
    anonymous = aiokafka.AIOKafkaProducer(
        bootstrap_servers=f"{LOOPBACK}:{stack.ports.kafka_controller}", request_timeout_ms=2000
    )
    with pytest.raises(KafkaError):
        await anonymous.start()
    await anonymous.stop()


async def test_postgres_refuses_who_has_no_password(stack: Stack) -> None:
    for user in ("district_reader", "district_superuser", "postgres"):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await asyncpg.connect(
                host=LOOPBACK, port=stack.ports.postgres, user=user, database="district", password="no"
            )


async def test_the_bridge_may_not_read_readings_from_kafka(stack: Stack) -> None:
    consumer = aiokafka.AIOKafkaConsumer(**kafka_options(stack, "bridge"))
    await consumer.start()
    consumer.assign([aiokafka.TopicPartition("readings.ev", 0)])
    with pytest.raises(TopicAuthorizationFailedError):
        await asyncio.wait_for(consumer.getone(), SECONDS)
    await consumer.stop()


async def test_the_reader_reads_views_only_and_the_writer_makes_no_tables(stack: Stack) -> None:
    operator = stack.environment("operator")
    owner = await asyncpg.connect(operator["DATABASE_OWNER_URL"])
    writer = await asyncpg.connect(operator["DATABASE_URL"])
    reader = await asyncpg.connect(operator["DATABASE_READER_URL"])
    await owner.execute("CREATE TABLE local_check (t timestamptz NOT NULL, v float8)")
    await owner.execute("SELECT create_hypertable('local_check', by_range('t'))")
    await writer.execute("INSERT INTO local_check VALUES (now(), 1)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.fetch("SELECT v FROM local_check")
    await owner.execute("CREATE VIEW v_local_check AS SELECT v FROM local_check")
    await owner.execute("GRANT SELECT ON v_local_check TO district_reader")
    assert await reader.fetchval("SELECT count(*) FROM v_local_check") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await writer.execute("CREATE TABLE mine (t int)")
    with pytest.raises(asyncpg.PostgresError):
        await reader.execute("DELETE FROM v_local_check")
    await owner.execute("DROP TABLE local_check CASCADE")
    for connection in (owner, writer, reader):
        await connection.close()


@pytest.mark.parametrize("name", ["mosquitto", "kafka", "postgres"])
async def test_a_killed_server_is_started_again_and_reported(stack: Stack, name: str) -> None:
    before = stack.pid(name)
    events = stack.events()
    await stack.kill(name)
    states = []
    while State.READY not in states:
        event = await asyncio.wait_for(anext(events), START_SECONDS)
        if event.name == name:
            states.append(event.state)
            if event.state is State.WAITING:
                assert "signal SIGKILL" in event.detail
    await events.aclose()
    assert states == [State.WAITING, State.STARTING, State.READY]
    assert stack.pid(name) not in {before, None}


@pytest.mark.parametrize("name", ["mosquitto", "kafka", "postgres"])
async def test_a_server_that_hangs_is_silent_which_is_not_the_same_as_not_serving(stack: Stack, name: str) -> None:
    """Silence is ended by the supervisor, an answer that says no is not."""
    ready = stack._supervisor[name].spec.ready
    await stack.kill(name, signal.SIGSTOP)
    try:
        with pytest.raises(NotYet) as caught:
            await ready()
        assert not isinstance(caught.value, NotServing)
    finally:
        await stack.kill(name, signal.SIGCONT)


async def test_a_server_that_refuses_has_answered(stack: Stack) -> None:
    with pytest.raises(NotServing):
        await asyncio.to_thread(mosquitto.probe, LOOPBACK, stack.ports.mqtt or 0, "bridge", "wrong")
    with pytest.raises(NotServing):
        await postgres.probe(f"postgresql://stranger:no@{LOOPBACK}:{stack.ports.postgres}/district")


async def test_a_service_that_dies_is_started_again(stack: Stack) -> None:
    sleeper = ServiceSpec("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"), "bridge", has_health=False)
    await stack.start_service(sleeper)
    before = stack.pid("sleeper")
    await stack.kill("sleeper")
    await until(lambda: stack.pid("sleeper") not in {before, None})
    await stack.stop("sleeper")
    assert stack.states()["sleeper"] is State.STOPPED
    assert stack.pid("sleeper") is None


async def test_a_service_that_never_comes_up_says_what_its_log_says(stack: Stack) -> None:
    broken = ServiceSpec("broken", (sys.executable, "-c", "raise SystemExit('no settings')"), "bridge")
    with pytest.raises(ServerNotReady, match="no settings"):
        await stack.start_service(broken)
    assert stack.states()["broken"] is State.FAILED


async def test_a_failed_set_up_step_says_what_it_said(stack: Stack) -> None:
    with pytest.raises(SetupStepFailed, match="no table"):
        await stack.run_step(SetupStep("step", (sys.executable, "-c", "raise SystemExit('no table')"), "operator"))


async def test_a_second_start_says_who_runs(stack: Stack) -> None:
    with pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}, started at .*make stop"):
        async with Stack(stack.settings):
            pass


async def test_a_taken_port_names_the_process_that_has_it(stack: Stack, other_state: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        settings = stack.settings.model_copy(update={"state": other_state, "kafka_port": port})
        with pytest.raises(PortTaken, match=rf"Kafka needs port {port}, where process {os.getpid()} \("):
            async with Stack(settings):
                pass


def test_environment_and_credentials_are_for_their_owner_only(stack: Stack) -> None:
    for name in ("environment.json", "credentials.json"):
        assert (stack.settings.state / name).stat().st_mode & 0o777 == 0o600
    secrets = json.loads((stack.settings.state / "credentials.json").read_text())
    record = (stack.settings.state / "run.json").read_text()
    command_lines = " ".join(
        " ".join(psutil.Process(stack.pid(name)).cmdline()) for name in stack.states() if stack.pid(name)
    )
    for group in ("mqtt", "kafka", "database"):
        for secret in secrets[group].values():
            assert secret not in record
            assert secret not in command_lines


# A district of its own, in a process of its own.


@pytest.fixture
def other_state(state_folder: Path) -> Iterator[Path]:
    folder = state_folder.with_name(f"{state_folder.name}-{uuid.uuid4().hex[:6]}")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def start_district(state: Path) -> tuple[asyncio.subprocess.Process, run_record.RunRecord]:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("KAFKA_BOOTSTRAP", "MQTT_URL", "DATABASE_URL")
    }
    ports = {f"DISTRICT_{name}_PORT": "0" for name in ("MQTT", "KAFKA", "KAFKA_CONTROLLER", "POSTGRES")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.local",
        "up",
        cwd=CHECKOUT,
        env=environment | ports | {"DISTRICT_STATE": str(state), "DISTRICT_KAFKA_HEAP": "256m"},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    while b"Ready" not in (line := await asyncio.wait_for(process.stdout.readline(), START_SECONDS)):
        assert line, "ended before it was ready"
    record = run_record.read(state)
    assert record is not None
    return process, record


def family(record: run_record.RunRecord) -> list[psutil.Process]:
    """Return every process of a district, the servers' own children included."""
    leaders = [psutil.Process(process.pid) for process in record.processes.values() if process.pid is not None]
    return [*leaders, *(child for leader in leaders for child in leader.children(recursive=True))]


def ports_of(record: run_record.RunRecord) -> list[int]:
    return [int(process.endpoint.rpartition(":")[2]) for process in record.processes.values()]


async def nothing_is_left(members: list[psutil.Process], record: run_record.RunRecord) -> None:
    await until(lambda: not [member for member in members if member.is_running()])
    await until(lambda: all(is_free(port) for port in ports_of(record)))


async def test_kill_9_and_stop_both_leave_nothing_and_the_next_start_finds_its_data(other_state: Path) -> None:
    district, record = await start_district(other_state)
    members = family(record)
    assert len(members) > 3
    district.kill()
    await district.wait()
    await nothing_is_left(members, record)
    district, record = await start_district(other_state)
    members = family(record)
    await asyncio.to_thread(stop_running, other_state)
    assert await asyncio.wait_for(district.wait(), SECONDS) == 0
    await nothing_is_left(members, record)
    with pytest.raises(NotRunning):
        stop_running(other_state)


def test_an_orphan_of_the_record_is_ended_and_a_stranger_with_its_pid_is_not(tmp_path: Path) -> None:
    orphan, stranger = (subprocess.Popen(["sleep", "600"]) for _ in range(2))
    known, other = identify(orphan.pid), identify(stranger.pid)
    assert known is not None
    assert other is not None
    fields = {"kind": "server", "state": "ready", "since": "2026-01-01T00:00:00Z", "restarts": 0, "last_exit": None}
    fields |= {"endpoint": "", "metrics_port": None}
    reused = type(other)(other.pid, other.start_ticks - 1, other.boot_id)
    processes = {
        name: fields | {"pid": identity.pid, "identity": identity}
        for name, identity in (("orphan", known), ("stranger", reused))
    }
    run = {"supervisor": run_record.this_process(), "started_at": "2026-01-01T00:00:00Z", "processes": processes}
    run_record.write(tmp_path, run_record.RunRecord.model_validate(run))
    assert run_record.end_orphans(tmp_path) == (orphan.pid,)
    assert not is_alive(known)
    assert is_alive(other)
    stranger.kill()
    for process in (orphan, stranger):
        process.wait()
