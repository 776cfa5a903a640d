"""The operations API: `python -m services.operations_api`.

alerts, alert-actions ─▶ reader of the log ─▶ board ─▶ rows ─▶ routes, streams
database ─▶ read model ─▶ assets, figures, books
requests ─▶ doorkeeper ─▶ routes ─▶ desk ─▶ alert-actions, api-audit
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.district import district_of
from schemas.plan.errors import PlanFileError
from schemas.topics import API_AUDIT, TARGET_FIGURES
from services.operations_api.application import build
from services.operations_api.composition import Clients, Composition, compose, now
from services.operations_api.key_watch import KeyWatch
from services.operations_api.seed import Seed, seed_of
from services.operations_api.server import serve
from services.operations_api.settings import ApiSettings
from services.read_model.connection import Database
from services.read_model.errors import ReadModelError
from services.read_model.settings import ReadModelSettings
from services.runtime.kafka import admin, consumer, producer
from services.runtime.lifecycle import Lifetime, run_service, run_until_stopped
from services.runtime.settings import KafkaSettings

NAME: Final = "operations_api"
CLIENT: Final = "operations-api"


async def _run(lifetime: Lifetime) -> None:
    settings, kafka = ApiSettings.load(), KafkaSettings.load()
    # aiokafka says each of its retries; we say once that Kafka is away, and `/healthz` does.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    cluster_id = await _cluster_id(kafka)
    async with (
        Database.of(ReadModelSettings.load(), name=CLIENT) as database,
        producer(kafka, CLIENT, linger_ms=0, request_timeout_ms=10_000) as writer,
        consumer(kafka, f"{CLIENT}-log", (), None, fetch_max_wait_ms=50) as records,
        consumer(kafka, f"{CLIENT}-audit", (), None) as audited,
        consumer(kafka, f"{CLIENT}-figures", (), None) as figures,
    ):
        audited.assign([TopicPartition(API_AUDIT, 0)])
        figures.assign([TopicPartition(TARGET_FIGURES, 0)])
        events = partial(_reader_of_events, kafka)
        clients = Clients(
            cluster_id=cluster_id,
            database=database,
            writer=writer,
            log=records,
            audit=audited,
            figures=figures,
            events=events,
        )
        made = compose(settings, clients, lifetime.health, _zones(settings, lifetime))
        parts = made.parts
        keys = KeyWatch(settings.keys_file, parts.doorkeeper, lifetime)
        keys.look()
        await run_until_stopped(
            lifetime,
            {
                "fold the log": _fold(made, database, cluster_id, lifetime),
                "watch keys": keys.run(),
                "watch assets": parts.assets.run(),
                "tell of health": made.news.run(),
                "send audit records": parts.audit.run(),
                "serve": serve(build(parts), settings, lifetime, close=(parts.hub.close, parts.events.close)),
            },
        )


async def _fold(made: Composition, database: Database, cluster_id: str, lifetime: Lifetime) -> None:
    await made.reader.begin(await _seed(database, cluster_id, lifetime))
    lifetime.health.ready()
    alerts = sum(1 for _ in made.parts.board.lives())
    lifetime.log.info("what the log says of alerts is known", action="ready", alerts=alerts)
    await made.reader.run()


async def _seed(database: Database, cluster_id: str, lifetime: Lifetime) -> Seed | None:
    try:
        return await seed_of(database, cluster_id, now())
    except ReadModelError as error:
        lifetime.log.warning(
            "the database does not say where alerts stand, so the log is read from its beginning",
            action="begin_without_database",
            error=str(error),
        )
        return None


def _zones(settings: ApiSettings, lifetime: Lifetime) -> Mapping[str, str]:
    file = settings.district_file
    try:
        return dict(district_of(file.read_text(encoding="utf-8"), file=str(file)).zones())
    except (OSError, UnicodeDecodeError, PlanFileError) as error:
        lifetime.log.warning("only the database knows zones of assets", action="begin_without_zones", error=str(error))
        return {}


def _reader_of_events(kafka: KafkaSettings) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **kafka.client_options(f"{CLIENT}-events"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )


async def _cluster_id(kafka: KafkaSettings) -> str:
    async with admin(kafka, f"{CLIENT}-admin") as client:
        cluster = await client.describe_cluster()
    return str(cluster["cluster_id"])


if __name__ == "__main__":
    run_service(NAME, _run)
