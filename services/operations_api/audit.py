"""The audit log: every write and every refused write, on a topic of its own.

A record is in Kafka before the write is answered, as long as Kafka answers; while it does not, records wait here,
bounded, and are written down in the service's log at once. Pages are read from the topic, the newest first.
"""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.audit import AuditRecord
from schemas.topics import API_AUDIT
from services.operations_api.errors import NotNow, NotUsable
from services.operations_api.models.books import AuditPage
from services.runtime import metrics

log = structlog.stdlib.get_logger()

WRITE_SECONDS: Final = 2.0
"""So long a write's answer waits for its audit record."""
WAITING_MOST: Final = 10_000
CHUNK: Final = 500
CHUNKS_MOST: Final = 20
"""So many chunks are looked through for one page; the cursor goes on behind them."""
READ_SECONDS: Final = 5.0
_PARTITION: Final = TopicPartition(API_AUDIT, 0)


class AuditLog:
    """Writes audit records and reads them back.

    Args:
        reader: A consumer of no group, for this topic alone.
    """

    def __init__(self, producer: AIOKafkaProducer, reader: AIOKafkaConsumer) -> None:
        self._producer = producer
        self._reader = reader
        self._reading = asyncio.Lock()
        self._waiting: deque[AuditRecord] = deque(maxlen=WAITING_MOST)

    async def write(self, record: AuditRecord) -> None:
        """Write a record; returns when Kafka has it, or after a while without it."""
        log.info(
            "somebody wrote, or tried to",
            action="audit",
            request_id=record.request_id,
            actor=record.actor,
            operation=record.operation,
            subject=record.subject,
            outcome=record.outcome.value,
            status=record.status,
        )
        try:
            await asyncio.wait_for(self._send(record), WRITE_SECONDS)
        except (KafkaError, TimeoutError, OSError):
            self._waiting.append(record)
            metrics.API_AUDIT_WAITING.set(len(self._waiting))

    async def run(self) -> None:
        """Send what waits, for ever."""
        while True:
            await asyncio.sleep(1.0)
            while self._waiting:
                try:
                    await asyncio.wait_for(self._send(self._waiting[0]), WRITE_SECONDS)
                except (KafkaError, TimeoutError, OSError):
                    break
                self._waiting.popleft()
                metrics.API_AUDIT_WAITING.set(len(self._waiting))

    @property
    def waiting(self) -> int:
        """How many records Kafka does not have yet."""
        return len(self._waiting)

    async def page(self, actor: str | None, limit: int, cursor: str | None) -> AuditPage:
        """Records, the newest first.

        Raises:
            NotUsable: the cursor is none of this list.
            NotNow: Kafka does not answer.
        """
        before = None if cursor is None else _read_cursor(cursor)
        try:
            async with self._reading, asyncio.timeout(READ_SECONDS):
                return await self._page(actor, limit, before)
        except (KafkaError, TimeoutError, OSError):
            raise NotNow("Kafka does not answer, and it keeps the audit log.", headers={"Retry-After": "5"}) from None

    async def _send(self, record: AuditRecord) -> None:
        await self._producer.send_and_wait(
            API_AUDIT, record.model_dump_json().encode(), key=record.kafka_key(), partition=_PARTITION.partition
        )

    async def _page(self, actor: str | None, limit: int, before: int | None) -> AuditPage:
        begin = (await self._reader.beginning_offsets([_PARTITION]))[_PARTITION]
        end = (await self._reader.end_offsets([_PARTITION]))[_PARTITION]
        place = end if before is None else min(before, end)
        found: list[AuditRecord] = []
        for _ in range(CHUNKS_MOST):
            if place <= begin:
                break
            start = max(begin, place - CHUNK)
            for offset, record in reversed(await self._read(start, place)):
                place = offset
                if record is not None and actor in (None, record.actor):
                    found.append(record)
                if len(found) == limit:
                    return AuditPage(items=tuple(found), next_cursor=_write_cursor(place) if place > begin else None)
            place = start
        return AuditPage(items=tuple(found), next_cursor=_write_cursor(place) if place > begin else None)

    async def _read(self, start: int, end: int) -> list[tuple[int, AuditRecord | None]]:
        self._reader.seek(_PARTITION, start)
        found: list[tuple[int, AuditRecord | None]] = []
        while await self._reader.position(_PARTITION) < end:
            batch = await self._reader.getmany(_PARTITION, timeout_ms=500)
            found += [(each.offset, _record(each.value)) for each in batch.get(_PARTITION, []) if each.offset < end]
        return found


def _record(value: bytes | None) -> AuditRecord | None:
    try:
        return AuditRecord.model_validate_json(value or b"")
    except ValidationError:
        metrics.API_RECORDS_UNUSABLE.labels(API_AUDIT).inc()
        return None


def _write_cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"audit|{offset}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> int:
    try:
        kind, offset = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("|")
        number = int(offset)
    except ValueError:
        kind, number = "", 0
    if kind != "audit" or number < 0:
        raise NotUsable("`cursor` is none of this list: begin again without one.")
    return number
