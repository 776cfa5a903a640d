"""The plan's target for the class of water, as one version of the plan states it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from schemas.plan.book import Target as PlanTarget
from schemas.plan.errors import PlanFileError
from schemas.verdict import Comparator, Threshold

INDICATOR: Final = "water.class"


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A class that must be reached, with its source."""

    threshold: Threshold
    rank: int
    """1 (class I) to 5 (class V)."""
    plan_name_zh: str
    plan_name_en: str
    fragment: orjson.Fragment
    """The threshold as JSON, made once."""


def water_target(target: PlanTarget) -> Target:
    """The target for `water.class`.

    Raises:
        PlanFileError: it is not of the form "class N or better".
    """
    threshold = target.threshold
    rank = int(threshold.value)
    if threshold.comparator is not Comparator.LE or rank != threshold.value or not 1 <= rank <= 5:
        raise PlanFileError(threshold.source.id, [(INDICATOR, "must be a class 1 to 5 with op '<='")])
    return Target(
        threshold=threshold,
        rank=rank,
        plan_name_zh=target.plan_name_zh,
        plan_name_en=target.plan_name,
        fragment=orjson.Fragment(threshold.model_dump_json()),
    )
