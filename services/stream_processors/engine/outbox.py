"""Produce the core's outputs: one batch a partition, and wait until Kafka has all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from schemas.fields import Feed
from schemas.topics import ALERTS, INDICATORS
from services.runtime import metrics
from services.stream_processors.engine.events import AlertOutput, Fate, IndicatorOutput, Judged, Output
from services.stream_processors.errors import OutputRefusedError

_KEYS_REMEMBERED = 100_000


class Outbox:
    """Takes outputs in their order; indicators that a later revision in the same batch replaces are left out."""

    def __init__(self, client: AIOKafkaProducer, feed: Feed) -> None:
        self._client = client
        self._feed = feed
        self._partitioner = DefaultPartitioner()
        self._places: dict[tuple[str, bytes], int] = {}
        self._partitions: dict[str, list[int]] = {}

    async def deliver(self, outputs: Iterable[Output]) -> None:
        """Produce everything and return when Kafka has it.

        Raises:
            OutputRefusedError: Kafka did not take an output.
        """
        indicators, alerts, fates = _sorted(outputs)
        batches = _Batches(self._client)
        sent: list[asyncio.Future[Any]] = []
        try:
            for indicator in indicators:
                place = await self._place(INDICATORS, indicator.key)
                sent += await batches.add(INDICATORS, place, indicator.key, indicator.encode(), [])
            for output in alerts:
                alert, key = output.alert, output.alert.kafka_key()
                place = await self._place(ALERTS, key)
                value = alert.model_dump_json().encode()
                sent += await batches.add(ALERTS, place, key, value, alert.to_headers())
            sent += await batches.send_all()
            await asyncio.gather(*sent)
        except KafkaError as error:
            raise OutputRefusedError(f"Kafka did not take an output of feed {self._feed}: {error!r}") from error
        self._count(indicators, alerts, fates)

    async def _place(self, topic: str, key: bytes) -> int:
        place = self._places.get((topic, key))
        if place is None:
            if topic not in self._partitions:
                self._partitions[topic] = sorted(await self._client.partitions_for(topic))
            partitions = self._partitions[topic]
            place = self._partitioner(key, partitions, partitions)
            if len(self._places) >= _KEYS_REMEMBERED:
                self._places.clear()
            self._places[topic, key] = place
        return place

    def _count(self, indicators: list[IndicatorOutput], alerts: list[AlertOutput], fates: dict[Fate, int]) -> None:
        metrics.INDICATORS_PUBLISHED.labels(self._feed).inc(len(indicators))
        metrics.READINGS_JUDGED.labels(self._feed).inc(sum(fates.values()))
        for fate, count in fates.items():
            metrics.READING_FATES.labels(self._feed, fate).inc(count)
        for output in alerts:
            metrics.ALERT_EVENTS.labels(self._feed, output.alert.event).inc()


def _sorted(outputs: Iterable[Output]) -> tuple[list[IndicatorOutput], list[AlertOutput], dict[Fate, int]]:
    """Outputs by kind, in their order; of several revisions of one indicator the last."""
    indicators: dict[object, IndicatorOutput] = {}
    alerts: list[AlertOutput] = []
    fates: dict[Fate, int] = {}
    for number, output in enumerate(outputs):
        match output:
            case IndicatorOutput():
                indicators[number if output.supersedes is None else output.supersedes] = output
            case AlertOutput():
                alerts.append(output)
            case Judged():
                fates[output.fate] = fates.get(output.fate, 0) + 1
    return list(indicators.values()), alerts, fates


class _Batches:
    """One open batch a partition; a full one is sent and a new one opened."""

    def __init__(self, client: AIOKafkaProducer) -> None:
        self._client = client
        self._open: dict[tuple[str, int], Any] = {}

    async def add(
        self, topic: str, partition: int, key: bytes, value: bytes, headers: list[tuple[str, bytes]]
    ) -> list[asyncio.Future[Any]]:
        """Add a record; returns the futures of batches that were sent to make room."""
        place = (topic, partition)
        batch = self._open.get(place)
        if batch is not None and batch.append(key=key, value=value, timestamp=None, headers=headers):
            return []
        sent = [] if batch is None else [await self._client.send_batch(batch, topic, partition=partition)]
        self._open[place] = batch = self._client.create_batch()
        if not batch.append(key=key, value=value, timestamp=None, headers=headers):
            raise OutputRefusedError(f"a record of {len(value)} bytes for {topic} is larger than a batch may be")
        return sent

    async def send_all(self) -> list[asyncio.Future[Any]]:
        """Send what is open."""
        sent = [
            await self._client.send_batch(batch, topic, partition=partition)
            for (topic, partition), batch in self._open.items()
        ]
        self._open.clear()
        return sent
