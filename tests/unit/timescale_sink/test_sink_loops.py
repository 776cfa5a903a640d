"""A fault of one topic is that topic's trouble; what no topic can go on with ends the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NotLeaderForPartitionError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import OffsetAndTimestamp

from services.runtime.lifecycle import Lifetime, leaves
from services.runtime.same_log import Mark
from services.timescale_sink.errors import (
    DatabaseUnavailable,
    KafkaClientEnded,
    KafkaRefusesUs,
    KafkaUnavailable,
    SchemaMismatch,
    TooMuchRefused,
    TopicUnreadable,
    TopicUnwritable,
)
from services.timescale_sink.flood_watch import watch_floods
from services.timescale_sink.gap_alerts import OpenGap
from services.timescale_sink.gap_watch import tell_gaps, watch_gaps
from services.timescale_sink.kafka_faults import reading_errors
from services.timescale_sink.missing_watch import watch_missing
from services.timescale_sink.progress import Log, Place, Placement
from services.timescale_sink.retention import keep_to_ages
from services.timescale_sink.rollups import keep_rollups
from services.timescale_sink.settings import SinkSettings
from services.timescale_sink.shares import TOPICS
from services.timescale_sink.sink import Source, move_all
from services.timescale_sink.standstill import Part, Standing
from services.timescale_sink.writer import Writer

BAD, SOUND = "readings.ev", "readings.tax"
AT_MS = 1_772_352_000_123
"""Kafka's time of all records, in milliseconds."""


@dataclass
class FakeRecord:
    offset: int
    timestamp: int = AT_MS


@dataclass
class FakeConsumer:
    """A partition of each topic, with records that never end; `faults` come instead of a topic's records."""

    faults: dict[str, Exception] = field(default_factory=dict)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    listener: Any = None
    written_at: dict[str, int] = field(default_factory=dict)
    """The same of a topic that was made anew."""

    def subscribe(self, topics: Iterable[str], listener: Any) -> None:
        self.listener = listener
        self.give(topics)

    def give(self, topics: Iterable[str] = TOPICS, *, at: int = 0) -> None:
        """Assign them anew: the client goes on where offsets were committed."""
        if self.positions:
            self.listener.on_partitions_revoked(set(self.positions))
        self.positions = {TopicPartition(topic, 0): at for topic in topics}
        self.listener.on_partitions_assigned(set(self.positions))

    def assignment(self) -> set[TopicPartition]:
        return set(self.positions)

    async def beginning_offsets(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 1_000_000)

    async def offsets_for_times(self, places: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        return {place: OffsetAndTimestamp(0, self.written_at.get(place.topic, AT_MS)) for place in places}

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Any]:
        """A client that reads the record that it is sent to."""
        sought: dict[TopicPartition, int] = {}

        async def getmany(**_: Any) -> dict[TopicPartition, list[FakeRecord]]:
            return {place: [self.record(place, offset)] for place, offset in sought.items()}

        yield SimpleNamespace(assign=lambda _: None, seek=sought.__setitem__, getmany=getmany)

    def record(self, place: TopicPartition, offset: int) -> FakeRecord:
        return FakeRecord(offset, self.written_at.get(place.topic, AT_MS))

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.positions[place] = offset

    def highwater(self, _: TopicPartition) -> None:
        return None

    async def commit(self, _: Mapping[TopicPartition, int]) -> None:
        return None

    async def getmany(self, *places: TopicPartition, **_: Any) -> dict[TopicPartition, list[FakeRecord]]:
        await asyncio.sleep(0.001)
        for place in places:
            if place.topic in self.faults and place in self.positions:
                raise self.faults[place.topic]
        found = {place: [self.record(place, self.positions[place])] for place in places if place in self.positions}
        for place in found:
            self.positions[place] += 1
        return found


@dataclass
class FakeWriter:
    """Keeps offsets by topic; `faults` come instead of writing."""

    stored: dict[str, list[int]]
    faults: dict[str, Exception]

    async def place(self, logs: Mapping[Place, Log]) -> dict[Place, Placement]:
        return {place: Placement(len(self.stored.get(place[0], []))) for place in logs}

    async def begin_again(self, place: Place, log: Log, *, next_offset: int, proof: Mark) -> Placement:
        assert proof.offset < next_offset == len(self.stored[place[0]])
        self.stored[place[0]].clear()
        return Placement(log.first_offset, anew=True)

    async def went_back(self, _: Mapping[Place, int]) -> list[Place]:
        return []

    async def write(self, batches: Mapping[Place, list[FakeRecord]], *_: Any) -> None:
        for place, records in batches.items():
            if place[0] in self.faults:
                raise self.faults[place[0]]
            self.stored.setdefault(place[0], []).extend(record.offset for record in records)


