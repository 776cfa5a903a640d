"""What is said of a log that was made anew, or of a place in it that is gone: in the log, in metrics, in health.

It is trouble for a while, so that whoever looks every few minutes sees it, and a remark from then on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog
from aiokafka import TopicPartition

from services.runtime.health import Health
from services.runtime.same_log import Anew

log = structlog.stdlib.get_logger()

TROUBLE_SECONDS: Final = 600.0


class LogFaults:
    """Faults of the logs that one reader reads."""

    def __init__(
        self,
        part: str,
        health: Health,
        count: Callable[[str], None],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """See the class.

        Args:
            part: What health calls the reader's log.
            count: Counts one, by topic.
        """
        self._part = part
        self._health = health
        self._count = count
        self._now = now
        self._monotonic = monotonic
        self._said: dict[TopicPartition, str] = {}
        self._at = now()
        self._until: float | None = None

    def made_anew(self, partition: TopicPartition, why: Anew) -> None:
        """A partition is another log than was read, and is read from its beginning."""
        self.say(
            partition,
            "the topic was made anew or has lost its end; it is read from its beginning, what comes twice is known by"
            " its id, and what was in it unread before is gone",
            why=why.words,
        )

    def say(self, partition: TopicPartition, what: str, **more: str) -> None:
        """Something happened to a partition, or to our place in it.

        Args:
            more: For the log.
        """
        topic, number = partition.topic, partition.partition
        log.error(what, action="log_fault", part=self._part, topic=topic, partition=number, **more)
        self._count(topic)
        self._said[partition] = what
        self._at = self._now()
        self._until = self._monotonic() + TROUBLE_SECONDS
        self._health.trouble(self._part, self._text())

    def _text(self) -> str:
        """Partitions of the same fault together."""
        places: dict[str, list[str]] = {}
        for partition, what in sorted(self._said.items()):
            places.setdefault(what, []).append(f"{partition.topic} {partition.partition}")
        told = "; ".join(f"{', '.join(where)}: {what}" for what, where in places.items())
        return f"{told} (last at {self._at:%Y-%m-%d %H:%M:%S} UTC)"

    def look(self) -> None:
        """See whether the trouble is old enough; called now and then."""
        if self._until is not None and self._monotonic() >= self._until:
            self._health.remark(self._part, self._text())
            self.end()

    def end(self) -> None:
        """Nothing is read any more, so there is no trouble."""
        self._health.well(self._part)
        self._said.clear()
        self._until = None
