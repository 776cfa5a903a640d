"""Figures and dates that cannot be: the check refuses a document, or the processors judge by it; and both say the same.

Every number of every document that ships is set to what nobody means, every date to the ends of the calendar.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.fields import Feed
from schemas.plan.book import Document, load_document
from schemas.plan.errors import PlanFileError
from schemas.plan.in_force import version_of
from schemas.plan.policy import PolicyDocument
from schemas.plan.toml import parse_any
from services.stream_processors.check import feeds_of, refusals
from services.stream_processors.engine.events import DocumentRefused
from services.stream_processors.engine.judge import Judge
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.recorded import Item, item, log_of, publication, run, tick
from tests.unit.stream_processors.test_every_feed import MAKERS, START, readings
from tests.unit.stream_processors.water_log import PLAN

FILES = sorted(PLAN.glob("**/*.toml"))
NUMBERS: tuple[Any, ...] = (-1, 0, 1e18, float("nan"), float("inf"), -float("inf"), 10**30, -(10**400), 1e-300)
DATES = (date.min, date.max, date(1900, 1, 1), date(2199, 12, 31))
Place = tuple[str | int, ...]

NO_ANSWER = ("JudgingFailed",)
"""Outputs that say that judging raised."""


def places(node: Any, kind: type, at: Place = ()) -> Iterator[Place]:
    """Where in a document a value of a kind stands."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(value, kind, (*at, key))
    elif isinstance(node, kind) and not isinstance(node, bool):
        yield at


def changed(tables: dict[str, Any], *changes: tuple[Place, Any]) -> dict[str, Any]:
    found = deepcopy(tables)
    for place, value in changes:
        node: Any = found
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = value
    return found


def loaded(tables: dict[str, Any]) -> Document | None:
    """The document; None when the contract refuses it."""
    kind = next(name for name in ("plan", "standard", "policy") if name in tables)
    try:
        return load_document({"kind": kind, "document": tables})
    except ValidationError as error:
        assert error.error_count()  # noqa: PT017 - that it is refused is one of two right answers
        return None


@cache
def judge(feed: Feed) -> Judge[Any]:
    return build_judges([feed.value], ProcessorSettings())[0]


@cache
def log(feed: Feed) -> tuple[Item, ...]:
    """Readings with some that come late, then silence, midnight and days in which nothing comes."""
    dice = random.Random(7)
    _, span, late = MAKERS[feed]
    arrivals = sorted(
        ((one.observed_at + late * dice.choice([0, 0, 0.9]), n, one) for n, one in enumerate(readings(feed, dice))),
        key=lambda arrival: arrival[:2],
    )
    found: list[Item] = []
    for n, (at, _, one) in enumerate(arrivals):
        found.append(item(one))
        if n % 4 == 0:
            found.append(tick(at))
    end = timedelta(days=1 if feed is Feed.PARKING else 9)  # zones are looked at once a minute as long as it matters
    waits = (timedelta(minutes=1), timedelta(hours=1), end)
    return (*found, *(tick(START + span + late + wait) for wait in waits))


def is_refused(document: Document, feeds: list[Feed]) -> bool:
    """Whether the document is refused; fails when judging by it raises, or when processor and check disagree."""
    said = refusals(document, [judge(feed) for feed in feeds])
    refused = []
    for feed in feeds:
        result = run(judge(feed), log_of([publication(document), *log(feed)]), batch=7)
        assert not [output for output in result.outputs if type(output).__name__ in NO_ANSWER]
        assert result.refused == []
        refused += [output for output in result.outputs if isinstance(output, DocumentRefused)]
    assert bool(refused) == bool(said), (said, refused)
    assert all(reason in "".join(str(output) for output in refused) for _, reason in said)
    return bool(said)


def concerned(document: Document, place: Place, tables: dict[str, Any]) -> list[Feed]:
    """The feeds that a change can matter to: a figure of the plan matters to the feed that it names."""
    if isinstance(document, PolicyDocument):
        return [document.feed]
    if place[0] == "indicator":
        named = tables["indicator"][place[1]].get("feed")
        return [Feed(named)] if named else []
    return [Feed.WATER] if place[0] in ("item", "standard") else feeds_of(document)


def cases(tables: dict[str, Any]) -> Iterator[tuple[Place, Any]]:
    yield from ((place, value) for place in places(tables, int | float) for value in NUMBERS)  # type: ignore[arg-type]
    yield from ((place, value) for place in places(tables, date) for value in DATES)


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_figure_that_nobody_means_is_refused_or_judged_by(file: Path) -> None:
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    refused = judged = 0
    for place, value in cases(tables):
        mutant = changed(tables, (place, value))
        document = loaded(mutant)
        try:
            was_refused = document is None or is_refused(document, concerned(document, place, mutant))
        except Exception as error:
            error.add_note(f"{file.name}: {place} = {value}")
            raise
        refused, judged = refused + was_refused, judged + (not was_refused)
        if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"), 1e18)):  # noqa: PLR0124
            assert was_refused, (place, value)
    assert refused > 0
    assert judged > 0


@st.composite
def mutants(draw: st.DrawFn) -> tuple[dict[str, Any], list[Place]]:
    """A document that ships with some of its figures set to anything."""
    tables = tomllib.loads(draw(st.sampled_from(FILES)).read_text(encoding="utf-8"))
    known = list(places(tables, int | float))  # type: ignore[arg-type]
    chosen = draw(st.lists(st.sampled_from(known), min_size=1, max_size=4, unique=True))
    figures = st.one_of(st.sampled_from(NUMBERS), st.floats(), st.integers(), st.integers(1, 400), st.floats(0, 2))
    return changed(tables, *((place, draw(figures)) for place in chosen)), chosen


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(mutant=mutants())
def test_any_figures_together_are_refused_or_judged_by(mutant: tuple[dict[str, Any], list[Place]]) -> None:
    tables, chosen = mutant
    document = loaded(tables)
    if document is not None:
        feeds = {feed for place in chosen for feed in concerned(document, place, tables)}
        is_refused(document, sorted(feeds))


@given(text=st.text())
@example(text="a = " + "9" * 5_000)
@example(text="a = " + "[" * 5_000)
@example(text="[policy]\nvalid_from = 0000-00-00\n")
def test_any_text_is_a_document_or_says_what_is_wrong(text: str) -> None:
    with pytest.raises(PlanFileError) as caught:
        parse_any(text, file="a.toml")
    assert caught.value.problems


@pytest.mark.parametrize("day", [date.min, date(1899, 12, 31), date(2200, 1, 1), date.max])
def test_a_day_outside_the_calendar_of_plans_is_refused_and_named(day: date) -> None:
    text = (PLAN / "policies" / "parking.toml").read_text(encoding="utf-8")
    with pytest.raises(PlanFileError) as caught:
        parse_any(text.replace("valid_from = 2010-01-01", f"valid_from = {day}"), file="p")
    assert [key for key, _ in caught.value.problems] == ["policy.valid_from"]


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar_have_a_midnight(day: date) -> None:
    version = version_of("x", day, day)
    assert version.until_us is not None
    assert version.until_us - version.from_us == 86_400_000_000
