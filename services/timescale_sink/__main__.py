"""The sink: `python -m services.timescale_sink [run | migrate | register]`.

Kafka consumer ─▶ a loop a topic: decode ─▶ one transaction a round ─▶ commit
                                                 └────▶ refused rows ─▶ dead letters
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from services.runtime.database import DATABASE_FAULTS
from services.runtime.dead_letters import dead_letter_producer
from services.runtime.errors import PlatformError
from services.runtime.kafka import admin, consumer, producer
from services.runtime.lifecycle import Lifetime, run_service
from services.runtime.progress_watch import watch_progress
from services.runtime.settings import KafkaSettings
from services.timescale_sink.flood_watch import watch_floods
from services.timescale_sink.gap_watch import watch_gaps
from services.timescale_sink.migrations import migrate
from services.timescale_sink.missing_watch import watch_missing
from services.timescale_sink.register import register
from services.timescale_sink.retention import keep_to_ages
from services.timescale_sink.rollups import keep_rollups
from services.timescale_sink.settings import MigrationSettings, SinkSettings
from services.timescale_sink.shares import TOPICS
from services.timescale_sink.sink import Source, move_all
from services.timescale_sink.standing_watch import watch_standings
from services.timescale_sink.standstill import Standing
from services.timescale_sink.writer import Writer, database_pool

NAME = "timescale_sink"


async def _cluster_id(kafka: KafkaSettings) -> str:
    async with admin(kafka, f"{NAME}-admin") as client:
        cluster = await client.describe_cluster()
    return str(cluster["cluster_id"])


async def _run(lifetime: Lifetime) -> None:
    kafka, settings = KafkaSettings.load(), SinkSettings.load()
    cluster_id = await _cluster_id(kafka)
    async with (
        database_pool(settings.database_url.get_secret_value()) as pool,
        dead_letter_producer(kafka, NAME) as dead_letters,
        producer(kafka, f"{NAME}-alerts") as alerts,
        consumer(kafka, NAME, (), settings.group) as records,
        asyncio.TaskGroup() as tasks,
    ):
        writer = partial(Writer, pool, cluster_id, dead_letters, settings.device_refresh_seconds)
        source = Source(records, partial(consumer, kafka, f"{NAME}-look", (), None))
        standings = {topic: Standing() for topic in TOPICS}
        beside = {
            "ages": keep_to_ages(pool, settings, lifetime),
            "rollups": keep_rollups(pool, settings, lifetime),
            "gaps": watch_gaps(pool, alerts, cluster_id, lifetime),
            "floods": watch_floods(pool, alerts, settings, lifetime),
            "missing": watch_missing(pool, alerts, settings, lifetime),
            "standings": watch_standings(pool, settings, lifetime),
            "watch": watch_progress(records, standings, lifetime, limit_seconds=settings.standstill_seconds),
        }
        running = [tasks.create_task(task, name=name) for name, task in beside.items()]
        try:
            await move_all(source, writer, settings, lifetime, standings)
        finally:
            for task in running:
                task.cancel()


def _migrate() -> None:
    try:
        applied = asyncio.run(migrate(MigrationSettings.load()))
    except (PlatformError, OSError) as error:
        sys.exit(f"migrate: {error}")
    print(f"migrations: {len(applied)} applied" + "".join(f"\n  {name}" for name in applied))


def _register() -> None:
    try:
        done = asyncio.run(register(MigrationSettings.load()))
    except (PlatformError, *DATABASE_FAULTS) as error:
        sys.exit(f"register: {error}")
    print(f"register: {done.assets} assets, {done.retired} retired, {done.documents} plan documents")


def main() -> None:
    """Entry point."""
    match sys.argv[1:]:
        case [] | ["run"]:
            run_service(NAME, _run)
        case ["migrate"]:
            _migrate()
        case ["register"]:
            _register()
        case _:
            sys.exit("usage: python -m services.timescale_sink [run | migrate | register]")


if __name__ == "__main__":
    main()
