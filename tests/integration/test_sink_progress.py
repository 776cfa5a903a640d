"""The sink goes on from its own progress; what Kafka no longer has is a gap that is named, alerted on and noted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from pydantic import SecretStr

from deploy.local.stack import Stack
from schemas.topics import topic_spec
from services.district.ledger_command import take_note
from services.read_model.connection import Database
from services.read_model.ledger import LogGapRow, open_log_gaps
from tests.kafka_reading import kafka_of

TOPIC = "readings.emergency.lanes"
FEED = "emergency"
LANE = "replay:progress"
SECONDS = 90


def position(boot: str, seq: int) -> bytes:
    return (
        f'{{"feed":"{FEED}","device_id":"unit-progress","group_id":"jianghan","boot_id":"{boot}","seq":{seq},'
        f'"observed_at":"2026-03-01T08:{seq // 60 % 60:02}:{seq % 60:02}Z","lane":"{LANE}","unit_id":"u-1",'
        '"unit_type":"ambulance","unit_state":"available","longitude":114.27,"latitude":30.6}'
    ).encode()


class SinkProcess:
    """A sink of our own, so that it can be asked for its health and told what its patience is."""

    def __init__(self, stack: Stack, **settings: str) -> None:
        patience = {"SINK_STANDSTILL_SECONDS": "2"}
        self._environment = {**os.environ, **stack.environment("sink"), **patience, **settings}
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0

    async def start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.timescale_sink"),
            env=self._environment | {"METRICS_PORT": str(self._port)},
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def stop(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(self._process.wait(), 20) == 0, "asked to stop, it ends in order"
        self._process = None

    def _health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/healthz", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            found = json.load(error)
        except OSError:
            found = {"state": "absent", "trouble": {}}
        return found

    async def answers(self) -> bool:
        return (await self.health())["state"] != "absent"

    async def health(self) -> dict[str, Any]:
        return await asyncio.to_thread(self._health)


@pytest.fixture(scope="module")
async def sink(stack: Stack) -> AsyncIterator[SinkProcess]:
    process = SinkProcess(stack)
    await process.start()
    yield process
    await process.stop()


@pytest.fixture(scope="module")
async def owner(stack: Stack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_OWNER_URL"])
    yield connection
    await connection.execute("DELETE FROM log_gaps")
    await connection.close()


@pytest.fixture(scope="module")
async def admin(stack: Stack) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**kafka_of(stack).client_options("test-admin"))
    await client.start()
    yield client
    await client.close()


async def send(stack: Stack, boot: str, first: int, before: int) -> None:
    """To all partitions in turn."""
    partitions = topic_spec(TOPIC).partitions
    async with AIOKafkaProducer(**kafka_of(stack).client_options("test")) as producer:
        for seq in range(first, before):
            await producer.send(TOPIC, value=position(boot, seq), partition=seq % partitions)


async def until(what: Callable[[], Awaitable[bool]], why: str) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if await what():
            return
        await asyncio.sleep(0.2)
    pytest.fail(f"waited {SECONDS} s: {why}")


async def stored(owner: Any, boot: str) -> int:
    found: int = await owner.fetchval("SELECT count(*) FROM emergency_readings WHERE boot_id = $1", boot)
    return found


async def until_stored(owner: Any, boot: str, count: int) -> None:
    async def there() -> bool:
        return await stored(owner, boot) >= count

    await until(there, f"{count} of {boot} stored, there are {await stored(owner, boot)}")
    assert await stored(owner, boot) == count


async def books_balance(owner: Any) -> bool:
    return all(row["difference"] == 0 for row in await owner.fetch("SELECT difference FROM v_ledger"))


async def missing(owner: Any, boot: str) -> list[tuple[int, int]]:
    rows = await owner.fetch("SELECT first_seq, last_seq FROM v_device_gaps WHERE boot_id = $1 ORDER BY 1", boot)
    return [(row["first_seq"], row["last_seq"]) for row in rows]


async def sent_again(owner: Any) -> int:
    found: int = await owner.fetchval(
        "SELECT coalesce(sum(repeated), 0)::bigint FROM v_device_hours WHERE device_id = 'unit-progress' AND lane = $1",
        LANE,
    )
    return found


class Copy:
    """What a copy of the database at one moment holds of the topic and of one boot."""

    def __init__(self, progress: list[Any], rows: int) -> None:
        self.progress, self.rows = progress, rows

    @classmethod
    async def take(cls, owner: Any, boot: str) -> Copy:
        progress = await owner.fetch(
            "SELECT partition, next_offset, readings, stored, duplicates, dead_lettered, ticks, last_timestamp"
            " FROM sink_progress WHERE topic = $1",
            TOPIC,
        )
        return cls(progress, await stored(owner, boot))

    async def put_back(self, owner: Any, boot: str) -> None:
        async with owner.transaction():
            for row in self.progress:
                await owner.execute(
                    "UPDATE sink_progress SET next_offset = $3, readings = $4, stored = $5, duplicates = $6,"
                    " dead_lettered = $7, ticks = $8, last_timestamp = $9 WHERE topic = $1 AND partition = $2",
                    TOPIC,
                    *row.values(),
                )
            await owner.execute("DELETE FROM emergency_readings WHERE boot_id = $1 AND seq >= $2", boot, self.rows)
            await owner.execute(
                "UPDATE reading_ledger SET stored = int8multirange(int8range(0, $2)) WHERE boot_id = $1",
                boot,
                self.rows,
            )


async def test_an_older_copy_of_the_database_gets_what_kafka_still_has(
    stack: Stack, sink: SinkProcess, owner: Any
) -> None:
    boot = uuid.uuid4().hex
    await send(stack, boot, 0, 50)
    await until_stored(owner, boot, 50)
    copy = await Copy.take(owner, boot)
    await send(stack, boot, 50, 100)
    await until_stored(owner, boot, 100)
    await sink.stop()
    await copy.put_back(owner, boot)
    assert await stored(owner, boot) == 50
    await sink.start()
    await until_stored(owner, boot, 100)
    assert await missing(owner, boot) == []
    assert await books_balance(owner)
    # Now under a sink that runs, and to which nothing new comes.
    await copy.put_back(owner, boot)
    await until_stored(owner, boot, 100)
    assert await missing(owner, boot) == []
    assert await sent_again(owner) == 0, "what is read again is not what came again"


async def test_a_rebalance_before_the_first_commit_after_a_copy_was_put_back_loses_nothing(
    stack: Stack, sink: SinkProcess, owner: Any
) -> None:
    """The group changes while the first small round waits: the client goes on at the committed offset by itself.

    database       50 of 100 ───────── table locked ─────────▶ free
    first sink     placed at 50 ── its first round waits ────▶ goes on
    second sink                         joins
    """
    boot = uuid.uuid4().hex
    await send(stack, boot, 0, 50)
    await until_stored(owner, boot, 50)
    copy = await Copy.take(owner, boot)
    await send(stack, boot, 50, 110)
    await until_stored(owner, boot, 110)
    await sink.stop()
    await copy.put_back(owner, boot)
    first, second = SinkProcess(stack, SINK_BATCH_RECORDS="3"), SinkProcess(stack)
    try:
        async with owner.transaction():
            await owner.execute("LOCK TABLE emergency_readings IN EXCLUSIVE MODE")
            await first.start()

            async def writes() -> bool:
                waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'RowExclusiveLock')"
                return bool(await owner.fetchval(waiting))

            await until(writes, "the first round waits for the table")
            await send(stack, boot, 110, 140)
            await second.start()
            await until(lambda: members(stack, 2), "the second sink has joined")
        await until_stored(owner, boot, 140)
    finally:
        await second.stop()
        await first.stop()
        await sink.start()
        await until(sink.answers, "the sink is there again")
    assert await missing(owner, boot) == []
    assert await books_balance(owner)


async def members(stack: Stack, count: int) -> bool:
    """Whether so many sinks share the topics."""
    client = AIOKafkaAdminClient(**kafka_of(stack).client_options("test-group"))
    await client.start()
    try:
        (answer,) = await client.describe_consumer_groups(["sink"])
        (group,) = answer.groups
        return group[2] == "Stable" and len(group[5]) == count
    finally:
        await client.close()


async def test_an_emptied_database_gets_what_kafka_still_has(stack: Stack, sink: SinkProcess, owner: Any) -> None:
    boot = uuid.uuid4().hex
    await send(stack, boot, 0, 60)
    await until_stored(owner, boot, 60)
    await sink.stop()
    async with owner.transaction():
        await owner.execute("DELETE FROM emergency_readings WHERE lane = $1", LANE)
        await owner.execute("DELETE FROM reading_ledger WHERE lane = $1", LANE)
        await owner.execute("DELETE FROM sink_progress WHERE topic = $1", TOPIC)
    await sink.start()
    await until_stored(owner, boot, 60)
    assert await books_balance(owner)
    assert await owner.fetchval("SELECT count(*) FROM log_gaps WHERE topic = $1", TOPIC) == 0


async def _open_gaps(environment: Mapping[str, str]) -> list[LogGapRow]:
    async with Database(SecretStr(environment["DATABASE_READER_URL"]), name="test") as database:
        return await open_log_gaps(database, topic=TOPIC)


async def test_records_that_kafka_removed_are_a_gap_until_somebody_takes_note(
    stack: Stack, sink: SinkProcess, owner: Any, admin: AIOKafkaAdminClient, tmp_path: Path
) -> None:
    boot = uuid.uuid4().hex
    await send(stack, boot, 0, 30)
    await until_stored(owner, boot, 30)
    await sink.stop()
    await send(stack, boot, 30, 90)
    partition = TopicPartition(TOPIC, 1)
    first = await owner.fetchval("SELECT next_offset FROM sink_progress WHERE topic = $1 AND partition = 1", TOPIC)
    await admin.delete_records({partition: RecordsToDelete(before_offset=first + 15)})
    lost_before = await owner.fetchval("SELECT lost_records FROM v_ledger WHERE feed = $1", FEED)
    await sink.start()
    await until_stored(owner, boot, 75)
    (gap,) = await owner.fetch("SELECT * FROM v_log_gaps WHERE topic = $1 AND acknowledged_at IS NULL", TOPIC)
    assert (gap["partition"], gap["first_offset"], gap["last_offset"], gap["records"]) == (1, first, first + 14, 15)
    assert gap["why"] == "removed"
    assert gap["since"] <= gap["until"] <= gap["noticed_at"]
    lost = await owner.fetchval("SELECT lost_records FROM v_ledger WHERE feed = $1", FEED)
    assert lost - lost_before == 15
    # The device's numbers say which readings they were: every third from 31 to 73.
    assert await missing(owner, boot) == [(seq, seq) for seq in range(31, 76, 3)]
    assert await books_balance(owner)

    async def told() -> bool:
        return bool(await owner.fetch("SELECT FROM v_open_alerts WHERE rule = 'platform.log_gap'"))

    await until(told, "an alert is open")
    alert = await owner.fetchrow("SELECT * FROM v_open_alerts WHERE rule = 'platform.log_gap'")
    assert (alert["asset"], alert["feed"], alert["observed_value"]) == (f"{TOPIC}-1-{first}", FEED, 15)
    health = await sink.health()
    assert health["state"] == "degraded"
    assert f"{TOPIC} 1: 15 records from offset {first} on are missing" in health["trouble"]["gaps"]

    environment = stack.environment("operator") | {"DISTRICT_STATE": str(tmp_path / "state"), "COLUMNS": "200"}
    said = await district(environment, "ledger", "--lane", LANE, "--device", "unit-progress", "--json")
    shown = json.loads(said)
    assert [row["records"] for row in shown["log_gaps"]] == [15]
    assert {(row["boot_id"], row["first_seq"]) for row in shown["device_gaps"]} >= {(boot, 31), (boot, 73)}
    assert f"{TOPIC} 1" in await district(environment, "ledger", "--lane", LANE)
    assert "no gap is open" in await district(environment, "ledger", "acknowledge", "--topic", "alerts")
    assert "no gap is open" in await district(environment, "ledger", "acknowledge", "--partition", "2")
    seen = await _open_gaps(environment)
    await owner.execute(
        "INSERT INTO log_gaps (cluster_id, topic, partition, first_offset, before_offset, why)"
        " SELECT 'another', topic, partition, first_offset, before_offset, why FROM log_gaps WHERE topic = $1",
        TOPIC,
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "DATABASE_READER_URL"):
            patch.setenv(name, environment[name])
        assert [row["first_offset"] for row in await take_note(seen, "me")] == [first]
    unseen = await _open_gaps(environment)
    assert [row.cluster_id for row in unseen] == ["another"], "what was noticed meanwhile stays open"
    said = await district(environment, "ledger", "acknowledge", "--as", "me", "--topic", TOPIC, "--partition", "1")
    assert said.index("Gap in Kafka") < said.index("taken note of"), "what is taken note of is shown before"
    assert f"{TOPIC} 1: {first} to {first + 14} taken note of" in said
    assert "no gap is open" in await district(environment, "ledger", "acknowledge")
    await owner.execute("DELETE FROM log_gaps WHERE cluster_id = 'another'")

    async def well() -> bool:
        return (await sink.health())["state"] == "ok" and not await told()

    await until(well, "health is well and the alert has ended")
    assert await owner.fetchval("SELECT lost_records FROM v_ledger WHERE feed = $1", FEED) == lost


async def district(environment: dict[str, str], *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.district", *arguments), env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def test_a_topic_made_anew_is_told_apart_though_it_is_longer_than_what_was_read(
    stack: Stack, sink: SinkProcess, owner: Any, admin: AIOKafkaAdminClient
) -> None:
    boot, anew = uuid.uuid4().hex, uuid.uuid4().hex
    await send(stack, boot, 0, 30)
    await until_stored(owner, boot, 30)
    await sink.stop()
    await admin.delete_topics([TOPIC])

    async def gone() -> bool:
        return TOPIC not in await admin.list_topics()

    await until(gone, "the topic is gone")
    answer = await admin.create_topics([NewTopic(TOPIC, topic_spec(TOPIC).partitions, 1)])
    assert [code for _, code, *_ in answer.topic_errors] == [0]
    reached = await owner.fetchval("SELECT max(next_offset) FROM sink_progress WHERE topic = $1", TOPIC)
    count = (reached + 20) * topic_spec(TOPIC).partitions
    await send(stack, anew, 0, count)
    await sink.start()
    await until_stored(owner, anew, count)
    assert await missing(owner, anew) == []
    assert await books_balance(owner)


async def test_a_sink_that_stands_still_says_in_which_part(stack: Stack, sink: SinkProcess, owner: Any) -> None:
    boot = uuid.uuid4().hex
    await send(stack, boot, 0, 3)
    await until_stored(owner, boot, 3)
    async with owner.transaction():
        await owner.execute("LOCK TABLE emergency_readings IN ACCESS EXCLUSIVE MODE")
        await send(stack, boot, 3, 9)

        async def troubled() -> bool:
            said = (await sink.health())["trouble"].get(f"progress {TOPIC}", "")
            return TOPIC in said and "the sink is writing a round into the database, for" in said

        await until(troubled, "health says that nothing moves, and what the sink is at")

    async def well() -> bool:
        return (await sink.health())["state"] == "ok"

    await until_stored(owner, boot, 9)
    await until(well, "health is well")
