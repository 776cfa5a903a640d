"""Create the topics of `schemas.topics`: `python -m services.runtime.topics`."""

from __future__ import annotations

import asyncio
import sys

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.topics import TOPICS, TopicSpec
from services.runtime.errors import FatalError, PlatformError
from services.runtime.kafka import admin
from services.runtime.settings import KafkaSettings, TopicSettings

_ALREADY_EXISTS = 36
_SET_ON_TOPIC = 1
"""Source of a configuration entry, as the protocol numbers it: neither inherited from the broker nor a default."""


def new_topic(spec: TopicSpec, settings: TopicSettings) -> NewTopic:
    """Say to Kafka what a topic of the table is to be."""
    # The client takes -1 for "given by the assignments", so it wants some, even none, to pass the broker's default on.
    assignments: dict[int, list[int]] | None = {} if settings.replicas is None else None
    replication = settings.replicas if settings.replicas is not None else -1
    return NewTopic(spec.name, spec.partitions, replication, assignments, topic_configs=config_of(spec, settings))


def config_of(spec: TopicSpec, settings: TopicSettings) -> dict[str, str]:
    """Configuration of a topic: what the table says, and how safely it is kept."""
    if settings.min_in_sync is None:
        return spec.config()
    return spec.config() | {"min.insync.replicas": str(settings.min_in_sync)}


async def ensure_topics(client: AIOKafkaAdminClient, settings: TopicSettings | None = None) -> list[str]:
    """Create what is missing and return its names; give topics that are there the table's configuration.

    A topic with another number of partitions than the table, or with fewer replicas than asked for, is an error.

    Raises:
        FatalError: Kafka refused a topic, or an existing topic does not fit the table.
    """
    settings = settings or TopicSettings()
    existing = set(await client.list_topics())
    missing = [spec for spec in TOPICS if spec.name not in existing]
    if missing:
        answer = await client.create_topics([new_topic(spec, settings) for spec in missing])
        for name, code, *message in answer.topic_errors:
            if code not in (0, _ALREADY_EXISTS):
                raise FatalError(
                    f"Kafka refused to create the topic {name} (error {code}): {message[0] if message else ''}"
                )
    there = [spec for spec in TOPICS if spec.name in existing]
    await _check_partitions(client, there, settings)
    await _bring_up_to_date(client, {spec.name: config_of(spec, settings) for spec in there})
    return [spec.name for spec in missing]


async def _check_partitions(client: AIOKafkaAdminClient, specs: list[TopicSpec], settings: TopicSettings) -> None:
    if not specs:
        return
    found = {t["topic"]: t["partitions"] for t in await client.describe_topics([s.name for s in specs])}
    for spec in specs:
        partitions = found[spec.name]
        if len(partitions) != spec.partitions:
            raise FatalError(
                f"the topic {spec.name} has {len(partitions)} partitions, the table says {spec.partitions}; "
                "changing the number moves keys to other partitions: drain the topic and create it anew"
            )
        fewest = min(len(partition["replicas"]) for partition in partitions)
        if settings.replicas is not None and fewest < settings.replicas:
            raise FatalError(
                f"the topic {spec.name} has {fewest} replicas, KAFKA_TOPIC_REPLICAS says {settings.replicas}; give it "
                "more with kafka-reassign-partitions.sh, then start again"
            )


async def _bring_up_to_date(client: AIOKafkaAdminClient, wanted: dict[str, dict[str, str]]) -> None:
    """Set what the table says and the topic does not; what an operator has set beside the table stays.

    The client can only replace a topic's whole configuration, so what was set before is read and given back.

    Raises:
        FatalError: Kafka refused a configuration.
    """
    if not wanted:
        return
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted])
    set_now = {
        name: {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_TOPIC}
        for answer in answers
        for _, _, _, name, entries in answer.resources
    }
    changed = [
        ConfigResource(ConfigResourceType.TOPIC, name, set_now.get(name, {}) | config)
        for name, config in wanted.items()
        if not config.items() <= set_now.get(name, {}).items()
    ]
    if not changed:
        return
    for answer in await client.alter_configs(changed):
        for code, message, _, name in answer.resources:
            if code != 0:
                raise FatalError(f"Kafka refused the configuration of the topic {name} (error {code}): {message or ''}")


async def _main() -> None:
    async with admin(KafkaSettings.load(), "district-topics") as client:
        created = await ensure_topics(client, TopicSettings.load())
    sys.stdout.write(f"topics: {len(created)} created, {len(TOPICS) - len(created)} already there\n")


def main() -> None:
    """Entry point."""
    try:
        asyncio.run(_main())
    except PlatformError as error:
        sys.exit(f"topics: {error}")


if __name__ == "__main__":
    main()
