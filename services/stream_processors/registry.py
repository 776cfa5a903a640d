"""Which feeds have rules, and how their judge is built from the plan's files."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from schemas.fields import Feed
from schemas.plan.documents import PlanDocument, StandardDocument, WaterPolicyDocument
from schemas.plan.errors import PlanFileError
from services.stream_processors.engine.judge import Judge
from services.stream_processors.errors import UnknownFeedError, UnusablePlanError
from services.stream_processors.plan.files import load_document
from services.stream_processors.settings import ProcessorSettings
from services.stream_processors.water.processor import WaterJudge
from services.stream_processors.water.target import water_target


def water_judge(settings: ProcessorSettings) -> WaterJudge:
    """The judge of the feed water.

    Raises:
        PlanFileError: one of the files does not load.
    """
    plan = load_document(settings.plan_file, PlanDocument)
    standard = load_document(settings.water_standard, StandardDocument)
    policy = load_document(settings.water_policy, WaterPolicyDocument)
    return WaterJudge(water_target(plan, file=str(settings.plan_file)), standard, policy)


JUDGES: Final[MappingProxyType[Feed, Callable[[ProcessorSettings], Judge[Any]]]] = MappingProxyType(
    {Feed.WATER: water_judge}
)
"""One line a feed."""


def build_judges(feeds: list[str], settings: ProcessorSettings) -> list[Judge[Any]]:
    """The judges of these feeds, of all registered ones when none is named.

    Raises:
        UnknownFeedError: a feed has no rules.
        UnusablePlanError: a file does not load.
    """
    unknown = sorted(set(feeds) - {feed.value for feed in JUDGES})
    if unknown:
        raise UnknownFeedError(f"no rules for {', '.join(unknown)}; there are rules for {', '.join(JUDGES)}")
    try:
        return [JUDGES[feed](settings) for feed in JUDGES if not feeds or feed.value in feeds]
    except PlanFileError as error:
        raise UnusablePlanError(str(error)) from error
