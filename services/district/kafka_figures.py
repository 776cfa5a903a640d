"""Asks Kafka for its offsets; survives its absence, and never waits for it longer than a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.alert_delivery.groups import group_of
from services.district.errors import ServerSilent
from services.district.figures import GROUPS, KafkaFigures
from services.district.lag import DELIVERED, is_ours, lag_of, partitions_of, topics_of, waiting
from services.runtime.offsets import committed_of_each
from services.runtime.settings import KafkaSettings

CONNECT_SECONDS: Final = 4.0
ANSWER_SECONDS: Final = 4.0
CLIENT_ID: Final = "district-status"


class KafkaCollector:
    """Keeps two idle clients between questions; drops them when Kafka does not answer, and makes new ones."""

    def __init__(self, settings: KafkaSettings | None, subscribers: Callable[[], Sequence[str]]) -> None:
        """Keep what is needed to ask.

        Args:
            subscribers: Ids of those that alerts are delivered to.
        """
        self._settings = settings
        self._subscribers = subscribers
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._cluster_id = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._drop()

    async def collect(self) -> KafkaFigures:
        """Ask once.

        Raises:
            ServerSilent: Kafka did not answer in time, or refused.
        """
        if self._settings is None:
            raise ServerSilent("none is named; set KAFKA_BOOTSTRAP")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                consumer, admin = await self._connect(self._settings)
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._ask(consumer, admin)
        except TimeoutError:
            await self._drop()
            raise ServerSilent(f"{self._settings.bootstrap}: no answer in time") from None
        except (KafkaError, OSError) as error:
            await self._drop()
            raise ServerSilent(f"{self._settings.bootstrap}: {error}") from error
        except asyncio.CancelledError:
            await self._drop()
            raise

    async def _connect(self, settings: KafkaSettings) -> tuple[AIOKafkaConsumer, AIOKafkaAdminClient]:
        milliseconds = int(ANSWER_SECONDS * 1000)
        options = settings.client_options(CLIENT_ID) | {"request_timeout_ms": milliseconds}
        if self._consumer is None or self._admin is None:
            # Kept before they have started, so that one that does not start is closed as well.
            self._consumer = AIOKafkaConsumer(**options, enable_auto_commit=False)
            self._admin = AIOKafkaAdminClient(**options)
            await self._consumer.start()
            await self._admin.start()
            self._cluster_id = str((await self._admin.describe_cluster())["cluster_id"])
        return self._consumer, self._admin

    async def _ask(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> KafkaFigures:
        groups = dict.fromkeys(GROUPS) | dict.fromkeys(
            sorted(name for name, *_ in await admin.list_consumer_groups() if is_ours(name))
        )
        subscribers = list(map(group_of, self._subscribers()))
        committed = await committed_of_each(admin, [*groups, *subscribers])
        there = await consumer.topics()
        topics = dict.fromkeys(
            topic for topic in (*DELIVERED, *(each for group in groups for each in topics_of(group))) if topic in there
        )
        wanted = [TopicPartition(*each) for each in partitions_of(topics)]
        first = await consumer.beginning_offsets(wanted)
        end = await consumer.end_offsets(wanted)
        oldest = {(at.topic, at.partition): offset for at, offset in first.items()}
        newest = {(at.topic, at.partition): offset for at, offset in end.items()}
        lag: dict[str, int | None] = {
            group: lag_of(group, {place: offset for place, (offset, _) in committed[group].items()}, oldest, newest)
            for group in groups
        }
        lag |= {group: waiting(committed[group], newest) for group in subscribers}
        return KafkaFigures(cluster_id=self._cluster_id, end_offsets=newest, lag=lag)

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        admin, self._admin = self._admin, None
        # What is thrown away is of no interest any more, least of all why it does not close well.
        with suppress(KafkaError, OSError, TimeoutError):
            if consumer is not None:
                await consumer.stop()
        with suppress(KafkaError, OSError, TimeoutError):
            if admin is not None:
                await admin.close()
