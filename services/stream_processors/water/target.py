"""The plan's target for the class of water: which limit was in force at a moment of event time. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import orjson

from schemas.plan.documents import PlanDocument
from schemas.plan.errors import PlanFileError
from schemas.verdict import Comparator, Threshold
from services.stream_processors.engine.event_time import to_us

INDICATOR: Final = "water.class"
_LOCAL_OFFSET: Final = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Target:
    """A class that must be reached, with its source and the time in which it is in force."""

    threshold: Threshold
    rank: int
    """1 (class I) to 5 (class V)."""
    plan_name_zh: str
    plan_name_en: str
    fragment: orjson.Fragment
    """The threshold as JSON, made once."""
    from_us: int
    until_us: int | None

    def in_force(self, at_us: int) -> bool:
        """Whether it was in force at this moment."""
        return self.from_us <= at_us and (self.until_us is None or at_us < self.until_us)


def water_target(plan: PlanDocument, *, file: str) -> Target:
    """The target for `water.class`.

    Raises:
        PlanFileError: the plan has no such target, or not of the form "class N or better".
    """
    threshold = plan.threshold(INDICATOR)
    if threshold is None:
        raise PlanFileError(file, [("indicator", f"there is no indicator '{INDICATOR}'; the feed water needs it")])
    rank = int(threshold.value)
    if threshold.comparator is not Comparator.LE or rank != threshold.value or not 1 <= rank <= 5:
        raise PlanFileError(file, [(INDICATOR, "must be a class 1 to 5 with op '<='")])
    source = threshold.source
    until = None if source.valid_to is None else source.valid_to + timedelta(days=1)
    return Target(
        threshold=threshold,
        rank=rank,
        plan_name_zh=plan.plan.name_zh or plan.plan.name,
        plan_name_en=plan.plan.name,
        fragment=orjson.Fragment(threshold.model_dump_json()),
        from_us=_local_midnight_us(source.valid_from),
        until_us=None if until is None else _local_midnight_us(until),
    )


def _local_midnight_us(day: date) -> int:
    return to_us(datetime(day.year, day.month, day.day, tzinfo=UTC) - _LOCAL_OFFSET)
