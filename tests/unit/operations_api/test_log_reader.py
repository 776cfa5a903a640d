"""The board knows all of a topic that was made anew, whenever that was and however long it is by then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition

from schemas.alert_action import ActionKind
from schemas.topics import ALERT_ACTIONS, ALERTS
from services.operations_api.board import Board, Change
from services.operations_api.cursors import Coordinate
from services.operations_api.log_reader import LogReader
from services.operations_api.seed import Seed, Story
from services.runtime import log_follower
from services.runtime.health import Health
from services.runtime.same_log import Mark
from tests.api_samples import START, action, alert, at
from tests.unit.operations_api.made_anew import APART, Broker, broker, event, log_of

BOTH = [ALERTS, ALERT_ACTIONS]


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 0.0)


@dataclass
class Reading:
    broker: Broker
    board: Board = field(default_factory=Board)
    health: Health = field(default_factory=Health)
    changes: list[Change] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.reader = LogReader(
            self.broker,
            self.board,
            self.health,
            now=lambda: at(100),
            changed=self.changes.append,
            settled=lambda action_id, _: self.settled.add(action_id),
        )

    async def begin(self, seed: Seed | None = None) -> Reading:
        async with asyncio.timeout(10):
            await self.reader.begin(seed)
        return self

    def knows(self, topic: str, made: int, count: int) -> bool:
        """Whether it knows all of a log of a topic."""
        return all(
            self._knows(event(place, made, number))
            for place in self.broker.logs
            if place.topic == topic
            for number in range(count)
        )

    def _knows(self, one: Any) -> bool:
        if hasattr(one, "action_id"):
            return one.action_id in self.settled
        return self.board.life(one.alert_id) is not None

    @property
    def trouble(self) -> Any:
        return self.health.report()[1]["trouble"]


def seed_at(places: dict[TopicPartition, Coordinate], *stories: Story) -> Seed:
    return Seed(stories, (), {(each.topic, each.partition): place for each, place in places.items()})


def proof_of(place: TopicPartition, offset: int) -> Mark:
    """By which a log of before is known again."""
    return Mark(offset, log_of(place, 0, offset + 1)[-1].timestamp)


@pytest.mark.parametrize("topic", BOTH)
@pytest.mark.parametrize("count", [0, 7, 30, 45])
async def test_a_topic_that_is_made_anew_while_it_is_caught_up_with_leaves_nothing_out(topic: str, count: int) -> None:
    log = broker(30)
    log.most = 4
    log.before = lambda polls: log.make_anew(topic, count) if polls == 3 else None
    reading = await Reading(log).begin()
    assert reading.reader.is_ready
    assert reading.knows(topic, 1, count)
    assert "made anew" in reading.trouble["log of alerts"]


@pytest.mark.parametrize("topic", BOTH)
@pytest.mark.parametrize("count", [0, 7, 30, 90])
async def test_a_topic_that_is_made_anew_under_the_reader_is_folded_whole(topic: str, count: int) -> None:
    reading = await Reading(broker(30)).begin()
    assert reading.knows(topic, 0, 30)
    assert reading.trouble == {}
    reading.broker.make_anew(topic, count)
    for _ in range(8):
        await reading.reader._fold_some()
    assert reading.knows(topic, 1, count)
    assert list(reading.trouble) == ["log of alerts"]
    assert len(reading.changes) >= 3 * count
    assert reading.knows(topic, 0, 30), "what was known stays known"


@pytest.mark.parametrize("count", [0, 7, 20, 50])
async def test_a_place_that_the_database_has_of_the_old_log_is_no_place_of_the_new_one(count: int) -> None:
    log = broker(0)
    for topic in BOTH:
        log.make_anew(topic, count)
    before = alert(77_777)
    places = {place: Coordinate(20, proof_of(place, 19)) for place in log.logs}
    reading = await Reading(log).begin(seed_at(places, Story(before, (), {})))
    assert reading.board.life(before.alert_id) is not None, "what the database has stays"
    assert all(reading.knows(topic, 1, count) for topic in BOTH)
    assert not reading.board.complete, "the database knows alerts that this log has not"


@pytest.mark.parametrize("has_proof", [True, False])
async def test_a_place_of_the_same_log_is_gone_on_from(has_proof: bool) -> None:
    log = broker(30)
    places = {place: Coordinate(20, proof_of(place, 19) if has_proof else None) for place in log.logs}
    reading = await Reading(log).begin(seed_at(places))
    assert len(list(reading.board.lives())) == 3 * 10
    assert reading.trouble == {}


async def test_actions_of_a_new_log_count_though_the_database_has_stored_more_of_the_old_one() -> None:
    """The sink has not noticed yet: its place is 20, and this action's is 0."""
    log = broker(20)
    places = {place: Coordinate(20, proof_of(place, 19)) for place in log.logs}
    reading = await Reading(log).begin(seed_at(places))
    old = alert(88_888)
    comment = action(ActionKind.COMMENT, old, "new")
    place = TopicPartition(ALERT_ACTIONS, 0)
    log.logs[place] = log_of(place, 1, 1)
    log.logs[place][0].value = comment.model_dump_json().encode()
    for _ in range(3):
        await reading.reader._fold_some()
    life = reading.board.adopt(old, (), {0: 20}, at(100))
    assert [each.action_id for each in life.actions] == [comment.action_id]


def test_makings_lie_apart() -> None:
    assert timedelta(milliseconds=APART) > at(1) - START
