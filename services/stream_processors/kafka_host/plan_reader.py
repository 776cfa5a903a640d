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
from schemas.plan.errors import PlanFileError
from schemas.topics import PLAN
from services.runtime.health import Health

log = structlog.stdlib.get_logger()

_PLACE: Final = TopicPartition(PLAN, 0)
_RETRY_SECONDS: Final = 2.0
_POLL_MS: Final = 5_000
_MAX_DETAIL_CHARS: Final = 300


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
        self.is_complete = False
        """Everything that had been published when the reader began is known; before, an old one could seem the last."""

    async def run(self) -> None:
        """Read for ever."""
        self._consumer.assign([_PLACE])
        await self._consumer.seek_to_beginning(_PLACE)
        end = (await self._consumer.end_offsets([_PLACE]))[_PLACE]
        while True:
            self.is_complete = self.is_complete or await self._consumer.position(_PLACE) >= end
            try:
                batches = await self._consumer.getmany(_PLACE, timeout_ms=_POLL_MS)
            except KafkaError as error:
                log.warning("published documents cannot be read, trying again", action="plan_wait", error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            for record in batches.get(_PLACE, []):
                self.take(record)

    def take(self, record: Any) -> None:
        """One record of the topic; a good one makes up for a bad one under the same key."""
        part = f"plan.record.{(record.key or b'').decode(errors='replace')}"
        if record.value is None:
            self._health.well(part)
            return
        try:
            document = load_document(orjson.loads(record.value))
        except (ValidationError, PlanFileError, ValueError, KeyError, TypeError, AttributeError) as error:
            # Whatever stands there: ValueError covers bytes that are not JSON, the last three JSON of another shape.
            detail = f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARS]
            log.warning(
                "a published document cannot be read", action="plan_passed_over", key=repr(record.key), detail=detail
            )
            self._health.trouble(
                part,
                f"record {record.offset} of topic {PLAN} is not a document and was passed over: {detail}; "
                "`district plan check` explains a file, publish a good version under the same key",
            )
            return
        self._health.well(part)
        identity = identity_of(document)
        self.published.pop(identity, None)
        self.published[identity] = (document, record.value)
        log.info("document published", action="plan_read", document="/".join(identity))
