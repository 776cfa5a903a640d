"""An operations API on the session's servers, a key for each role, and alerts published as the processors would."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer

from deploy.local.key_book import KeyBook
from deploy.local.stack import ServiceSpec, Stack
from schemas.alert import Alert
from schemas.alert_action import AlertAction
from schemas.api_key import Role
from schemas.topics import ALERT_ACTIONS, ALERTS
from services.district import map_server
from tests import api_samples
from tests.http_client import Client
from tests.kafka_reading import kafka_of, values_of

API = "/api/v1"


@dataclass
class Site:
    """A running API."""

    stack: Stack
    service: ServiceSpec
    book: KeyBook
    keys: dict[Role, str]
    producer: AIOKafkaProducer
    tls: ssl.SSLContext | None = None

    @property
    def anybody(self) -> Client:
        return Client(int(self.service.extra["OPERATIONS_API_PORT"]), tls=self.tls)

    def as_role(self, role: Role) -> Client:
        return self.anybody.with_key(self.keys[role])

    @property
    def operator(self) -> Client:
        return self.as_role(Role.OPERATOR)

    async def begin_anew(self) -> None:
        """Stop the API and start it, until it is ready."""
        await self.stack.stop(self.service.name)
        await self.stack.start(self.service.name)

    async def publish(self, *alerts: Alert) -> None:
        for alert in alerts:
            await self.producer.send_and_wait(
                ALERTS, alert.model_dump_json().encode(), key=alert.kafka_key(), headers=alert.to_headers()
            )

    async def publish_action(self, action: AlertAction) -> None:
        await self.producer.send_and_wait(
            ALERT_ACTIONS, action.model_dump_json().encode(), key=action.kafka_key(), headers=action.to_headers()
        )

    async def shown(self, alert: Alert, wanted: Callable[[Any], bool] = lambda _: True, seconds: float = 20) -> Any:
        """The alert as the API shows it, once it is as wanted."""
        async with asyncio.timeout(seconds):
            while True:
                # It may just have been killed, and be on its way back.
                with suppress(OSError, EOFError):
                    reply = await self.operator.ask(f"{API}/alerts/{alert.alert_id}")
                    if reply.status == 200 and wanted(reply.json()):
                        return reply.json()
                await asyncio.sleep(0.05)

    async def actions_in_log(self, alert: Alert) -> list[AlertAction]:
        """Every action on an alert in Kafka, in the order of the log."""
        found = await values_of(kafka_of(self.stack), ALERT_ACTIONS, AlertAction, own=alert.alert_id)
        return [action for action in found if action.alert is not None and action.alert.alert_id == alert.alert_id]


async def eventually(ask: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool], seconds: float = 30) -> Any:
    """The first answer that is wanted."""
    async with asyncio.timeout(seconds):
        while True:
            with suppress(OSError, EOFError):
                answer = await ask()
                if wanted(answer):
                    return answer
            await asyncio.sleep(0.1)


def fresh(**more: Any) -> Alert:
    """An alert that no other test has: a moment ago, at a car park of its own name."""
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    name = f"lot-{uuid.uuid4().hex[:8]}"
    fields = {"asset": name, "place": f"Car park {name}", "started_at": began, "raised_at": began}
    return api_samples.alert(0, **(fields | more))


@asynccontextmanager
async def operations_api(stack: Stack, *, tls: ssl.SSLContext | None = None, **more: str) -> AsyncIterator[Site]:
    """Run the API while the block runs.

    Args:
        tls: What its clients trust, when it speaks HTTPS.
        more: Settings.
    """
    book = KeyBook(stack.settings.keys_file)
    book.begin(datetime.now(UTC))
    marker = uuid.uuid4().hex[:6]
    keys = {role: book.add(f"{role.value}-{marker}", role.value.title(), role, datetime.now(UTC)) for role in Role}
    plain = map_server.spec(stack.settings, "http://127.0.0.1:23000")
    extra = {**plain.extra, "OPERATIONS_API_READS_PER_SECOND": "10000", "OPERATIONS_API_READS_BURST": "10000"}
    extra |= {"OPERATIONS_API_WRITES_PER_SECOND": "10000", "OPERATIONS_API_WRITES_BURST": "10000"}
    extra |= {"OPERATIONS_API_WRONG_KEYS_PER_MINUTE": "100000", "OPERATIONS_API_WRONG_KEYS_BURST": "100000"}
    service = ServiceSpec(
        plain.name, plain.argv, plain.role, extra | more, folder=plain.folder, endpoint=plain.endpoint
    )
    producer = AIOKafkaProducer(**kafka_of(stack).client_options("test-alerts"), acks="all")
    await producer.start()
    try:
        await stack.start_service(service)
        yield Site(stack, service, book, keys, producer, tls)
        await stack.stop(service.name)
    finally:
        await producer.stop()