@dataclass
class Running:
    consumer: FakeConsumer = field(default_factory=FakeConsumer)
    faults: dict[str, Exception] = field(default_factory=dict)
    """Of the writer."""
    stored: dict[str, list[int]] = field(default_factory=dict)
    lifetime: Lifetime = field(default_factory=lambda: Lifetime(structlog.get_logger()))
    standings: dict[str, Standing] = field(default_factory=lambda: {topic: Standing() for topic in TOPICS})

    async def run(self) -> None:
        settings = SinkSettings.model_validate({"DATABASE_URL": "x", "retry_first_seconds": 0.01, "poll_ms": 5})
        writer: Any = lambda: FakeWriter(self.stored, self.faults)  # noqa: E731 - a new one a topic
        await move_all(Source(self.consumer, self.consumer.reader), writer, settings, self.lifetime, self.standings)

    async def until(self, topic: str, more: int) -> None:
        """So many more records of it are stored."""
        least = len(self.stored.get(topic, [])) + more
        for _ in range(4_000):
            if len(self.stored.get(topic, [])) >= least:
                return
            await asyncio.sleep(0.005)
        pytest.fail(f"{more} more records of {topic} are not stored: {self.trouble}")

    @property
    def trouble(self) -> dict[str, Any]:
        found: Any = self.lifetime.health.report()[1]["trouble"]
        return dict(found)


@dataclass
class LosingConsumer(FakeConsumer):
    """Each second time a damaged partition ends a call in which records of its neighbours were taken already."""

    calls: int = 0

    async def getmany(self, *places: TopicPartition, **options: Any) -> dict[TopicPartition, list[FakeRecord]]:
        found = await super().getmany(*places, **options)
        if BAD in {place.topic for place in places} and found:
            self.calls += 1
            if self.calls % 2:
                raise CorruptRecordException("Invalid CRC")
        return found


@asynccontextmanager
async def running(sink: Running) -> AsyncIterator[None]:
    task = asyncio.create_task(sink.run())
    try:
        yield
        assert not task.done(), "the process goes on"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("fault", [CorruptRecordException("Invalid CRC"), TopicAuthorizationFailedError(BAD)])
async def test_a_topic_that_kafka_does_not_give_is_its_own_trouble_and_goes_on_later(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.timescale_sink.sink.FAULT_SHOWN_SECONDS", 0.05)
    sink = Running()
    sink.consumer.faults[BAD] = fault
    async with running(sink):
        await sink.until(SOUND, 3)
        assert type(fault).__name__ in sink.trouble[f"writing {BAD}"]
        assert list(sink.trouble) == [f"writing {BAD}"]
        await sink.until(SOUND, 3)
        sink.consumer.faults.clear()
        await sink.until(BAD, 3)
        await asyncio.sleep(0.1)
        await sink.until(BAD, 1)
        assert sink.trouble == {}
    assert sink.stored[BAD] == list(range(len(sink.stored[BAD])))


async def test_what_the_client_lost_with_the_fault_of_another_partition_is_read_again() -> None:
    sink = Running(consumer=LosingConsumer())
    async with running(sink):
        await sink.until(BAD, 5)
    assert sink.stored[BAD] == list(range(len(sink.stored[BAD])))


async def test_a_topic_whose_rows_are_mostly_refused_stops_alone_and_says_so() -> None:
    sink = Running(faults={BAD: TooMuchRefused("the database refuses most rows of ev_readings")})
    async with running(sink):
        await sink.until(SOUND, 3)
        sink.faults.clear()
        await sink.until(SOUND, 30)
        assert sink.trouble == {f"writing {BAD}": "the database refuses most rows of ev_readings"}
        assert sink.standings[BAD].part is Part.STOPPED
    assert BAD not in sink.stored


@pytest.mark.parametrize("fault", [SchemaMismatch("migrate"), KafkaError("Unexpected error during coordination")])
async def test_what_no_topic_can_go_on_with_ends_the_process(fault: Exception) -> None:
    sink = Running()
    (sink.faults if isinstance(fault, SchemaMismatch) else sink.consumer.faults)[BAD] = fault
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(20):
            await sink.run()
    assert [type(error) for error in leaves(raised.value)] == [
        SchemaMismatch if isinstance(fault, SchemaMismatch) else KafkaClientEnded
    ]


async def test_a_partition_that_stays_ours_over_a_change_of_the_group_is_placed_again() -> None:
    """The client goes on at 200 by itself, as if that were committed; the database knows less."""
    sink = Running()
    async with running(sink):
        await sink.until(SOUND, 3)
        sink.consumer.give(at=200_000)
        await sink.until(SOUND, 3)
    for offsets in sink.stored.values():
        assert offsets == list(range(len(offsets)))


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (KafkaConnectionError("away"), KafkaUnavailable),
        (KafkaTimeoutError("slow"), KafkaUnavailable),
        (NotLeaderForPartitionError("moved"), KafkaUnavailable),
        (KafkaError("Unable to get cluster metadata over all known brokers"), KafkaUnavailable),
        (CorruptRecordException("crc"), TopicUnreadable),
        (TopicAuthorizationFailedError("t"), TopicUnreadable),
        (SaslAuthenticationFailed("no"), KafkaRefusesUs),
        (KafkaError("Unexpected error during coordination"), KafkaClientEnded),
    ],
)
def test_an_error_of_kafka_is_named_by_whose_fault_it_is(error: KafkaError, named: type[Exception]) -> None:
    with pytest.raises(named), reading_errors():
        raise error


