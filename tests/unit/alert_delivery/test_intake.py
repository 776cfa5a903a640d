"""A log that was made anew, or has lost its end, is read from its beginning: events at known places are new ones.

committed 100 of the old log      the new one has 150 when it is met: all 150 are delivered
read 10 of the old log            the new one has 60 before the next poll: all 60 are delivered
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from schemas.alert_action import ActionKind
from schemas.topics import ALERT_ACTIONS, ALERTS
from services.alert_delivery.delivering import Errand
from services.alert_delivery.events import Event, Shelf
from services.alert_delivery.intake import Intake
from services.alert_delivery.placing import Bounds, KafkaAccess
from services.alert_life.renderings.cap import Publisher
from services.runtime import log_follower
from services.runtime.health import Health
from services.runtime.log_faults import TROUBLE_SECONDS, LogFaults
from services.runtime.settings import KafkaSettings
from tests.unit.alert_delivery.made import START, action, alert
from tests.unit.runtime.fake_log import FakeLog, records_of

PLACE, ACTIONS = TopicPartition(ALERTS, 0), TopicPartition(ALERT_ACTIONS, 0)
PART = "subscriber x: its log"
Carried = tuple[str, int]
"""Topic, and the record's time."""


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 0.0)


@dataclass
class Carrier:
    carried: list[Carried] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    stuck: set[int] = field(default_factory=set)
    """Offsets that are never through."""

    def wants(self, event: Event) -> bool:  # noqa: ARG002 - all
        return True

    async def carry(self, errand: Errand) -> None:
        if errand.arrival.place.offset in self.stuck:
            await self.held.wait()
        self.carried.append((errand.arrival.place.topic, round(errand.arrival.recorded_at.timestamp() * 1000)))

    async def let_go(self, seconds: float) -> None: ...

    def go_on(self) -> None: ...


