"""Which feeds have rules, and how their judge is built from the files of the plan and the district."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from schemas.district import District, district_of
from schemas.fields import Feed
from schemas.plan.book import PlanBook
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.errors import PlanFileError
from schemas.plan.policy import PolicyDocument
from services.stream_processors.emergency.coverage import cells_of
from services.stream_processors.emergency.processor import EmergencyRules
from services.stream_processors.engine.feed_rules import FeedRules
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.errors import UnknownFeedError, UnusablePlanError
from services.stream_processors.ev.processor import EvRules
from services.stream_processors.parking.processor import ParkingRules
from services.stream_processors.plan.files import load_document, read_text
from services.stream_processors.settings import ProcessorSettings
from services.stream_processors.tax.processor import TaxRules
from services.stream_processors.water.places import intervals_of
from services.stream_processors.water.processor import WaterRules


def _water(book: PlanBook, settings: ProcessorSettings) -> WaterRules:
    return WaterRules(book, intervals_of(_district(settings)))


def _ev(book: PlanBook, _: ProcessorSettings) -> EvRules:
    return EvRules(book)


def _emergency(book: PlanBook, settings: ProcessorSettings) -> EmergencyRules:
    grid = settings.population_grid
    return EmergencyRules(book, cells_of(read_text(grid), file=str(grid)), _district(settings).post)


def _tax(book: PlanBook, _: ProcessorSettings) -> TaxRules:
    return TaxRules(book)


def _parking(book: PlanBook, settings: ProcessorSettings) -> ParkingRules:
    return ParkingRules(book, {lot.id: lot for lot in _district(settings).lot})


def _district(settings: ProcessorSettings) -> District:
    file = settings.district_file
    return district_of(read_text(file), file=str(file))


RULES: Final[MappingProxyType[Feed, Callable[[PlanBook, ProcessorSettings], FeedRules[Any]]]] = MappingProxyType(
    {Feed.WATER: _water, Feed.EV: _ev, Feed.PARKING: _parking, Feed.EMERGENCY: _emergency, Feed.TAX: _tax}
)
"""One line a feed."""


def default_book(settings: ProcessorSettings) -> PlanBook:
    """The documents that ship with the platform: what is in force until others are published.

    Raises:
        PlanFileError: one of the files does not load.
    """
    policies = (getattr(settings, f"{feed}_policy") for feed in RULES)
    return PlanBook(
        [
            load_document(settings.plan_file, PlanDocument),
            load_document(settings.water_standard, StandardDocument),
            *(_policy(file) for file in policies),
        ]
    )


def _policy(file: Path) -> PolicyDocument:
    return load_document(file, PolicyDocument)


def build_judges(feeds: list[str], settings: ProcessorSettings) -> list[Judge[Any]]:
    """The judges of these feeds, of all registered ones when none is named.

    Raises:
        UnknownFeedError: a feed has no rules.
        UnusablePlanError: a file does not load.
    """
    unknown = sorted(set(feeds) - {feed.value for feed in RULES})
    if unknown:
        raise UnknownFeedError(f"no rules for {', '.join(unknown)}; there are rules for {', '.join(RULES)}")
    try:
        book = default_book(settings)
        return [
            TimelineJudge(make(book, settings), book)
            for feed, make in RULES.items()
            if not feeds or feed.value in feeds
        ]
    except PlanFileError as error:
        raise UnusablePlanError(str(error)) from error
