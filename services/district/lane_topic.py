"""The topic `lanes` as the operator reads it, and the partitions that a feed's lanes travel in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from schemas.fields import Feed
from schemas.lane import LaneStatus
from schemas.topics import LANES, readings_topic
from services.district.kafka_answers import answering
from services.district.lane_account import Ends
from services.runtime.kafka import partitions_of
from services.runtime.settings import KafkaSettings

CLIENT_ID: Final = "district-lanes"
FETCH_MILLISECONDS: Final = 500
_PLACE: Final = TopicPartition(LANES, 0)


class LaneTopic:
    """Reads what is said of lanes, from the moment it was opened on, or all of it.

    Raises:
        ServerSilent: on entering and by every method, when Kafka does not answer.
    """

    def __init__(self, settings: KafkaSettings | None) -> None:
        self._settings = settings
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        async with answering(self._settings) as known:
            self._consumer = AIOKafkaConsumer(**known.client_options(CLIENT_ID), enable_auto_commit=False)
            try:
                await self._consumer.start()
                self._consumer.assign([_PLACE])
                self._consumer.seek(_PLACE, (await self._consumer.end_offsets([_PLACE]))[_PLACE])
            except BaseException:
                await self._consumer.stop()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._known.stop()

    @property
    def _known(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("enter it first")
        return self._consumer

    async def news(self) -> list[LaneStatus]:
        """Return what was said since the last call."""
        async with answering(self._settings):
            batch: dict[Any, list[Any]] = await self._known.getmany(_PLACE, timeout_ms=0)
        return statuses(record.value for record in batch.get(_PLACE, []))

    async def everything(self) -> list[LaneStatus]:
        """Return all that the topic still holds, in its order."""
        values: list[bytes | None] = []
        async with answering(self._settings):
            end = (await self._known.end_offsets([_PLACE]))[_PLACE]
            await self._known.seek_to_beginning(_PLACE)
            while await self._known.position(_PLACE) < end:
                batch: dict[Any, list[Any]] = await self._known.getmany(_PLACE, timeout_ms=FETCH_MILLISECONDS)
                values += [record.value for record in batch.get(_PLACE, [])]
        return statuses(values)

    async def ends(self, feed: Feed) -> Ends:
        """Return where each partition of a feed's lanes ends now."""
        places = partitions_of(readings_topic(feed, live=False))
        async with answering(self._settings):
            found = await self._known.end_offsets(places)
        return {place.partition: found[place] for place in places}

    async def opened_at(self, openings: Sequence[tuple[Feed, int, int]]) -> list[datetime | None]:
        """Return when each of these openings (feed, partition, offset) was written; None: Kafka no longer has it.

        What is said of lanes is not heard any more afterwards.
        """
        return [await self._written_at(*each) for each in openings]

    async def _written_at(self, feed: Feed, partition: int, offset: int) -> datetime | None:
        place = TopicPartition(readings_topic(feed, live=False), partition)
        async with answering(self._settings):
            self._known.assign([place])
            if offset < (await self._known.beginning_offsets([place]))[place]:
                return None
            self._known.seek(place, offset)
            batch: dict[Any, list[Any]] = await self._known.getmany(place, timeout_ms=FETCH_MILLISECONDS, max_records=1)
        records = batch.get(place, [])
        return datetime.fromtimestamp(records[0].timestamp / 1000, UTC) if records else None


def statuses(values: Iterable[bytes | None]) -> list[LaneStatus]:
    """Read records of the topic; one that is no status says nothing."""
    found = []
    for value in values:
        try:
            found.append(LaneStatus.model_validate_json(value or b""))
        except ValidationError:
            continue
    return found
