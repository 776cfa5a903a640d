"""The processors' own rules on days of the world, in a plain loop: what is quiet stays quiet, what happens is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from schemas.alert import AlertEventType
from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.fields import LIVE, Feed
from schemas.topics import readings_topic
from services.stream_processors.engine.events import AlertOutput
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from simulators.world.library import load_for
from simulators.world.run import Order, WorldRun
from simulators.world.truth import Truth
from tests.unit.simulators.world.world_run import FIRST, world

pytestmark = pytest.mark.slow
ON_ITS_WAY = timedelta(seconds=0.2)


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
    """Rule and asset of each alert that was raised, and what was so."""

    raised: frozenset[tuple[str, str]]
    truth: tuple[Truth, ...]

    def assets(self, rule: str) -> set[str]:
        return {asset for each, asset in self.raised if each == rule}


@cache
def judged(scenario: str, feed: Feed) -> Judged:
    """A day from its first second to its last, with a tick a minute."""
    order = Order(7, FIRST, 1, LIVE, feeds=(feed,))
    run = WorldRun(world(), load_for(scenario, world()), order)
    (judge,) = [each for each in build_judges([], ProcessorSettings.model_construct()) if each.feed is feed]
    worker: Worker[Any] = Worker(judge, readings_topic(feed), 0)
    raised: set[tuple[str, str]] = set()
    offset = 0
    for part in run.parts(60):
        begin = datetime.fromtimestamp(part.begin, UTC)
        tick = Tick(lane=LIVE, at=begin).model_dump_json().encode()
        values = [(begin, tick, ((KIND_HEADER, KIND_TICK),))]
        values += [
            (datetime.fromtimestamp(sent, UTC) + ON_ITS_WAY, line.strip(), ()) for sent, line in part.lines[feed]
        ]
        for at, value, headers in values:
            record = Record(readings_topic(feed), offset, int(at.timestamp() * 1_000), value, headers)
            offset += 1
            for said in worker.judge([record])[0]:
                if isinstance(said, AlertOutput) and said.alert.event is AlertEventType.RAISED:
                    raised.add((said.alert.rule, said.alert.asset))
    return Judged(frozenset(raised), tuple(run.truth()))


REAL = {
    "water.class_worse_than_target",
    "parking.lot_full",
    "emergency.response_at_risk",
    "emergency.response_breach",
    "emergency.coverage_low",
    "emergency.call_unassigned",
}
"""What a quiet day has anyhow: a lake of class IV, full car parks, a call far from the two units of a tenth's size."""


@pytest.mark.parametrize("feed", list(Feed))
def test_a_quiet_day_of_three_hundred_devices_brings_no_false_alert(feed: Feed) -> None:
    assert {each for each in judged("quiet-day", feed).raised if each[0] not in REAL} == set()


def test_what_a_quiet_day_has_anyhow_is_so() -> None:
    parking = judged("quiet-day", Feed.PARKING)
    assert parking.assets("parking.lot_full") >= {each.device for each in parking.truth if each.what == "lot_full"}
    emergency = judged("quiet-day", Feed.EMERGENCY)
    late = {each.device for each in emergency.truth if each.what == "late_response"}
    assert emergency.assets("emergency.response_breach") == late


def test_real_pollution_and_a_broken_instrument_are_told_apart() -> None:
    found = judged("chemical-spill", Feed.WATER)
    assert {"beihu", "xihu"} <= found.assets("water.class_worse_than_target")
    assert found.assets("water.sensor_fault") == {"water-lingjiao-2"}
    assert "lingjiao" not in found.assets("water.class_worse_than_target")


def test_each_site_without_power_is_dark_and_no_other() -> None:
    sites = {site.id for site in world().district.site if site.zone == "cbd"} | {"site-taibei"}
    assert judged("charging-blackout", Feed.EV).assets("ev.site_dark") == sites


def test_broken_instruments_and_silent_stations_are_found() -> None:
    found = judged("sensor-vandalism", Feed.WATER)
    wanted = {"reported_fault", "unit_mixup", "flat_line"}
    broken = {each.device for each in found.truth if each.what in wanted}
    assert len(broken) == 3
    assert broken <= found.assets("water.sensor_fault")
    assert found.assets("water.station_silent") == {each.device for each in found.truth if each.what == "gap"}
    parking = judged("sensor-vandalism", Feed.PARKING)
    for what, rule in (("clock_skew", "device.clock_wrong"), ("flat_line", "parking.counter_stuck")):
        assert parking.assets(rule) == {each.device for each in parking.truth if each.what == what}
