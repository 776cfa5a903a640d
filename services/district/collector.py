"""Asks every source for its figures; one that does not answer leaves a note instead of an error."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from deploy.local.process_spec import Kind
from deploy.local.run_record import RunRecord
from schemas.subscription import SubscriptionState
from services.alert_delivery import book
from services.alert_delivery.errors import RegisterUnreadable
from services.district.citybrain.received import events_received
from services.district.database_figures import DatabaseCollector
from services.district.errors import QueryFailed, ServerSilent
from services.district.figures import ProcessFigures, Snapshot, Sources, combine
from services.district.kafka_figures import KafkaCollector
from services.district.process_figures import (
    KAFKA,
    MOSQUITTO,
    POSTGRES,
    SERVERS,
    all_down,
    read_record,
    see_listening,
    seen_from_outside,
    supervised,
    with_health,
)
from services.district.settings import Access

T = TypeVar("T")


class Collector:
    """The operator's view of all servers; cheap to ask again."""

    def __init__(self, access: Access, *, alerts_at_most: int | None) -> None:
        self._access = access
        self._resources = AsyncExitStack()
        self._kafka = KafkaCollector(access.kafka, partial(_delivered_to, access))
        self._database = DatabaseCollector(access.database_url, alerts_at_most=alerts_at_most)

    async def __aenter__(self) -> Self:
        await self._resources.enter_async_context(self._kafka)
        await self._resources.enter_async_context(self._database)
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
        said = _Said()
        database = await said.ask(POSTGRES, self._database.collect())
        offsets = await said.ask(KAFKA, self._kafka.collect())
        await said.ask(MOSQUITTO, see_listening(self._access.mqtt_url))
        record = read_record(self._access.state) if self._access.state is not None else None
        servers, services = await self._processes(said, record)
        alerts = record.alerts if record is not None else ()
        citybrain = await events_received(record)
        sources = Sources(servers, services, database, offsets, said.notes, alerts, citybrain)
        return combine(sources, at=datetime.now(UTC), seconds=time.monotonic())

    async def _processes(
        self, said: _Said, record: RunRecord | None
    ) -> tuple[dict[str, ProcessFigures], dict[str, ProcessFigures]]:
        servers = supervised(record, Kind.SERVER) if record is not None else {}
        services = await with_health(record, supervised(record, Kind.SERVICE)) if record is not None else {}
        shown = {
            name: seen_from_outside(servers.get(name), answers=name not in said.silent, why=said.notes.get(name))
            for name in SERVERS
        }
        return shown, services


@dataclass(frozen=True, slots=True)
class _Said:
    """What servers said instead of an answer."""

    notes: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)

    async def ask(self, name: str, question: Awaitable[T]) -> T | None:
        """Wait for an answer; None and a note when there is none."""
        try:
            return await question
        except ServerSilent as error:
            self.notes[name] = error.detail
            self.silent.add(name)
        except QueryFailed as error:
            self.notes[name] = error.detail
        return None


def nothing_collected(state: Path) -> Snapshot:
    """What can be said of a district that does not run: nothing but that."""
    servers, services = all_down(read_record(state))
    sources = Sources(servers=servers, services=services)
    return combine(sources, at=datetime.now(UTC), seconds=time.monotonic())


def _delivered_to(access: Access) -> list[str]:
    """Ids of active subscribers; none when their register cannot be read, which its own service says."""
    if access.subscribers_file is None:
        return []
    try:
        register = book.subscribers(access.subscribers_file).read()
    except RegisterUnreadable:
        return []
    return [each.id for each in register.subscriptions if each.state is SubscriptionState.ACTIVE]