class FailingPool:
    """A database that fails at each question."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def fetch(self, *_: Any, **__: Any) -> list[Any]:
        raise self.error

    fetchval = fetch

    def acquire(self) -> Any:
        raise self.error


def writer_to(pool: FailingPool) -> Writer:
    nothing: Any = None
    return Writer(cast("asyncpg.Pool[asyncpg.Record]", pool), "k", nothing, 1.0)


async def test_damaged_pages_are_the_fault_of_a_topic() -> None:
    pool = FailingPool(asyncpg.DataCorruptedError("invalid page in block 7"))
    with pytest.raises(TopicUnwritable, match="XX001 invalid page in block 7"):
        await writer_to(pool).went_back({(BAD, 0): 1})


AWAY = [
    ConnectionResetError("reset"),
    TimeoutError(),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
    asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
async def test_a_database_that_is_away_is_waited_for(error: Exception) -> None:
    """Whatever the driver says of it: sessions that are ended in mid-question are told in many ways."""
    with pytest.raises(DatabaseUnavailable):
        await writer_to(FailingPool(error)).went_back({(BAD, 0): 1})


class OneRound(Lifetime):
    """Over as soon as somebody pauses."""

    over = False

    @property
    def stopping(self) -> bool:
        return self.over

    async def pause(self, _: float) -> bool:
        self.over = True
        return True


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
async def test_what_runs_beside_the_loops_asks_again_later(error: Exception) -> None:
    pool: Any = FailingPool(error)
    producer: Any = Said()
    settings = SinkSettings.model_validate({"DATABASE_URL": "x"})
    for beside in (
        partial(watch_gaps, pool, producer, "k"),
        partial(keep_to_ages, pool, settings),
        partial(keep_rollups, pool, settings),
        partial(watch_missing, pool, producer, settings),
        partial(watch_floods, pool, producer, settings),
    ):
        lifetime = OneRound(structlog.get_logger())
        await beside(lifetime)
        assert lifetime.over, "it paused, and did not end by the error"


AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


class GapPool:
    """Gaps, of which what was told is put down."""

    def __init__(self, gaps: list[OpenGap]) -> None:
        self.gaps = gaps
        self.told: list[str] = []

    async def fetch(self, *_: Any) -> list[dict[str, Any]]:
        return [{name: getattr(gap, name) for name in OpenGap.__slots__} for gap in self.gaps]

    async def execute(self, _: str, *place: Any) -> None:
        self.told.append(place[1])


class Said:
    """A producer."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    async def send_and_wait(self, _: str, __: bytes, key: bytes, **___: Any) -> None:
        self.keys.append(key)


async def test_a_gap_that_no_alert_can_be_made_of_holds_up_no_other_and_is_trouble() -> None:
    unsayable = OpenGap(BAD, 0, 1, 2, "removed", datetime(1900, 1, 1, tzinfo=UTC), None, AT, None, 0)
    sayable = OpenGap(SOUND, 0, 1, 2, "removed", AT - timedelta(hours=1), None, AT, None, 0)
    pool, producer, lifetime = GapPool([unsayable, sayable]), Said(), Lifetime(structlog.get_logger())
    await tell_gaps(pool, producer, "k", lifetime)  # type: ignore[arg-type]
    assert pool.told == [SOUND]
    assert len(producer.keys) == 1
    trouble: Any = lifetime.health.report()[1]["trouble"]
    assert trouble["gap alerts"].startswith(f"no alert can be made of the gap in {BAD} 0 at 1: ")
    pool.gaps = [sayable]
    await tell_gaps(pool, producer, "k", lifetime)  # type: ignore[arg-type]
    trouble = lifetime.health.report()[1]["trouble"]
    assert "gap alerts" not in trouble


async def test_a_log_that_was_made_anew_while_it_is_read_is_read_from_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client reads on at the old place, where the new log already has records."""
    monkeypatch.setattr("services.timescale_sink.sink.LOOK_SECONDS", 0.02)
    sink = Running()
    async with running(sink):
        await sink.until(SOUND, 50)
        sink.consumer.written_at[SOUND] = AT_MS + 60_000
        for _ in range(4_000):
            if sink.stored[SOUND][:1] == [0] and len(sink.stored[SOUND]) < 40:
                break
            await asyncio.sleep(0.001)
        await sink.until(SOUND, 50)
        assert sink.stored[SOUND] == list(range(len(sink.stored[SOUND]))), "from the beginning, without a hole"
        assert BAD in sink.stored
        assert sink.trouble == {}


async def test_a_look_that_kafka_does_not_answer_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.timescale_sink.sink.LOOK_SECONDS", 0.01)
    sink = Running()

    async def away(_: Any) -> Any:
        raise KafkaConnectionError("away")

    async with running(sink):
        await sink.until(SOUND, 3)
        sink.consumer.offsets_for_times = away  # type: ignore[method-assign]
        await sink.until(SOUND, 30)
        assert sink.trouble == {}
