"""Create the topics of `schemas.topics`: `python -m services.runtime.topics`."""

from __future__ import annotations

import asyncio
import sys

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import TOPICS, TopicSpec
from services.runtime.errors import FatalError, PlatformError
from services.runtime.kafka import admin
from services.runtime.settings import KafkaSettings

_ALREADY_EXISTS = 36


def _new_topic(spec: TopicSpec, replication: int) -> NewTopic:
    # The client takes -1 for "given by the assignments", so it wants some, even none, to pass the broker's default on.
    assignments: dict[int, list[int]] | None = {} if replication == -1 else None
    return NewTopic(spec.name, spec.partitions, replication, assignments, topic_configs=spec.config())


async def ensure_topics(client: AIOKafkaAdminClient, *, replication: int = -1) -> list[str]:
    """Create what is missing and return its names; a topic with fewer partitions than the table is an error.

    Args:
        replication: Replicas of each partition; -1 takes the broker's default.

    Raises:
        FatalError: Kafka refused a topic, or an existing topic does not fit the table.
    """
    existing = set(await client.list_topics())
    missing = [spec for spec in TOPICS if spec.name not in existing]
    if missing:
        answer = await client.create_topics([_new_topic(spec, replication) for spec in missing])
        for name, code, *message in answer.topic_errors:
            if code not in (0, _ALREADY_EXISTS):
                raise FatalError(
                    f"Kafka refused to create the topic {name} (error {code}): {message[0] if message else ''}"
                )
    await _check_partitions(client, [spec for spec in TOPICS if spec.name in existing])
    return [spec.name for spec in missing]


async def _check_partitions(client: AIOKafkaAdminClient, specs: list[TopicSpec]) -> None:
    if not specs:
        return
    found = {t["topic"]: len(t["partitions"]) for t in await client.describe_topics([s.name for s in specs])}
    for spec in specs:
        if found[spec.name] != spec.partitions:
            raise FatalError(
                f"the topic {spec.name} has {found[spec.name]} partitions, the table says {spec.partitions}; "
                "changing the number moves keys to other partitions: drain the topic and create it anew"
            )


async def _main() -> None:
    async with admin(KafkaSettings.load(), "district-topics") as client:
        created = await ensure_topics(client)
    sys.stdout.write(f"topics: {len(created)} created, {len(TOPICS) - len(created)} already there\n")


def main() -> None:
    """Entry point."""
    try:
        asyncio.run(_main())
    except PlatformError as error:
        sys.exit(f"topics: {error}")


if __name__ == "__main__":
    main()
