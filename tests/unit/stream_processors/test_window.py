"""The packed window against a plain sorted list, and what a reading that is kept costs."""

from __future__ import annotations

import gc
import random
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import Feed
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry
from services.stream_processors.engine.window import BLOCK_ENTRIES, TAIL_ENTRIES, Window
from services.stream_processors.registry import RULES, build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.test_every_feed import MAKERS, START

BYTES_A_READING = 150


def entry(at_us: int, seq: int = 0) -> Entry:
    return Entry(at_us, "lot", "b", seq, "lot", at_us, ((1, None, True), "name", 2.5, ((1, 2.0), ("x", None))))


def restored(window: Window, parts: dict[str, bytes]) -> Window:
    for name, raw in window.changes().items():
        if raw is None:
            parts.pop(name)
        else:
            parts[name] = raw
    again = Window()
    again.restore([(int(name[2:]), raw) for name, raw in parts.items() if ":" in name], parts.get("w"))
    return again


@settings(deadline=None, max_examples=60)
@given(st.randoms(use_true_random=False))
def test_a_window_is_a_sorted_list_whatever_is_done_to_it(dice: random.Random) -> None:
    window, plain, parts = Window(), list[Entry](), dict[str, bytes]()
    newest = 0
    for _ in range(dice.randrange(1, 60)):
        match dice.randrange(7):
            case 0 | 1 | 2:
                for _ in range(dice.choice([1, 5, 90])):
                    newest += dice.randrange(1, 9)
                    window.append(entry(newest))
                    plain.append(entry(newest))
            case 3:
                late = {entry(dice.randrange(newest + 1), 1 + dice.randrange(99)) for _ in range(dice.choice([1, 40]))}
                late -= set(plain)
                window.merge(sorted(late))
                plain = sorted([*plain, *late])
            case 4:
                limit = (dice.randrange(newest + 1), "lot")
                # Blocks go whole: what is left behind the position is what counts.
                window.forget_until(limit)
                plain = [one for one in plain if one[:4] > limit or one in set(window)]
            case 5:
                limit = (dice.randrange(newest + 1),)
                assert window.take_until(limit) == [one for one in plain if one < limit]
                plain = [one for one in plain if one >= limit]
            case _:
                window = restored(window, parts)
        assert list(window) == plain
        assert len(window) == len(plain)
        somewhere = (dice.randrange(newest + 2), "lot", "b", dice.randrange(2))
        for where in (somewhere, *_ends_of_parts(plain)):
            assert list(window.after(where)) == [one for one in plain if one[:4] > where]
            assert window.count_after(where) == len([one for one in plain if one[:4] > where])
            assert window.knows(where) == any(one[:4] == where for one in plain)
        if plain:
            count = dice.randrange(1, len(plain) + 1)
            assert window.at_us_from_end(count) == plain[-count].at_us
            assert window.first_us() == plain[0].at_us


def _ends_of_parts(plain: list[Entry]) -> list[tuple[Any, ...]]:
    """Wherever the tail begins after readings came in order alone, and what stands next to that."""
    return [one[:4] for begins in range(0, len(plain), BLOCK_ENTRIES) for one in plain[max(0, begins - 1) : begins + 2]]


def test_the_first_reading_of_the_tail_is_known_and_does_not_stand_behind_itself() -> None:
    window = Window()
    for number in range(TAIL_ENTRIES):
        window.append(entry(number))
    first = entry(BLOCK_ENTRIES)
    assert window.knows(first[:4])
    assert next(window.after(first[:4])) == entry(BLOCK_ENTRIES + 1)
    assert window.count_after(first[:4]) == TAIL_ENTRIES - BLOCK_ENTRIES - 1


def test_the_last_reading_can_be_taken_out() -> None:
    window = Window()
    for number in range(2 * TAIL_ENTRIES):
        window.append(entry(number))
    taken = [window.pop_last().at_us for _ in range(2 * TAIL_ENTRIES)]
    assert taken == list(reversed(range(2 * TAIL_ENTRIES)))
    assert not window


def test_a_block_is_given_once_and_the_tail_when_it_changed() -> None:
    window = Window()
    for number in range(TAIL_ENTRIES):
        window.append(entry(number))
    assert set(window.changes()) == {"w:0", "w"}
    assert window.changes() == {}
    window.append(entry(TAIL_ENTRIES))
    assert set(window.changes()) == {"w"}
    window.merge([entry(BLOCK_ENTRIES // 2, 7)])
    assert {name: raw is None for name, raw in window.changes().items()} == {"w:0": True, "w:1": False}


@pytest.mark.parametrize("feed", sorted(RULES))
def test_a_reading_that_is_kept_takes_few_bytes(feed: Feed) -> None:
    (judge,) = build_judges([feed.value], ProcessorSettings())
    rules: Any = judge.rules  # type: ignore[attr-defined]
    dice = random.Random(7)
    make = MAKERS[feed][0]
    raws = [
        make(dice, seq, START + timedelta(seconds=seq)).model_dump_json().encode() for seq in range(20 * TAIL_ENTRIES)
    ]
    gc.collect()
    tracemalloc.start()
    window = Window()
    kept = 0
    for offset, raw in enumerate(raws):
        reading = rules.decode(raw)
        found = rules.entry(reading)
        if found is not None:
            window.append(
                Entry(
                    to_us(reading.observed_at),
                    reading.device_id,
                    reading.boot_id,
                    reading.seq,
                    found[0],
                    offset,
                    found[1],
                )
            )
            kept += 1
    del reading, found
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(window) == kept
    assert taken / kept <= BYTES_A_READING
