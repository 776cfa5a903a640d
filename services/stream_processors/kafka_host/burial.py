"""What cannot be judged goes to the dead letters, with its bytes and the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from schemas.dead_letter import MAX_DETAIL_CHARS, DeadLetter, DeadLetterReason, DeadLetterSource
from services.runtime.dead_letters import DeadLetterProducer
from services.stream_processors.engine.events import JudgingFailed, Output
from services.stream_processors.engine.worker import Undecodable
from services.stream_processors.errors import OutputRefusedError
from services.stream_processors.kafka_host.duty import Duty

log = structlog.stdlib.get_logger()

_ADVICE: Final = {
    DeadLetterReason.UNDECODABLE_RECORD: "repair the record's producer, the record itself was passed over",
    DeadLetterReason.JUDGING_FAILED: "judging goes on without it; report it with its bytes",
}


class Burial:
    """Writes one host's dead letters."""

    def __init__(self, duty: Duty, letters: DeadLetterProducer) -> None:
        self._duty = duty
        self._letters = letters

    async def bury(self, refused: Iterable[Undecodable], said: Iterable[Output]) -> None:
        """Write what is not a reading and what failed in the judging; done when Kafka has it.

        Raises:
            OutputRefusedError: Kafka did not take one.
        """
        failed = [output for output in said if isinstance(output, JudgingFailed)]
        sent = [await self._send(item, None) for item in refused]
        sent += [await self._send(item, item.lane) for item in failed]
        try:
            await asyncio.gather(*sent)
        except KafkaError as error:
            raise OutputRefusedError(f"Kafka did not take a dead letter: {error!r}") from error

    async def _send(self, item: Undecodable | JudgingFailed, lane: str | None) -> asyncio.Future[object]:
        at, reason = item.coordinates, DeadLetterReason(item.reason)
        log.warning("a record was not judged", action="dead_letter", reason=reason, at=at, detail=item.detail)
        advice = _ADVICE.get(reason)
        letter = DeadLetter(
            source=DeadLetterSource.STREAM_PROCESSORS,
            reason=reason,
            detail=(f"{item.detail}; {advice}" if advice else item.detail)[:MAX_DETAIL_CHARS],
            received_at=datetime.now(UTC),
            kafka_topic=at.topic if at else None,
            kafka_partition=at.partition if at else None,
            kafka_offset=at.offset if at else None,
            feed=self._duty.feed,
            lane=lane,
        )
        return await self._letters.send(letter, item.payload)
