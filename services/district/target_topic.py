"""The topic `target-figures` as the operator reads and writes it; every wait has a bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import ValidationError

from schemas.target_figure import TargetFigure
from schemas.topics import TARGET_FIGURES
from services.district.kafka_answers import answering
from services.plan_office.figure_book import FigureBook
from services.runtime.settings import KafkaSettings

CLIENT_ID: Final = "district-targets"
_PLACE: Final = TopicPartition(TARGET_FIGURES, 0)


async def figure_book(settings: KafkaSettings | None) -> tuple[FigureBook, list[str]]:
    """All that was entered and confirmed, and what on the topic cannot be read.

    Raises:
        ServerSilent: Kafka does not answer.
    """
    book, unread = FigureBook(), []
    async with answering(settings) as known:
        consumer = AIOKafkaConsumer(**known.client_options(CLIENT_ID), enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign([_PLACE])
            await consumer.seek_to_beginning(_PLACE)
            end = (await consumer.end_offsets([_PLACE]))[_PLACE]
            while await consumer.position(_PLACE) < end:
                batch: dict[Any, list[Any]] = await consumer.getmany(_PLACE, timeout_ms=500)
                for record in batch.get(_PLACE, []):
                    try:
                        book.take(TargetFigure.model_validate_json(record.value or b""))
                    except ValidationError as error:
                        reason = error.errors()[0]["msg"]
                        unread.append(f"record {record.offset} of topic {TARGET_FIGURES}: {reason}")
        finally:
            await consumer.stop()
    return book, unread


async def write_figures(settings: KafkaSettings | None, figures: Iterable[TargetFigure]) -> None:
    """Write figures in their order, each confirmed by all replicas.

    Raises:
        ServerSilent: Kafka does not answer; whether all were written is then not known, doing it again is safe.
    """
    async with answering(settings) as known:
        producer = AIOKafkaProducer(**known.client_options(CLIENT_ID), acks="all", enable_idempotence=True)
        try:
            await producer.start()
            for one in figures:
                await producer.send_and_wait(
                    TARGET_FIGURES, one.model_dump_json().encode(), key=one.kafka_key(), partition=0
                )
        finally:
            await producer.stop()
