"""The partitions of the two topics that the API reads. Pure."""

from __future__ import annotations

from typing import Final

from aiokafka import TopicPartition

from schemas.topics import ALERT_ACTIONS, ALERTS, topic_spec

TOPICS: Final = (ALERTS, ALERT_ACTIONS)


def partitions_of_alerts() -> list[TopicPartition]:
    """Every partition of both topics: as many as the table of topics says, which is seen to when they are made."""
    return [TopicPartition(topic, number) for topic in TOPICS for number in range(topic_spec(topic).partitions)]
