"""A backup of the servers while they run: PostgreSQL's own tool finds it whole, and Kafka's logs have no open end."""

import asyncio
import io
import secrets
from pathlib import Path
from typing import Any

import aiokafka
import pytest

from deploy.local import backup, backup_manifest, kafka, prefix
from deploy.local.commands import last_words, run
from deploy.local.kafka_log import batches, settled_lengths
from deploy.local.stack import Stack

STATE = "processor-state.ev"
SECONDS = 20.0
OPEN_LOOKS = 60


def options(stack: Stack, role: str) -> dict[str, Any]:
    environment = stack.environment(role)
    user, password = environment["KAFKA_USERNAME"], environment["KAFKA_PASSWORD"]
    return kafka.client_options(environment["KAFKA_BOOTSTRAP"], user, password)


def log_of(data: Path) -> bytes:
    """The whole log, whose segments may have been rolled by those who wrote before."""
    return b"".join(each.read_bytes() for each in sorted((data / f"{STATE}-0").glob("*.log")))


async def nothing_is_open(stack: Stack) -> None:
    """Wait until whoever was killed before with a transaction open has had it ended by Kafka, after half a minute."""
    place = aiokafka.TopicPartition(STATE, 0)
    ends: list[int] = []
    for _ in range(OPEN_LOOKS):
        ends.clear()
        for isolation in ("read_committed", "read_uncommitted"):
            consumer = aiokafka.AIOKafkaConsumer(isolation_level=isolation, **options(stack, "operator"))
            await consumer.start()
            ends.append((await consumer.end_offsets([place]))[place])
            await consumer.stop()
        if ends[0] == ends[1]:
            return
        await asyncio.sleep(1)
    pytest.fail(f"a transaction of somebody else stays open: {ends}")


async def test_a_transaction_that_is_open_is_not_in_the_copy_and_what_was_committed_is(
    stack: Stack, tmp_path: Path
) -> None:
    committed, still_open = secrets.token_bytes(16), secrets.token_bytes(16)
    producer = aiokafka.AIOKafkaProducer(transactional_id="ev-live-0", **options(stack, "processor"))
    await asyncio.wait_for(producer.start(), SECONDS)
    try:
        await nothing_is_open(stack)
        async with producer.transaction():
            await producer.send_and_wait(STATE, committed, key=b"k", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(STATE, still_open, key=b"k", partition=0)
        taken = await asyncio.to_thread(backup.take, stack.settings.state, tmp_path / "backup")
        original = log_of(stack.settings.state / "kafka/data")
        await producer.abort_transaction()
    finally:
        await producer.stop()
    copy = log_of(tmp_path / "backup/kafka/data")
    assert committed in copy
    assert still_open not in copy
    assert still_open in original
    assert original.startswith(copy)
    assert settled_lengths([batches(io.BytesIO(copy), len(copy))]) == [len(copy)]

    assert taken.running
    backup_manifest.check(tmp_path / "backup", backup_manifest.read(tmp_path / "backup"))
    verified = run([prefix.ensure().postgres("pg_verifybackup"), tmp_path / "backup/postgres/data"])
    assert verified.returncode == 0, last_words(verified)
    assert not (tmp_path / "backup/kafka/data/__transaction_state-0").exists()
    assert (tmp_path / "backup/mosquitto/data/mosquitto.db").exists()
