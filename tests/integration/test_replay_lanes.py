"""`district replay` and `district lane` through the real broker, Kafka and database; judging is said by a stand-in.

The stand-in judges nothing: it reads the topic of the lanes as the lanes worker does, and says how far it has come.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.stack import ServiceSpec, Stack
from schemas.clock import Tick
from schemas.fields import Feed
from schemas.lane import LanePhase, LaneStatus
from schemas.topics import LANES, readings_topic, topic_spec
from services.district.run import SINK
from services.runtime.settings import KafkaSettings

BRIDGE = ServiceSpec("ingest_bridge", (sys.executable, "-m", "services.ingest_bridge"), "bridge")
TOPIC = readings_topic(Feed.EV, live=False)
PLACES = [TopicPartition(TOPIC, number) for number in range(topic_spec(TOPIC).partitions)]
SESSIONS = "sessionId,kwhTotal,created,ended,chargeTimeHrs,stationId,locationId\n" + "".join(
    f"S{n},7.7,2014-11-{n % 27 + 1:02} 15:40:26,2014-11-{n % 27 + 1:02} 17:11:04,1.5,P{n % 5},L{n % 3}\n"
    for n in range(400)
)


@dataclass
class StandIn:
    """Says of each lane how far it has read; refuses lanes whose name says so."""

    producer: AIOKafkaProducer
    lanes: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)

    async def take(self, record: Any) -> None:
        """Read one record."""
        if not record.headers:
            lane = json.loads(record.value)["lane"]
            if known := self.lanes.get((record.partition, lane)):
                known |= {"next_offset": record.offset + 1, "judged": known["judged"] + 1}
            return
        tick = Tick.model_validate_json(record.value)
        place = record.partition, tick.lane
        if "refused" in tick.lane:
            state = {"opened_offset": record.offset, "next_offset": record.offset + 1, "judged": 0, "clock": tick.at}
            await self.say(place, state, LanePhase.REFUSED, "16 lanes of ev are open")
            return
        state = self.lanes.setdefault(place, {"opened_offset": record.offset, "judged": 0})
        state |= {"next_offset": record.offset + 1, "clock": tick.at}
        if tick.closes:
            del self.lanes[place]
        await self.say(place, state, LanePhase.CLOSED if tick.closes else LanePhase.OPEN)

    async def say(self, place: tuple[int, str], state: dict[str, Any], phase: LanePhase, detail: str = "") -> None:
        """Write a status."""
        partition, lane = place
        status = LaneStatus(
            feed=Feed.EV, lane=lane, partition=partition, phase=phase, at=datetime.now(UTC), detail=detail, **state
        )
        await self.producer.send_and_wait(LANES, status.model_dump_json().encode(), key=status.kafka_key())


@asynccontextmanager
async def reading_lanes(settings: KafkaSettings) -> AsyncIterator[None]:
    async with (
        AIOKafkaProducer(**settings.client_options("stand-in")) as producer,
        AIOKafkaConsumer(**settings.client_options("stand-in"), enable_auto_commit=False) as consumer,
    ):
        consumer.assign(PLACES)
        await consumer.seek_to_end(*PLACES)
        for place in PLACES:
            await consumer.position(place)
        stand_in = StandIn(producer)

        async def run() -> None:
            async for record in consumer:
                await stand_in.take(record)

        running = asyncio.create_task(run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture(scope="module")
async def platform(stack: Stack) -> AsyncIterator[Stack]:
    for service in (SINK, BRIDGE):
        await stack.start_service(service)
    environment = stack.environment("operator")
    names = ("bootstrap", "security_protocol", "username", "password")
    settings = KafkaSettings.model_validate({name: environment[f"KAFKA_{name.upper()}"] for name in names})
    async with reading_lanes(settings):
        yield stack
    for service in (BRIDGE, SINK):
        await stack.stop(service.name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "charging.csv"
    path.write_text(SESSIONS, encoding="utf-8")
    return path


@dataclass
class Command:
    """`district` as the operator of these servers runs it."""

    environment: dict[str, str]

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.district", *arguments),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        return process.returncode or 0, out.decode(), err.decode()

    async def replay(self, file: Path, lane: str, *options: str) -> dict[str, Any]:
        code, out, err = await self("replay", "ev", str(file), "--lane", lane, "--json", *options)
        assert code == 0, err
        report: dict[str, Any] = json.loads(out)
        assert report["sent"] == report["stored"] + report["dead_lettered"] + report["duplicates"] == 800
        return report

    async def open_lanes(self) -> dict[str, dict[str, Any]]:
        code, out, err = await self("lane", "list", "--json")
        assert code == 0, err
        return {each["lane"]: each for each in json.loads(out)}


@pytest.fixture
def district(platform: Stack, tmp_path: Path) -> Command:
    """With a state folder for which no district runs."""
    return Command(dict(platform.environment("operator")) | {"DISTRICT_STATE": str(tmp_path / "state")})


async def test_a_replay_returns_when_all_is_judged_and_its_lane_is_closed_for_good(
    district: Command, file: Path
) -> None:
    """Opened again its revisions would begin at 0, and whoever has the higher ones of before would keep those."""
    lane = f"replay:{uuid.uuid4().hex[:8]}"
    first = await district.replay(file, lane)
    assert (first["stored"], first["judged"], first["judging_failed"]) == (800, 800, 0)
    assert lane not in await district.open_lanes()
    for options in ((), ("--no-wait",), ("--keep-open",)):
        code, out, err = await district("replay", "ev", str(file), "--lane", lane, "--json", *options)
        assert (code, out) == (2, "")
        assert f"lane {lane} of ev was replayed and closed" in err
        assert "choose another name" in err
        assert "Traceback" not in err
    assert lane not in await district.open_lanes()


async def test_a_lane_that_is_kept_open_is_listed_takes_more_and_is_closed_by_hand(
    district: Command, file: Path
) -> None:
    lane = f"replay:{uuid.uuid4().hex[:8]}"
    began = datetime.now(UTC)
    assert (await district.replay(file, lane, "--keep-open"))["judged"] == 800
    listed = (await district.open_lanes())[lane]
    assert (listed["feed"], listed["judged"], listed["lag"]) == ("ev", 800, 0)
    assert began <= datetime.fromisoformat(listed["opened_at"]) <= datetime.now(UTC)
    assert listed["clock"].startswith("2014-11-2")
    again = await district.replay(file, lane, "--keep-open")
    assert (again["duplicates"], again["judged"]) == (800, 1_600)
    code, out, _ = await district("lane", "close", "ev", lane)
    assert (code, out) == (0, f"lane {lane} of ev is closed: 1,600 readings judged\n")
    assert lane not in await district.open_lanes()
    code, _, err = await district("lane", "close", "ev", lane)
    assert code == 2
    assert "is not open" in err


async def test_without_waiting_the_lane_stays_open(district: Command, file: Path) -> None:
    lane = f"replay:{uuid.uuid4().hex[:8]}"
    assert (await district.replay(file, lane, "--no-wait"))["judged"] is None
    assert lane in await district.open_lanes()
    assert (await district("lane", "close", "ev", lane))[0] == 0


async def test_a_refused_lane_says_how_to_make_room(district: Command, file: Path) -> None:
    code, out, err = await district("replay", "ev", str(file), "--lane", f"refused-{uuid.uuid4().hex[:8]}", "--json")
    assert (code, out) == (2, "")
    assert "16 lanes of ev are open" in err
    assert "`district lane list`" in err
    assert "Traceback" not in err
