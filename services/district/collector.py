"""Asks every source for its figures; one that does not answer leaves a note instead of an error."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local import kafka, mosquitto, postgres
from deploy.local.process_spec import Kind
from services.district.database_figures import DatabaseCollector
from services.district.errors import ServerSilent
from services.district.figures import (
    DatabaseFigures,
    KafkaFigures,
    ProcessFigures,
    ProcessState,
    Snapshot,
    Sources,
    combine,
)
from services.district.kafka_figures import KafkaCollector
from services.district.process_figures import all_down, listens, read_record, seen_from_outside, supervised, with_health
from services.district.settings import Access
from services.runtime.settings import parse_mqtt_url


class Collector:
    """The operator's view of all servers; cheap to ask again."""

    def __init__(self, access: Access, *, alerts_at_most: int | None) -> None:
        self._access = access
        self._resources = AsyncExitStack()
        self._kafka = KafkaCollector(access.kafka) if access.kafka is not None else None
        self._database = (
            DatabaseCollector(access.database_url, alerts_at_most=alerts_at_most)
            if access.database_url is not None
            else None
        )

    async def __aenter__(self) -> Self:
        for part in (self._kafka, self._database):
            if part is not None:
                await self._resources.enter_async_context(part)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    async def collect(self) -> Snapshot:
        """Ask every source once.

        The database comes before Kafka: what the sink has handled plus what Kafka has beyond that is then all that
        Kafka has, whatever happens between the two questions.
        """
        notes: dict[str, str] = {}
        database = await self._ask_database(notes)
        offsets = await self._ask_kafka(notes)
        servers, services = await self._processes(notes)
        sources = Sources(servers, services, database, offsets, tuple(notes.values()))
        return combine(sources, at=datetime.now(UTC), seconds=time.monotonic())

    async def _ask_database(self, notes: dict[str, str]) -> DatabaseFigures | None:
        if self._database is None:
            notes[postgres.NAME] = "No database is named: set DATABASE_READER_URL."
            return None
        try:
            return await self._database.collect()
        except ServerSilent as error:
            notes[postgres.NAME] = str(error)
            return None

    async def _ask_kafka(self, notes: dict[str, str]) -> KafkaFigures | None:
        if self._kafka is None:
            notes[kafka.NAME] = "No Kafka is named: set KAFKA_BOOTSTRAP."
            return None
        try:
            return await self._kafka.collect()
        except ServerSilent as error:
            notes[kafka.NAME] = str(error)
            return None

    async def _processes(self, notes: dict[str, str]) -> tuple[dict[str, ProcessFigures], dict[str, ProcessFigures]]:
        record = read_record(self._access.state) if self._access.state is not None else None
        servers = supervised(record, Kind.SERVER) if record is not None else {}
        services = await with_health(record, supervised(record, Kind.SERVICE)) if record is not None else {}
        shown: dict[str, ProcessFigures] = {}
        for name in (mosquitto.NAME, kafka.NAME, postgres.NAME):
            answers = await self._broker_listens(notes) if name == mosquitto.NAME else name not in notes
            own = servers.get(name)
            shown[name] = (
                seen_from_outside(own, answers=answers, why=notes.get(name))
                if own is not None
                else ProcessFigures(ProcessState.RUNNING if answers else ProcessState.DOWN, "your own")
            )
        return shown, services

    async def _broker_listens(self, notes: dict[str, str]) -> bool:
        url = self._access.mqtt_url
        if url is None:
            notes[mosquitto.NAME] = "No MQTT broker is named: set MQTT_URL."
            return False
        if await listens(parse_mqtt_url(url.get_secret_value())):
            return True
        notes[mosquitto.NAME] = "Mosquitto does not answer."
        return False


def nothing_collected(state: Path) -> Snapshot:
    """What can be said of a district that does not run: nothing but that."""
    servers, services = all_down(read_record(state))
    sources = Sources(servers=servers, services=services)
    return combine(sources, at=datetime.now(UTC), seconds=time.monotonic())
