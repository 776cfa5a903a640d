"""The topic `target-figures` as the operator reads and writes it; every wait has a bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError

from schemas.target_figure import TargetFigure
from schemas.topics import TARGET_FIGURES
from services.district.whole_topic import records_of, write_records
from services.plan_office.figure_book import FigureBook
from services.runtime.settings import KafkaSettings

CLIENT_ID: Final = "district-targets"


async def figure_book(settings: KafkaSettings | None) -> tuple[FigureBook, list[str]]:
    """All that was entered and confirmed, and what on the topic cannot be read.

    Raises:
        ServerSilent: Kafka does not answer.
    """
    book, unread = FigureBook(), []
    for record in await records_of(settings, TARGET_FIGURES, CLIENT_ID):
        try:
            book.take(TargetFigure.model_validate_json(record.value or b""))
        except ValidationError as error:
            unread.append(f"record {record.offset} of topic {TARGET_FIGURES}: {error.errors()[0]['msg']}")
    return book, unread


async def write_figures(settings: KafkaSettings | None, figures: Iterable[TargetFigure]) -> None:
    """Write figures in their order, each confirmed by all replicas.

    Raises:
        ServerSilent: Kafka does not answer; whether all were written is then not known, doing it again is safe.
    """
    records = ((one.kafka_key(), one.model_dump_json().encode()) for one in figures)
    await write_records(settings, TARGET_FIGURES, CLIENT_ID, records)
