"""Days of the simulated district in a database of its own: judged as live, written by the sink's own writer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from pydantic import SecretStr

from deploy.local.stack import Stack
from schemas.fields import DISTRICT_ZONE, LIVE, Feed
from schemas.topics import ALERTS, INDICATORS, readings_topic
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from services.timescale_sink.assets import assets_of
from services.timescale_sink.migrations import bring_up_to_date
from services.timescale_sink.register import plan_rows, write_registers
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from services.timescale_sink.writer import database_pool
from simulators.world.files import load_world
from simulators.world.library import load_for
from simulators.world.run import Order, WorldRun
from tests.integration.fresh_database import as_owner, fresh_database
from tests.integration.read_model_world import as_reader
from tests.simulated_day import Day, Log, _judge, _tick, write

NAME = "whatif"
FIRST, DAYS = date(2025, 11, 20), 2
"""The second day is the one that is asked about."""
BEGIN = datetime(2025, 11, 20, tzinfo=DISTRICT_ZONE)
SINCE = BEGIN + timedelta(days=1)
UNTIL = BEGIN + timedelta(days=2)
ENDS = UNTIL + timedelta(days=2)
"""So long the live clock ran on: the figures of the last day are final."""
SCENARIOS = {Feed.EMERGENCY: "ambulance-shortage", Feed.WATER: "chemical-spill"}


@dataclass(frozen=True, slots=True)
class History:
    """The database, and what was sent."""

    owner: Any
    reader: SecretStr
    readings: dict[Feed, list[dict[str, Any]]]


def lived() -> Day:
    """The days as Kafka would have them."""
    world = load_world(0.1)
    logs = {name: Log(name) for name in (ALERTS, INDICATORS)}
    judges = {judge.feed: judge for judge in build_judges([], ProcessorSettings.model_construct())}
    for feed, scenario in SCENARIOS.items():
        log = logs[readings_topic(feed)] = Log(readings_topic(feed))
        run = WorldRun(world, load_for(scenario, world), Order(7, FIRST, DAYS, LIVE, feeds=(feed,)))
        for part in run.parts(60):
            _tick(log, datetime.fromtimestamp(part.begin, UTC))
            for sent, line in part.lines[feed]:
                log.add(line.strip(), datetime.fromtimestamp(sent, UTC) + timedelta(seconds=0.2))
        at = UNTIL
        while at <= ENDS:
            _tick(log, at.astimezone(UTC))
            at += timedelta(hours=1)
        _judge(judges[feed], log, logs)
    return Day(logs, BEGIN, UNTIL)


@asynccontextmanager
async def history(stack: Stack) -> AsyncIterator[History]:
    """Make and fill it."""
    day, defaults = lived(), MigrationSettings.model_fields
    async with fresh_database(stack, NAME) as address, as_owner(address) as owner:
        settings = MigrationSettings.model_construct()
        await bring_up_to_date(owner, load_storage(defaults["storage_file"].default), settings)
        register = defaults["district_file"].default.read_text(encoding="utf-8")
        await write_registers(owner, assets_of(register, file="district"), plan_rows(defaults["plan_folder"].default))
        async with database_pool(f"{address}?role=district_owner") as pool:
            await write(day, pool)
        readings = {
            feed: [orjson.loads(one.value) for one in day.logs[readings_topic(feed)].records if not one.headers]
            for feed in SCENARIOS
        }
        yield History(owner, SecretStr(as_reader(stack, NAME)), readings)
