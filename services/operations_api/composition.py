"""The parts and what they stand on, put together; who reads it sees which part knows which."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.alert_life.renderings.cap import Publisher
from services.operations_api.actions import Desk
from services.operations_api.alert_book import AlertBook
from services.operations_api.archive import Archive
from services.operations_api.asset_watch import AssetWatch
from services.operations_api.audit import AuditLog
from services.operations_api.board import Board
from services.operations_api.doorkeeper import Doorkeeper
from services.operations_api.events import EventLog
from services.operations_api.log_reader import LogReader
from services.operations_api.news import News
from services.operations_api.parts import Parts
from services.operations_api.plan_desk import PlanDesk
from services.operations_api.sessions import Sessions
from services.operations_api.settings import DOCUMENTS, MESSAGES, ApiSettings
from services.operations_api.static_files import StaticFiles
from services.operations_api.stream import Hub
from services.operations_api.target_desk import TargetDesk
from services.operations_api.used_tokens import UsedTokens
from services.read_model.connection import Database
from services.runtime.health import Health

make_id = partial(secrets.token_hex, 16)
"""Draws an id of a request or an action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Connections, made and closed by whoever runs the service."""

    cluster_id: str
    """Kafka's."""
    database: Database
    writer: AIOKafkaProducer
    log: AIOKafkaConsumer
    audit: AIOKafkaConsumer
    figures: AIOKafkaConsumer
    events: Callable[[], AIOKafkaConsumer]
    """Makes a consumer for one listener."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """Everything that runs."""

    parts: Parts
    reader: LogReader
    news: News


def now() -> datetime:
    """The clock, read here and nowhere else."""
    return datetime.now(UTC)


def compose(settings: ApiSettings, clients: Clients, health: Health, zones: Mapping[str, str]) -> Composition:
    """Put the parts together; nothing runs yet."""
    board, database, grafana = Board(complete=False), clients.database, settings.grafana_url
    sessions, doorkeeper = _people(settings)
    news = News(health, now=now)
    hub = Hub(
        secrets.token_hex(4), most=settings.listeners, now=now, health=news.health, counts=doorkeeper.still_counts
    )
    assets = AssetWatch(
        database,
        hub,
        now=now,
        monotonic=time.monotonic,
        seconds=settings.assets_seconds,
        zones=zones,
        grafana_url=grafana,
    )
    publisher = Publisher(web_base=settings.address)
    alerts = AlertBook(
        board,
        database,
        cluster_id=clients.cluster_id,
        now=now,
        is_ready=lambda: health.is_ready,
        places=lambda: assets.places,
        publisher=publisher,
        grafana_url=grafana,
    )
    desk = Desk(
        clients.writer,
        board,
        alerts,
        now=now,
        make_id=make_id,
        places=lambda: assets.places,
        seconds=settings.fold_seconds,
    )
    reader = LogReader(clients.log, board, health, now=now, changed=news.alert_changed, settled=desk.settled)
    news.follow(board, alerts, assets, hub, reader)
    parts = Parts(
        settings=settings,
        now=now,
        make_id=make_id,
        board=board,
        alerts=alerts,
        desk=desk,
        archive=Archive(database, now=now, grafana_url=grafana),
        assets=assets,
        plan=PlanDesk(database, clients.writer),
        targets=TargetDesk(database, clients.writer, clients.figures),
        audit=AuditLog(clients.writer, clients.audit),
        doorkeeper=doorkeeper,
        sessions=sessions,
        static=StaticFiles(settings.static),
        documents=StaticFiles(DOCUMENTS, {"asyncapi": MESSAGES}),
        health=health,
        hub=hub,
        events=EventLog(clients.events, most=settings.event_listeners, counts=doorkeeper.still_counts),
    )
    return Composition(parts=parts, reader=reader, news=news)


def _people(settings: ApiSettings) -> tuple[Sessions, Doorkeeper]:
    sessions = Sessions(
        idle=settings.session_idle, absolute=settings.session_length, make_token=partial(secrets.token_urlsafe, 32)
    )
    secret = settings.login_secret
    doorkeeper = Doorkeeper(
        sessions,
        settings.rates(),
        UsedTokens(settings.folder),
        now=now,
        monotonic=time.monotonic,
        login_secret=None if secret is None else secret.get_secret_value().encode(),
    )
    return sessions, doorkeeper
