"""A state that no release can read, and the log before it is gone: that partition stands still until it is given up."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from deploy.local.stack import ServiceSpec, Stack
from schemas.emergency import EmergencyReading
from schemas.fields import Feed
from services.runtime.kafka import admin
from services.stream_processors.composition import state_topic_of
from services.stream_processors.engine.state_records import PARTITION_KEY
from services.stream_processors.kafka_host.duty import Duty
from services.stream_processors.kafka_host.losses import HOST_KEYS
from tests.kafka_reading import kafka_of

DUTY: Final = Duty(Feed.EMERGENCY)
LOST: Final = ServiceSpec(
    "lost", (sys.executable, "-m", "services.stream_processors", "--feed", "emergency", "--feed", "tax"), "processor"
)
"""Both feeds in one process: the hardest case for the one that has lost nothing."""
PARTITION: Final = 1
PART: Final = f"state_lost.{DUTY.name}.{PARTITION}"
WAIT_SECONDS: Final = 60.0
DELETED: Final = 20
KEPT: Final = 5


@pytest.fixture
async def producer(stack: Stack) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(**kafka_of(stack).client_options("test-lost"), acks="all")
    await client.start()
    yield client
    await client.stop()


def reading(seq: int, boot: str) -> bytes:
    one = EmergencyReading.model_validate(
        {
            "feed": "emergency",
            "device_id": "unit-lost",
            "group_id": "jianghan",
            "boot_id": boot,
            "seq": seq,
            "observed_at": datetime.now(UTC),
            "unit_id": "unit-lost",
        }
    )
    return one.model_dump_json().encode()


async def lose(stack: Stack) -> int:
    """Delete the beginning of the log, and write a state that nobody understands; where the log begins now."""
    place = TopicPartition(DUTY.topic, PARTITION)
    async with admin(kafka_of(stack), "test-lost") as client:
        await client.delete_records({place: RecordsToDelete(DELETED)})
    writer = await state_topic_of(kafka_of(stack), DUTY).writer(PARTITION)
    await writer.write({PARTITION_KEY: b"of a release to come", b'["live","old","part"]': b"?"})
    await writer.close()
    return DELETED


async def state_of(stack: Stack) -> dict[bytes, bytes]:
    return (await state_topic_of(kafka_of(stack), DUTY).read([PARTITION]))[PARTITION]


def ask(stack: Stack, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{stack.metrics_port(LOST.name)}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()


async def trouble(stack: Stack) -> dict[str, str]:
    found: dict[str, str] = json.loads(await asyncio.to_thread(ask, stack, "/healthz"))["trouble"]
    return found


async def judged(stack: Stack) -> float:
    lines = (await asyncio.to_thread(ask, stack, "/metrics")).splitlines()
    wanted = f'district_readings_judged_total{{feed="{DUTY.feed}"}}'
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(wanted))


async def until(is_so: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while not await is_so():
        assert asyncio.get_running_loop().time() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.2)


async def accept_loss(stack: Stack, folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.district", "state", "accept-loss", DUTY.feed),
        env=dict(stack.environment("operator")) | {"DISTRICT_STATE": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), WAIT_SECONDS)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_a_lost_state_holds_its_partition_alone_until_the_operator_accepts_the_loss(
    stack: Stack, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    boot = uuid.uuid4().hex[:12]
    for seq in range(DELETED + KEPT):
        await producer.send_and_wait(DUTY.topic, reading(seq, boot), partition=PARTITION)
    begins = await lose(stack)
    try:
        await stack.start_service(LOST)  # it is ready: others must not wait for the operator
        pid = stack.pid(LOST.name)

        async def is_said() -> bool:
            return PART in await trouble(stack)

        await until(is_said, "the lost state to be said")
        said = (await trouble(stack))[PART]
        assert f"partition {PARTITION} begins at offset" in said
        assert "`district state accept-loss emergency`" in said
        assert list(await trouble(stack)) == [PART], "the other partitions and the other feed are well"
        before = await judged(stack)
        await producer.send_and_wait(DUTY.topic, reading(0, f"{boot}x"), partition=PARTITION + 1)

        async def is_judged_beside() -> bool:
            return await judged(stack) > before

        await until(is_judged_beside, "a reading of another partition to be judged")
        assert (await state_of(stack))[PARTITION_KEY] == b"of a release to come", "nothing was given up unasked"

        assert "goes on within a minute" in await accept_loss(stack, tmp_path)

        async def is_well() -> bool:
            return not await trouble(stack)

        await until(is_well, "the partition to go on")

        async def is_judged() -> bool:
            return await judged(stack) >= before + 1 + KEPT

        await until(is_judged, "what the log still has to be judged")

        async def is_written() -> bool:
            found = await state_of(stack)
            return found[PARTITION_KEY] != b"of a release to come" and not found.keys() & (
                {b'["live","old","part"]'} | HOST_KEYS
            )

        await until(is_written, "a state that can be read, without the old parts and the acceptance")
        assert stack.pid(LOST.name) == pid, "the process has gone on by itself"
        remarks = json.loads(await asyncio.to_thread(ask, stack, "/healthz"))["remarks"]
        assert f"offsets 0 to {begins - 1}" in str(remarks)
    finally:
        await stack.stop(LOST.name)
