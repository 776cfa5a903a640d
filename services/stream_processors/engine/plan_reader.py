"""Published documents from the compacted topic `plan`, as they come."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.plan.book import Document, identity_of, load_document
from schemas.topics import PLAN
from services.runtime.health import Health

log = structlog.stdlib.get_logger()

_PLACE: Final = TopicPartition(PLAN, 0)
_RETRY_SECONDS: Final = 2.0


class PlanReader:
    """Keeps the last published form of each document.

    Args:
        consumer: A consumer of its own, in no group.
    """

    def __init__(self, consumer: AIOKafkaConsumer, health: Health) -> None:
        self._consumer = consumer
        self._health = health
        self.published: dict[tuple[str, str, str], tuple[Document, bytes]] = {}
        """Document and its record by kind, id and version; in the order of publication."""

    async def run(self) -> None:
        """Read for ever."""
        self._consumer.assign([_PLACE])
        await self._consumer.seek_to_beginning(_PLACE)
        while True:
            try:
                batches = await self._consumer.getmany(_PLACE, timeout_ms=1_000)
            except KafkaError as error:
                log.warning("published documents cannot be read, trying again", action="plan_wait", error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            for record in batches.get(_PLACE, []):
                self._take(record)

    def _take(self, record: Any) -> None:
        if record.value is None:
            return
        part = f"plan.{record.offset}"
        try:
            document = load_document(orjson.loads(record.value))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
            detail = str(error)[:300]
            log.warning(
                "a published document cannot be read", action="plan_passed_over", key=repr(record.key), detail=detail
            )
            self._health.trouble(part, f"record {record.offset} of topic {PLAN} is not a document: {detail}")
            return
        identity = identity_of(document)
        self.published.pop(identity, None)
        self.published[identity] = (document, record.value)
        log.info("document published", action="plan_read", document="/".join(identity))
