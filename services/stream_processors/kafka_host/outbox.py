"""Produce the core's outputs: one batch a partition, and wait until Kafka has all of them.

What is too large for a record is cut by design (see `cutting`): one that Kafka refuses would be refused again after
each restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import orjson
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from schemas.alert import Alert
from schemas.fields import Feed
from schemas.topics import ALERTS, INDICATORS
from services.runtime import metrics
from services.stream_processors.engine.events import AlertOutput, Fate, IndicatorOutput, Judged, Output
from services.stream_processors.errors import OutputRefusedError
from services.stream_processors.kafka_host.cutting import MAX_OUTPUT_BYTES, Cut, fit_alert, fit_indicator

log = structlog.stdlib.get_logger()

MAX_BATCH_BYTES: Final = 2 * MAX_OUTPUT_BYTES
"""Of the producer: an output as large as one may be, with key and headers, must fit."""
_KEYS_REMEMBERED: Final = 100_000


class Outbox:
    """Takes outputs in their order; indicators that a later revision in the same batch replaces are left out."""

    def __init__(self, client: AIOKafkaProducer, feed: Feed) -> None:
        self._client = client
        self._feed = feed
        self._partitioner = DefaultPartitioner()
        self._places: dict[tuple[str, bytes], int] = {}
        self._partitions: dict[str, list[int]] = {}
        self._n_published = metrics.INDICATORS_PUBLISHED.labels(feed)
        self._n_judged = metrics.READINGS_JUDGED.labels(feed)
        self._n_fates = {fate: metrics.READING_FATES.labels(feed, fate) for fate in Fate}

    async def deliver(self, outputs: Iterable[Output]) -> None:
        """Produce everything and return when Kafka has it.

        Raises:
            OutputRefusedError: Kafka did not take an output.
        """
        indicators, alerts, fates = _sorted(outputs)
        if not indicators and not alerts:
            self._count(indicators, alerts, fates)
            return
        batches = _Batches(self._client)
        sent: list[asyncio.Future[Any]] = []
        try:
            for indicator in indicators:
                place = await self._place(INDICATORS, indicator.key)
                value = self._indicator_value(indicator)
                if value is None:
                    continue
                sent += await batches.add(INDICATORS, place, indicator.key, value, [])
            for output in alerts:
                alert, key = output.alert, output.alert.kafka_key()
                place = await self._place(ALERTS, key)
                value = self._alert_value(alert)
                sent += await batches.add(ALERTS, place, key, value, alert.to_headers())
            sent += await batches.send_all()
            await asyncio.gather(*sent)
        except KafkaError as error:
            raise OutputRefusedError(f"Kafka did not take an output of feed {self._feed}: {error!r}") from error
        self._count(indicators, alerts, fates)

    def _indicator_value(self, output: IndicatorOutput) -> bytes | None:
        """The record's value; None when it is beyond all measure, which the contract does not allow."""
        value = output.encode()
        if len(value) <= MAX_OUTPUT_BYTES:
            return value
        body, cut = fit_indicator(orjson.loads(value))
        self._tell_cut(INDICATORS, output.key, len(value), cut)
        fitted = orjson.dumps(body, option=orjson.OPT_UTC_Z)
        if len(fitted) > MAX_OUTPUT_BYTES:
            log.error("an indicator is too large even without details, it is left out", action="output_left_out")
            return None
        return fitted

    def _alert_value(self, alert: Alert) -> bytes:
        value = alert.model_dump_json().encode()
        if len(value) <= MAX_OUTPUT_BYTES:
            return value
        fitted, cut = fit_alert(alert)
        self._tell_cut(ALERTS, alert.kafka_key(), len(value), cut)
        return fitted.model_dump_json().encode()

    def _tell_cut(self, topic: str, key: bytes, size: int, cut: Cut) -> None:
        log.warning(
            "an output is too large for a record, its longest lists were cut",
            action="output_cut",
            topic=topic,
            key=key.decode(errors="replace"),
            bytes=size,
            cut=cut,
        )

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
        self._n_published.inc(len(indicators))
        self._n_judged.inc(sum(fates.values()))
        for fate, count in fates.items():
            self._n_fates[fate].inc(count)
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
            case _:
                pass
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
