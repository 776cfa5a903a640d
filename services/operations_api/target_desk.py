"""Figures of the plan's targets: entered, confirmed, with every revision; read from their topic, written to it.

Before each decision the topic is read to its end, one request at a time: of two who enter the same figure the second is
told so. It needs no database.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.target_figure import SourceDocument, TargetFigure
from schemas.topics import TARGET_FIGURES
from services.operations_api.access import Principal
from services.operations_api.asking import asking
from services.operations_api.errors import AnotherUse, NotAllowed, NotNow, NotThere, NotUsable
from services.operations_api.models.plan_office import FigureRequest, FigureRow, FigureRows
from services.plan_office.entering import Draft, FigureRefused, Person, Why, confirmed, entered
from services.plan_office.figure_book import FigureBook
from services.read_model import plan
from services.read_model.connection import Database
from services.runtime import metrics

SECONDS: Final = 10.0
_PLACE: Final = TopicPartition(TARGET_FIGURES, 0)


class TargetDesk:
    """Where figures are handed in.

    Args:
        reader: A consumer of no group, for this topic alone.
    """

    def __init__(self, database: Database, producer: AIOKafkaProducer, reader: AIOKafkaConsumer) -> None:
        self._database = database
        self._producer = producer
        self._reader = reader
        self._one_at_a_time = asyncio.Lock()
        self._book = FigureBook()
        self._next: int | None = None

    async def figures(self, target: str | None) -> FigureRows:
        """Every revision, of one target when one is named.

        Raises:
            NotNow: Kafka does not answer.
        """
        async with self._one_at_a_time:
            await self._read()
            rows = tuple(FigureRow.of(one) for one in self._book.all() if target in {None, one.target})
        return FigureRows(items=rows)

    async def enter(self, body: FigureRequest, asker: Principal, key: str, now: datetime) -> FigureRow:
        """Enter a figure, or correct one.

        Raises:
            NotUsable: it may not be entered; the sentence says why, `why` names it.
            AnotherUse: the key stands for another figure.
            NotNow: Kafka or the database does not answer.
        """
        with asking("The plan in force"):
            plans = (await plan.publications(self._database)).book
        draft = _draft(body)
        async with self._one_at_a_time:
            await self._read()
            try:
                record = entered(draft, plans, self._book, _person(asker), at=now, today=plan.local_day(now), key=key)
            except FigureRefused as error:
                raise _refused(error) from None
            if (record.value, record.source, record.note) != (draft.value, draft.source, draft.note):
                raise AnotherUse("`Idempotency-Key` was used for another figure: take a new key for another one.")
            await self._write(record)
        return FigureRow.of(record)

    async def confirm(self, figure: str, asker: Principal, now: datetime) -> FigureRow:
        """Confirm what somebody else entered; once more by the same person it is as it was.

        Raises:
            NotThere: there is no such revision.
            NotAllowed: it is the asker's own.
            NotUsable: it is confirmed, or a correction stands in its place.
            NotNow: Kafka does not answer.
        """
        async with self._one_at_a_time:
            await self._read()
            known = self._book.get(figure)
            if known is not None and known.confirmed_by == asker.id:
                return FigureRow.of(known)
            try:
                record = confirmed(figure, self._book, _person(asker), at=now)
            except FigureRefused as error:
                raise _refused(error) from None
            await self._write(record)
        return FigureRow.of(record)

    async def _read(self) -> None:
        """Take what the topic has more than we know; a topic that was made anew is read from its start."""
        try:
            async with asyncio.timeout(SECONDS):
                first = (await self._reader.beginning_offsets([_PLACE]))[_PLACE]
                end = (await self._reader.end_offsets([_PLACE]))[_PLACE]
                if self._next is None or self._next > end:
                    self._book, self._next = FigureBook(), first
                self._reader.seek(_PLACE, self._next)
                while self._next < end:
                    batch = await self._reader.getmany(_PLACE, timeout_ms=500)
                    for record in batch.get(_PLACE, []):
                        self._take(record.value)
                    self._next = await self._reader.position(_PLACE)
        except (KafkaError, TimeoutError, OSError):
            raise NotNow("Kafka does not answer, and it keeps the figures.", headers={"Retry-After": "5"}) from None

    def _take(self, value: bytes | None) -> None:
        try:
            self._book.take(TargetFigure.model_validate_json(value or b""))
        except ValidationError:
            metrics.API_RECORDS_UNUSABLE.labels(TARGET_FIGURES).inc()

    async def _write(self, record: TargetFigure) -> None:
        value, key = record.model_dump_json().encode(), record.kafka_key()
        try:
            async with asyncio.timeout(SECONDS):
                await self._producer.send_and_wait(TARGET_FIGURES, value, key=key, partition=_PLACE.partition)
        except (KafkaError, TimeoutError, OSError):
            raise NotNow(
                "Kafka does not answer. Whether the figure is kept is not known yet: ask again with the same "
                "`Idempotency-Key`, it counts once.",
                headers={"Retry-After": "5"},
            ) from None


def _person(asker: Principal) -> Person:
    return Person(asker.id, asker.name)


def _draft(body: FigureRequest) -> Draft:
    source = SourceDocument(
        title=body.source.title, number=body.source.number, page=body.source.page, sha256=body.source.sha256
    )
    return Draft(
        target=body.target,
        value=body.value,
        unit=body.unit,
        start=body.period_start,
        end=body.period_end,
        recorded_on=body.recorded_on,
        source=source,
        note=body.note,
        corrects=body.correction,
    )


def _refused(error: FigureRefused) -> NotThere | NotAllowed | NotUsable:
    more = {"why": error.why.value, "part": error.part, "detail_zh": error.said.zh}
    match error.why:
        case Why.NOT_THERE:
            return NotThere(error.said.en, more=more)
        case Why.SAME_PERSON:
            return NotAllowed(error.said.en, more=more)
        case _:
            return NotUsable(error.said.en, more=more)
