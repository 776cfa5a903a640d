"""Puts the hosts of one process together and runs them; its tests build judges of their own and use the same."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from schemas.fields import Feed
from schemas.topics import topic_spec
from services.runtime.dead_letters import dead_letter_producer
from services.runtime.kafka import consumer, producer
from services.runtime.lifecycle import Lifetime, run_until_stopped
from services.runtime.settings import KafkaSettings
from services.runtime.watchdog import Watchdog
from services.stream_processors.engine.judge import Judge
from services.stream_processors.kafka_host.duty import Duty
from services.stream_processors.kafka_host.host import HostClients, KafkaHost, Pace
from services.stream_processors.kafka_host.outbox import MAX_BATCH_BYTES
from services.stream_processors.kafka_host.plan_reader import PlanReader
from services.stream_processors.kafka_host.state_topic import StateTopic
from services.stream_processors.settings import ProcessorSettings

log = structlog.stdlib.get_logger()

_SESSION_MS: Final = 6_000
_HEARTBEAT_MS: Final = 2_000
_REBALANCE_MS: Final = 15_000
"""In a rebalance a member may first deliver what it is judging and store its states."""
_POLL_INTERVAL_MS: Final = 3_600_000
"""Out of reach: a slow judge is no dead one, and whether judging goes on is the watchdog's question."""
_FETCH_WAIT_MS: Final = 500
"""An idle fetch waits for so long; the first reading ends it."""
_LANES_FETCH_WAIT_MS: Final = 2_000
"""The same, where nothing is written for most of the time. A question on the same connection waits as long."""
_FETCH_LOOK_MS: Final = 1_000
"""aiokafka's fetcher looks around so often although nothing calls it; what is sought, resumed or consumed calls it."""
_PLAN_FETCH_WAIT_MS: Final = 5_000
_PARTITION_FETCH_BYTES: Final = 256 * 1024
"""Small, so that under a backlog every partition soon has its turn."""
_STATE_FETCH_BYTES: Final = 4 * 1024 * 1024
_TRANSACTION_MS: Final = 30_000
_LANES_NICENESS: Final = 10
"""Of the lanes' process: where a processor is scarce, real life has it first."""


class _Sticky(StickyPartitionAssignor):  # type: ignore[misc]  # aiokafka has no type information
    """Gives most partitions back to whom they were taken from, and that one goes on without reading its state.

    aiokafka keeps what a member had in the assignor's class: each consumer of a process needs a class of its own.
    """


async def run_hosts(
    lifetime: Lifetime, judges: Sequence[Judge[Any]], kafka: KafkaSettings, settings: ProcessorSettings, *, live: bool
) -> None:
    """Judge until the service is to stop.

    Raises:
        PlatformError: a host, or what it needs, ended though nobody asked; the others are ended as well.
    """
    if not live:
        os.nice(_LANES_NICENESS)
    name = "processor" if live else "processor-lanes"
    waiting = {judge.feed for judge in judges}

    def ready(feed: Feed) -> None:
        waiting.discard(feed)
        if not waiting:
            lifetime.health.ready()

    watchdog = Watchdog()
    async with watchdog.watching(), AsyncExitStack() as stack:
        enter = stack.enter_async_context
        documents = await enter(_documents_consumer(kafka, f"{name}-plan"))
        plan = PlanReader(documents, lifetime.health)
        outputs = await enter(producer(kafka, name, max_batch_size=MAX_BATCH_BYTES))
        letters = await enter(dead_letter_producer(kafka, name))
        hosts = []
        for judge in judges:
            duty = Duty(judge.feed, live)
            group = await enter(_group_consumer(kafka, duty, settings.processor_instance))
            log.info("feed connected", action="connect", feed=judge.feed, topic=duty.topic)
            looker = partial(consumer, kafka, f"processor-{duty.name}-look", [], None)
            clients = HostClients(group, state_topic_of(kafka, duty), outputs, letters, plan, looker)
            hosts.append(
                KafkaHost(
                    duty,
                    judge,
                    clients,
                    _pace(settings),
                    health=lifetime.health,
                    watchdog=watchdog,
                    ready=partial(ready, judge.feed),
                )
            )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_until_stopped(lifetime, {"plan": plan.run()}), name="plan")
            for host in hosts:
                tasks.create_task(host.run(lifetime), name="host")


def _pace(settings: ProcessorSettings) -> Pace:
    return Pace(
        store_seconds=settings.processor_snapshot_seconds,
        records_max=settings.processor_records_max,
        gather_seconds=settings.processor_gather_seconds,
        owner=settings.processor_instance or f"{socket.gethostname()}-{os.getpid()}",
    )


def _documents_consumer(kafka: KafkaSettings, name: str) -> AbstractAsyncContextManager[AIOKafkaConsumer]:
    return consumer(
        kafka, name, [], None, fetch_max_wait_ms=_PLAN_FETCH_WAIT_MS, consumer_timeout_ms=_PLAN_FETCH_WAIT_MS
    )


def _group_consumer(
    kafka: KafkaSettings, duty: Duty, instance: str | None
) -> AbstractAsyncContextManager[AIOKafkaConsumer]:
    """A member of the duty's group.

    With a name (`PROCESSOR_INSTANCE`) it is a static member: a process that was killed gets its partitions back when it
    comes again, without anybody having had them meanwhile. The second assignor lets members of the release before,
    which know no other, share the group while an update is rolled out.
    """
    return consumer(
        kafka,
        f"processor-{duty.name}",
        [],
        duty.group,
        group_instance_id=instance and f"{instance}-{duty.name}",
        partition_assignment_strategy=(type("Sticky", (_Sticky,), {}), RoundRobinPartitionAssignor),
        session_timeout_ms=_SESSION_MS,
        heartbeat_interval_ms=_HEARTBEAT_MS,
        rebalance_timeout_ms=_REBALANCE_MS,
        max_poll_interval_ms=_POLL_INTERVAL_MS,
        fetch_max_wait_ms=_FETCH_WAIT_MS if duty.live else _LANES_FETCH_WAIT_MS,
        consumer_timeout_ms=_FETCH_LOOK_MS,
        max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
    )


def state_topic_of(kafka: KafkaSettings, duty: Duty) -> StateTopic:
    """Where the duty's states are."""
    name, bytes_max = f"processor-{duty.name}-state", topic_spec(duty.state).max_message_bytes

    def writer(partition: int) -> AbstractAsyncContextManager[AIOKafkaProducer]:
        return producer(
            kafka,
            f"{name}-{partition}",
            transactional_id=duty.transactional_id(partition),
            transaction_timeout_ms=_TRANSACTION_MS,
            max_request_size=bytes_max,
            max_batch_size=bytes_max,
        )

    def reader() -> AbstractAsyncContextManager[AIOKafkaConsumer]:
        return consumer(
            kafka, name, [], None, isolation_level="read_committed", max_partition_fetch_bytes=_STATE_FETCH_BYTES
        )

    return StateTopic(duty.state, writer, reader)
