"""Hosts of one parking feed over a fake Kafka, and what every reading has come to."""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.fields import Feed
from schemas.parking import ParkingReading
from schemas.topics import ALERTS, INDICATORS
from services.runtime.health import Health
from services.runtime.watchdog import Watchdog
from services.stream_processors.engine.events import AlertOutput, IndicatorOutput
from services.stream_processors.engine.worker import Worker
from services.stream_processors.kafka_host.duty import Duty
from services.stream_processors.kafka_host.host import HostClients, KafkaHost, Pace
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.kafka_host.fake_kafka import (
    FakeConsumer,
    FakeProducer,
    FakeReader,
    FakeStateTopic,
    Log,
)

DUTY = Duty(Feed.PARKING)
PARTITIONS = 6
BATCH = 100
WAIT_SECONDS = 60.0
QUICK = Pace(store_seconds=0.2, gather_seconds=0.0)


class Spy:
    """A judge that notes which readings reach the rules."""

    def __init__(self, judge: Any) -> None:
        self._judge = judge
        self.judged: set[tuple[int, int]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._judge, name)

    def on_reading(self, state: Any, reading: Any, coordinates: Any, *rest: Any) -> Any:
        self.judged.add((coordinates.partition, coordinates.offset))
        return self._judge.on_reading(state, reading, coordinates, *rest)


class District:
    """A log with a backlog, states, and as many hosts as a test wants."""

    def __init__(self, readings: int, *, read_seconds: Callable[[], float] = lambda: 0.005) -> None:
        self.log = Log(DUTY.topic, PARTITIONS)
        self.state = FakeStateTopic(read_seconds=read_seconds)
        self.committed: dict[Any, int] = {}
        self.producer = FakeProducer(self.log)
        (judge,) = build_judges([Feed.PARKING.value], ProcessorSettings())
        self.judge = Spy(judge)
        self.boot = "b"
        self.start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        for partition in range(PARTITIONS):
            self.add(partition, readings)
        self.backlog = readings
        self.letters: list[tuple[Any, bytes]] = []

    def make_anew(self, partition: int, readings: int) -> None:
        """The partition's log is deleted and made again, and the lots go on in it after a restart of theirs."""
        self.log.make_anew(partition)
        self.start += timedelta(minutes=10)
        self.boot += "b"
        self.judge.judged = {place for place in self.judge.judged if place[0] != partition}
        self.add(partition, readings)

    def add(self, partition: int, readings: int) -> None:
        """More readings, in batches as a producer makes them."""
        first = self.log.end(partition)
        for base in range(first, first + readings, BATCH):
            rows = range(base, min(base + BATCH, first + readings))
            taken = [int(self.observed_at(row).timestamp() * 1_000) for row in rows]
            self.log.append(partition, [(self.reading(partition, row), []) for row in rows], taken)

    def observed_at(self, row: int) -> datetime:
        """Twenty lots send every five seconds."""
        return self.start + timedelta(seconds=row // 20 * 5)

    def reading(self, partition: int, row: int) -> bytes:
        reading = ParkingReading(
            feed=Feed.PARKING,
            device_id=f"z{partition}-l{row % 20}",
            group_id=f"z{partition}",
            boot_id=self.boot,
            seq=row // 20,
            observed_at=self.observed_at(row),
            total_spaces=100,
            free_spaces=(row // 20 * 7 + row) % 100,
        )
        return reading.model_dump_json().encode()

    async def send(self, letter: Any, payload: bytes) -> Any:
        """Take a dead letter."""
        self.letters.append((letter, payload))
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        taken.set_result(None)
        return taken

    @asynccontextmanager
    async def host(self, pace: Pace = QUICK, *, judge: Any = None, producer: Any = None) -> AsyncIterator[RunningHost]:
        """Run a host; a test that lets it fail asks for its error itself."""
        running = RunningHost(self, judge or self.judge, producer or self.producer, pace)
        try:
            yield running
        finally:
            await running.end()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not is_so():  # noqa: ASYNC110 - the hosts are not made to tell
                await asyncio.sleep(0.01)

    def unjudged(self) -> list[tuple[int, int]]:
        """Readings that never reached the rules."""
        return [
            (partition, record.offset)
            for partition, records in self.log.records.items()
            for record in records
            if not record.headers and (partition, record.offset) not in self.judge.judged
        ]

    def said(self) -> dict[str, set[bytes]]:
        """Alerts and indicators without repeats."""
        return {topic: {value for _, value in self.producer.said.get(topic, [])} for topic in (ALERTS, INDICATORS)}

    def said_by_a_plain_loop(self, ends: dict[int, int]) -> dict[str, set[bytes]]:
        """The same of a worker of each partition that nobody disturbs, up to where the hosts have come."""
        (judge,) = build_judges([Feed.PARKING.value], ProcessorSettings())
        said: dict[str, set[bytes]] = {ALERTS: set(), INDICATORS: set()}
        for partition, records in self.log.records.items():
            outputs, _ = Worker(judge, DUTY.topic, partition).judge(
                [record for record in records if record.offset < ends[partition]]
            )
            for output in outputs:
                if isinstance(output, AlertOutput):
                    said[ALERTS].add(output.alert.model_dump_json().encode())
                elif isinstance(output, IndicatorOutput):
                    said[INDICATORS].add(output.encode())
        return said


class RunningHost:
    """A host, its consumer and its health."""

    def __init__(self, district: District, judge: Any, producer: Any, pace: Pace) -> None:
        self.consumer = FakeConsumer(district.log, district.committed)
        self.health = Health()
        self._stop = asyncio.Event()
        clients = HostClients(
            self.consumer,
            district.state,  # type: ignore[arg-type]
            producer,
            district,  # type: ignore[arg-type]
            types.SimpleNamespace(published={}, is_complete=True),  # type: ignore[arg-type]
            lambda: nullcontext(FakeReader(district.log)),  # type: ignore[arg-type,return-value]
        )
        self.host: KafkaHost[Any] = KafkaHost(
            DUTY, judge, clients, pace, health=self.health, watchdog=Watchdog(), ready=self.health.ready
        )
        lifetime = types.SimpleNamespace(wait_stopped=self._stop.wait, must_end=lambda _: None)
        self.running = asyncio.create_task(self.host.run(lifetime))  # type: ignore[arg-type]

    async def rebalance(self, partitions: list[int]) -> None:
        await self.consumer.revoke()
        await asyncio.sleep(0.005)
        await self.consumer.give(partitions)

    def offsets(self) -> dict[int, int]:
        return {holding.partition: holding.worker.next_offset for holding in self.host.holdings.all()}

    def trouble(self) -> dict[str, str]:
        found = self.health.report()[1]["trouble"]
        assert isinstance(found, dict)
        return found

    async def stop(self) -> None:
        """End in good order."""
        self._stop.set()
        await asyncio.wait_for(self.running, 10)

    async def end(self) -> None:
        self._stop.set()
        await asyncio.wait([self.running], timeout=10)
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.consumer.close()
