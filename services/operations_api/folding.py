"""Records of both topics into the board: what each changed, and what became of each action."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord
from pydantic import ValidationError

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from schemas.topics import ALERTS
from services.alert_life.life import Fate
from services.operations_api.board import Board, Change
from services.operations_api.cursors import Partition
from services.runtime import metrics

log = structlog.stdlib.get_logger()

_BEYOND: Final = 2**53
"""Added to offsets of a topic that was made anew: what the database has stored of the former one is not of these."""


class Folder:
    """Folds records in, one after the other.

    Args:
        settled: Told what became of each action.
    """

    def __init__(self, board: Board, *, now: Callable[[], datetime], settled: Callable[[str, Fate], None]) -> None:
        self._board = board
        self._now = now
        self._settled = settled
        self._beyond: dict[Partition, int] = {}

    def made_anew(self, partition: Partition) -> None:
        """What comes of a partition from now on is of another log."""
        self._beyond[partition] = _BEYOND

    def fold(self, topic: str, records: Iterable[ConsumerRecord[Any, Any]]) -> list[Change]:
        """What records of a topic have changed; those that are not what they should be are passed over."""
        now = self._now()
        folded, changes = 0, []
        for record in records:
            folded += 1
            try:
                change = self._fold_event(record, now) if topic == ALERTS else self._fold_action(record, now)
            except ValidationError as error:
                metrics.API_RECORDS_UNUSABLE.labels(topic).inc()
                log.warning(
                    "a record is not what it should be and is passed over",
                    action="pass_over",
                    topic=topic,
                    partition=record.partition,
                    offset=record.offset,
                    error=str(error).splitlines()[0],
                )
                continue
            if change is not None:
                changes.append(change)
        metrics.API_RECORDS_FOLDED.labels(topic).inc(folded)
        return changes

    def _fold_event(self, record: ConsumerRecord[Any, Any], now: datetime) -> Change | None:
        return self._board.take_event(Alert.model_validate_json(record.value or b""), now)

    def _fold_action(self, record: ConsumerRecord[Any, Any], now: datetime) -> Change | None:
        action = AlertAction.model_validate_json(record.value or b"")
        offset = record.offset + self._beyond.get((record.topic, record.partition), 0)
        change = self._board.take_action(action, now, (record.partition, offset))
        fate = self._board.fate(action.action_id)
        if fate is not None:
            self._settled(action.action_id, fate)
        return change