class Broker(FakeLog):
    """Keeps commits, as Kafka does, beside the logs."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: dict[TopicPartition, tuple[int, str]] = {}
        self.assign((PLACE, ACTIONS))

    async def commit(self, offsets: dict[TopicPartition, tuple[int, str]]) -> None:
        self.commits |= offsets

    async def list_consumer_group_offsets(self, group: str) -> dict[TopicPartition, Any]:  # noqa: ARG002 - there is one
        return {place: SimpleNamespace(offset=offset, metadata=said) for place, (offset, said) in self.commits.items()}


@dataclass
class Clock:
    seconds: float = 0.0


def log_of(count: int, made: int = 0, place: TopicPartition = PLACE) -> list[Any]:
    """A log of so many events; another `made` gives others."""
    events: list[Any] = [alert(f"lot-{made}-{offset}") for offset in range(count)]
    if place == ACTIONS:
        events = [action(ActionKind.COMMENT, each, START) for each in events]
    begun_at = int(START.timestamp() * 1000) + 1_000_000 * made
    values = [each.model_dump_json().encode() for each in events]
    return records_of(place, count, begun_at=begun_at, values=values)


def said_of(records: list[Any]) -> list[Carried]:
    return [(each.topic, each.timestamp) for each in records]


@dataclass
class Reading:
    """An intake on a broker, until it dies."""

    broker: Broker
    carrier: Carrier = field(default_factory=Carrier)
    health: Health = field(default_factory=Health)
    clock: Clock = field(default_factory=Clock)
    counted: list[str] = field(default_factory=list)
    end: timedelta | None = None

    def __post_init__(self) -> None:
        access = KafkaAccess(KafkaSettings(bootstrap="127.0.0.1:9"), self.broker, None)
        end = None if self.end is None else START + self.end
        bounds = Bounds("delivery-x", START - timedelta(days=1), end)
        faults = LogFaults(
            PART, self.health, self.counted.append, now=lambda: START, monotonic=lambda: self.clock.seconds
        )
        self.faults = faults
        self.intake = Intake(
            access,
            Shelf(Publisher("http://127.0.0.1")),
            bounds,
            carrier=self.carrier,
            faults=faults,
            capacity=1_000,
        )
        self.intake._go_by(self.broker)

    async def begin(self) -> Reading:
        await self.intake.on_partitions_assigned([PLACE, ACTIONS])
        return self

    async def until(self, condition: Callable[[], bool], rounds: int = 8) -> None:
        for _ in range(rounds):
            await self.intake._read_some(await self.intake._lines.room())
            for _ in range(1_000):
                await asyncio.sleep(0)  # the lines of the assets get their turn
                if condition():
                    return

    async def carries(self, records: list[Any]) -> bool:
        """Whether all of these are carried."""
        await self.until(lambda: set(said_of(records)) <= set(self.carrier.carried))
        return set(said_of(records)) <= set(self.carrier.carried)

    async def commit(self) -> None:
        await self.intake._commit(self.intake._hold)

    @property
    def trouble(self) -> Any:
        return self.health.report()[1]["trouble"]


async def committed(count: int, place: TopicPartition = PLACE) -> Broker:
    """A broker that knows a group which has read so much of a log, and is not running any more."""
    broker = Broker()
    broker.logs[place] = log_of(count, place=place)
    reading = await Reading(broker).begin()
    assert await reading.carries(broker.logs[place])
    await reading.intake._let_go()
    assert broker.commits[place][0] == count
    return broker


@pytest.mark.parametrize("place", [PLACE, ACTIONS])
@pytest.mark.parametrize("count", [0, 30, 99, 100, 101, 150])
async def test_made_anew_while_the_service_was_away_every_event_is_delivered(place: TopicPartition, count: int) -> None:
    broker = await committed(100, place)
    broker.logs[place] = log_of(count, 1, place)
    reading = await Reading(broker).begin()
    assert await reading.carries(broker.logs[place])
    assert list(reading.trouble) == [PART]
    assert "made anew" in reading.trouble[PART]
    assert reading.counted == [place.topic]
    await reading.intake._let_go()
    assert broker.commits[place][0] == count


@pytest.mark.parametrize("place", [PLACE, ACTIONS])
@pytest.mark.parametrize("count", [5, 10, 60])
async def test_made_anew_under_the_reader_every_event_is_delivered(place: TopicPartition, count: int) -> None:
    broker = Broker()
    broker.logs[place] = log_of(10, place=place)
    reading = await Reading(broker).begin()
    assert await reading.carries(broker.logs[place])
    broker.logs[place] = log_of(count, 1, place)
    assert await reading.carries(broker.logs[place])
    assert reading.counted == [place.topic]


async def test_killed_before_it_was_seen_that_the_log_outgrew_its_old_place_nothing_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = Broker()
    broker.logs[PLACE] = log_of(10)
    reading = await Reading(broker).begin()
    assert await reading.carries(broker.logs[PLACE])
    await reading.commit()
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 3_600.0)
    reading.intake._follower._look_at = float("inf")
    broker.logs[PLACE] = log_of(60, 1)
    assert not await reading.carries(broker.logs[PLACE])
    await reading.commit()
    assert broker.commits[PLACE][0] == 60, "as if all of the new log were delivered"
    again = await Reading(broker).begin()
    assert await again.carries(broker.logs[PLACE])


async def test_what_is_unfinished_and_what_is_finished_beyond_it_are_known_again_in_the_same_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 3_600.0)
    broker = Broker()
    broker.logs[PLACE] = log_of(20)
    reading = await Reading(broker, Carrier(stuck={5})).begin()
    await reading.until(lambda: len(reading.carrier.carried) == 19)
    await reading.intake._let_go()
    assert broker.commits[PLACE][0] == 5
    again = await Reading(broker).begin()
    await again.until(lambda: False, rounds=3)
    assert again.carrier.carried == said_of(log_of(20))[5:6]
    assert again.trouble == {}


async def test_a_commit_of_an_older_release_is_gone_on_from_and_one_beyond_the_end_is_not() -> None:
    broker = Broker()
    broker.logs[PLACE] = log_of(30)
    broker.commits = {PLACE: (20, "done= tried="), ACTIONS: (0, "")}
    reading = await Reading(broker).begin()
    await reading.until(lambda: False, rounds=3)
    assert (reading.carrier.carried, reading.trouble) == (said_of(log_of(30))[20:], {})
    broker.commits[PLACE] = (100, "done= tried=")
    reading = await Reading(broker).begin()
    assert await reading.carries(broker.logs[PLACE])
    assert reading.counted == [ALERTS]


async def test_a_place_that_is_gone_from_kafka_is_said() -> None:
    broker = await committed(10)
    del broker.commits[PLACE]
    reading = await Reading(broker).begin()
    assert await reading.carries(broker.logs[PLACE])
    assert "is gone from Kafka" in reading.trouble[PART]


async def test_places_that_are_gone_in_all_partitions_are_said_by_who_has_committed_them() -> None:
    broker = Broker()
    broker.logs[PLACE] = log_of(10)
    reading = await Reading(broker).begin()
    assert await reading.carries(broker.logs[PLACE])
    await reading.commit()
    broker.commits.clear()
    broker.logs = {PLACE: log_of(40, 1), ACTIONS: []}
    await reading.intake.on_partitions_assigned([PLACE, ACTIONS])
    assert await reading.carries(broker.logs[PLACE])
    assert reading.trouble[PART].startswith(
        "alert-actions 0, alerts 0: the place of the group delivery-x in it is gone"
    )


async def test_a_group_that_begins_has_lost_nothing() -> None:
    broker = Broker()
    broker.logs[PLACE] = log_of(10)
    reading = await Reading(broker).begin()
    assert await reading.carries(broker.logs[PLACE])
    assert reading.trouble == {}


async def test_after_a_while_it_is_no_trouble_any_more_and_still_known() -> None:
    broker = await committed(10)
    broker.logs[PLACE] = log_of(20, 1)
    reading = await Reading(broker).begin()
    assert await reading.carries(broker.logs[PLACE])
    reading.faults.look()
    assert list(reading.trouble) == [PART]
    reading.clock.seconds = TROUBLE_SECONDS
    reading.faults.look()
    assert reading.trouble == {}
    remarks: Any = reading.health.report()[1]["remarks"]
    assert remarks[PART].startswith("alerts 0: the topic was made anew")


@pytest.mark.parametrize("count", [0, 5, 10, 40])
async def test_a_redelivery_comes_to_its_end_though_the_log_is_made_anew_under_it(count: int) -> None:
    """The old log ended at 50 when it was asked for; only 20 were read when it went."""
    broker = Broker()
    broker.logs[PLACE] = log_of(20)
    reading = await Reading(broker, end=timedelta(milliseconds=2_000_000)).begin()
    reading.intake._hold.ends = {PLACE: 50, ACTIONS: 0}  # type: ignore[union-attr] # as it ended when it was asked for
    assert await reading.carries(broker.logs[PLACE])
    assert not await reading.intake._is_at_end()
    broker.logs[PLACE] = log_of(count, 1)
    assert await reading.carries(broker.logs[PLACE])
    await reading.until(lambda: not reading.intake.in_hand)
    assert await reading.intake._is_at_end()


async def test_a_broker_that_does_not_answer_at_take_over_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, asked = await committed(5), 0
    answers = broker.list_consumer_group_offsets

    async def fails_once(group: str) -> dict[TopicPartition, Any]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise KafkaConnectionError
        return await answers(group)

    monkeypatch.setattr(broker, "list_consumer_group_offsets", fails_once)
    monkeypatch.setattr("services.alert_delivery.intake.COMMIT_SECONDS", 0.0)
    reading = await Reading(broker).begin()
    broker.logs[PLACE] = log_of(8)
    assert await reading.carries(broker.logs[PLACE][5:])
    assert asked == 2
