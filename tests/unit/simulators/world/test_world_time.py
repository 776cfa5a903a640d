"""Time is given from outside: in whatever parts a day is asked for, every device says the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import orjson
import pytest

from schemas.fields import Feed
from simulators.world.library import load_for
from simulators.world.run import Order, WorldRun
from tests.unit.simulators.world.world_run import FIRST, run, world


def sent_by_device(feed: Feed, scenario: str, seconds: int) -> dict[str, list[bytes]]:
    made = WorldRun(world(), load_for(scenario, world()), Order(7, FIRST, 1, "exercise:x", feeds=(feed,)))
    found: dict[str, list[bytes]] = defaultdict(list)
    for part in made.parts(seconds):
        for _, line in part.lines[feed]:
            try:
                found[orjson.loads(line)["device_id"]].append(line)
            except (orjson.JSONDecodeError, TypeError, KeyError):
                found["garbage"].append(line)
    return found


@pytest.mark.parametrize("feed", list(Feed))
@pytest.mark.parametrize("seconds", [60, 86_400])
def test_parts_of_any_length_are_the_same_day(feed: Feed, seconds: int) -> None:
    hourly = sent_by_device(feed, "sensor-vandalism", 3_600)
    other = sent_by_device(feed, "sensor-vandalism", seconds)
    garbage, same = Counter(hourly.pop("garbage", [])), Counter(other.pop("garbage", []))
    assert garbage == same
    assert hourly == other


def test_a_crowd_is_sent_on_to_the_same_car_parks_whatever_the_parts() -> None:
    assert sent_by_device(Feed.PARKING, "fashion-week", 300) == sent_by_device(Feed.PARKING, "fashion-week", 3_600)


@pytest.mark.parametrize("feed", list(Feed))
def test_a_part_holds_what_is_sent_in_its_time_in_order(feed: Feed) -> None:
    made = run(feeds=(feed,))
    begins = []
    for part in made.parts(600):
        begins.append(part.begin)
        times = [sent for sent, _ in part.lines[feed]]
        assert times == sorted(times)
        assert all(part.begin <= sent < part.begin + 600 for sent in times)
    assert {later - before for before, later in pairwise(begins)} == {600}
    assert len(begins) == 144


@pytest.mark.parametrize("seconds", [0, -60, 7, 100_000])
def test_a_day_is_a_whole_number_of_parts(seconds: int) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        next(run().parts(seconds))
