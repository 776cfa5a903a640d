"""The stream processors: `python -m services.stream_processors [--feed water ...]`, all feeds with rules by default."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack
from typing import Any

from schemas.topics import MAX_DEAD_LETTER_BYTES, readings_topic, state_topic, topic_spec
from services.runtime.dead_letters import dead_letter_producer
from services.runtime.kafka import consumer, producer
from services.runtime.lifecycle import Lifetime, run_service
from services.runtime.settings import KafkaSettings
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.kafka_host import HostClients, KafkaHost
from services.stream_processors.engine.plan_reader import PlanReader
from services.stream_processors.engine.snapshot_store import SnapshotStore
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings

NAME = "stream_processors"
SESSION_TIMEOUT_MS = 6_000
HEARTBEAT_MS = 2_000


async def _host(
    stack: AsyncExitStack, judge: Judge[Any], kafka: KafkaSettings, *, lifetime: Lifetime, plan: PlanReader
) -> KafkaHost[Any]:
    """Connect one feed's host; the stack closes its clients."""
    settings = ProcessorSettings.load()
    feed, state = judge.feed, state_topic(judge.feed)
    name = f"processor-{feed}"
    snapshot_bytes = topic_spec(state).max_message_bytes or MAX_DEAD_LETTER_BYTES
    group = await stack.enter_async_context(
        consumer(
            kafka,
            name,
            [],
            f"processor.{feed}",
            group_instance_id=settings.processor_instance and f"{settings.processor_instance}-{feed}",
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
        )
    )
    outputs = await stack.enter_async_context(producer(kafka, name))
    writer = await stack.enter_async_context(
        producer(kafka, f"{name}-state", max_request_size=snapshot_bytes, max_batch_size=snapshot_bytes)
    )
    reader = await stack.enter_async_context(
        consumer(kafka, f"{name}-state", [], None, max_partition_fetch_bytes=snapshot_bytes)
    )
    letters = await stack.enter_async_context(dead_letter_producer(kafka, name))
    lifetime.log.info("feed connected", action="connect", feed=feed, topic=readings_topic(feed))
    return KafkaHost(
        judge,
        HostClients(group, outputs, SnapshotStore(state, writer, reader), letters, plan),
        lifetime.health,
        snapshot_seconds=settings.processor_snapshot_seconds,
        records_max=settings.processor_records_max,
    )


async def _main(lifetime: Lifetime, feeds: list[str]) -> None:
    kafka = KafkaSettings.load()
    judges = build_judges(feeds, ProcessorSettings.load())
    async with AsyncExitStack() as stack:
        documents = await stack.enter_async_context(consumer(kafka, f"{NAME}-plan", [], None))
        plan = PlanReader(documents, lifetime.health)
        hosts = [await _host(stack, judge, kafka, lifetime=lifetime, plan=plan) for judge in judges]
        reading = asyncio.create_task(plan.run(), name="plan")
        try:
            async with asyncio.TaskGroup() as group:
                for host in hosts:
                    group.create_task(host.run(lifetime))
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog=NAME, description="Judge readings against the plan.")
    parser.add_argument("--feed", action="append", default=[], help="a feed; all with rules by default; repeatable")
    feeds: list[str] = parser.parse_args().feed

    async def run(lifetime: Lifetime) -> None:
        await _main(lifetime, feeds)

    run_service(NAME, run)


if __name__ == "__main__":
    main()
