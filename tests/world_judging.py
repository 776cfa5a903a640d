"""A day of the world through the processors' own rules, in a plain loop: no server, no clock but the day's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from schemas.alert import Alert, AlertEventType
from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.fields import LIVE, Feed
from schemas.topics import readings_topic
from services.stream_processors.engine.events import AlertOutput
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from simulators.world.places import World
from simulators.world.register_toml import district_toml
from simulators.world.run import Order, WorldRun
from simulators.world.scenario import Scenario
from simulators.world.truth import Truth

ON_ITS_WAY: Final = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True)
class Record:
    """A record as Kafka would give it."""

    topic: str
    offset: int
    timestamp: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """Alerts that were raised, in the order in which they were, and what was so."""

    raised: tuple[Alert, ...]
    withdrawn: frozenset[str]
    """Ids of those that late data took back."""
    ended: dict[str, datetime]
    """When they were over, by id; the others last."""
    members: dict[str, set[tuple[str, str]]]
    """Rules and assets of the alerts that one stands for, by id."""
    truth: tuple[Truth, ...]
    devices: int
    readings: int

    def assets(self, rule: str) -> set[str]:
        """What a rule raised an alert about, whether it was taken back or not."""
        return {alert.asset for alert in self.raised if alert.rule == rule}


def judged_day(world: World, scenario: Scenario, order: Order, feed: Feed) -> Judged:
    """The days of an order, for one feed, from the first second to the last with a tick a minute.

    The rules know the places of the world, as processors do that have its district file.
    """
    run = WorldRun(world, scenario, order)
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".toml") as file:
        file.write(district_toml(world.district, title=f"scale {world.scale:g}"))
        file.flush()
        settings = ProcessorSettings.model_construct(district_file=Path(file.name))
        (judge,) = [each for each in build_judges([], settings) if each.feed is feed]
    worker: Worker[Any] = Worker(judge, readings_topic(feed), 0)
    raised: list[Alert] = []
    withdrawn: set[str] = set()
    ended: dict[str, datetime] = {}
    members: dict[str, set[tuple[str, str]]] = {}
    offset = readings = 0
    for part in run.parts(60):
        begin = datetime.fromtimestamp(part.begin, UTC)
        tick = Tick(lane=LIVE, at=begin).model_dump_json().encode()
        values = [(begin, tick, ((KIND_HEADER, KIND_TICK),))]
        values += [
            (datetime.fromtimestamp(sent, UTC) + ON_ITS_WAY, line.strip(), ()) for sent, line in part.lines[feed]
        ]
        readings += len(values) - 1
        for at, value, headers in values:
            record = Record(readings_topic(feed), offset, int(at.timestamp() * 1_000), value, headers)
            offset += 1
            for said in worker.judge([record])[0]:
                if not isinstance(said, AlertOutput):
                    continue
                if said.alert.members:
                    members.setdefault(said.alert.alert_id, set()).update(said.alert.members)
                if said.alert.ended_at is not None:
                    ended[said.alert.alert_id] = said.alert.ended_at
                if said.alert.event is AlertEventType.RAISED:
                    raised.append(said.alert)
                elif said.alert.event is AlertEventType.RETRACTED:
                    withdrawn.add(said.alert.alert_id)
    devices = sum(each.feed is feed for each in world.district.devices())
    return Judged(tuple(raised), frozenset(withdrawn), ended, members, tuple(run.truth()), devices, readings)
