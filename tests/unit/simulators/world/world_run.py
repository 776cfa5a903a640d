"""A small world and runs in it, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import orjson

from schemas.fields import Feed
from simulators.world.files import load_world
from simulators.world.places import World
from simulators.world.run import Order, WorldRun
from simulators.world.scenario import Scenario, scenario_of

FIRST = date(2026, 7, 8)
"""A Wednesday."""
HEAD = """
[scenario]
name = "drawn"
title = "Drawn"
title_zh = "测试"
about = "A test draws it."
season_rain = false
natural_faults = false
"""


@cache
def world(scale: float = 0.1) -> World:
    return load_world(scale)


def scenario(text: str = "", head: str = HEAD) -> Scenario:
    return scenario_of(head + text, file="drawn.toml")


def run(
    text: str = "",
    *,
    seed: int = 7,
    days: int = 1,
    first: date = FIRST,
    scale: float = 0.1,
    feeds: tuple[Feed, ...] = tuple(Feed),
) -> WorldRun:
    return WorldRun(world(scale), scenario(text), Order(seed, first, days, "exercise:drawn", feeds=feeds))


def lines(text: str, feed: Feed, **how: Any) -> tuple[list[bytes], WorldRun]:
    """The lines of a feed in the order of sending, and the run when it is over."""
    made = run(text, feeds=(feed,), **how)
    return [line for each in made.parts() for _, line in each.lines[feed]], made


@cache
def quiet_day(feed: Feed) -> tuple[dict[str, Any], ...]:
    return tuple(orjson.loads(line) for line in lines("", feed)[0])


def of_device(found: list[bytes], device: str) -> Iterator[dict[str, Any]]:
    for line in found:
        if device.encode() in line:
            yield orjson.loads(line)


def at(reading: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(reading["observed_at"]).astimezone(UTC)
