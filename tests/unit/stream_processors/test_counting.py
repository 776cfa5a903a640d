"""Debounce as policy: n in a row, n of m, for a duration, below another value, after a delay, held, in steps."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stream_processors.engine.counting import (
    CALM,
    Debounce,
    Episode,
    Run,
    Sample,
    advance,
    dump_run,
    load_run,
)
from services.stream_processors.engine.event_time import MICROSECONDS

MINUTE_US = 60 * MICROSECONDS


def sample(minute: float, level: int | None, *, clears: bool = True) -> Sample:
    return Sample(round(minute * MINUTE_US), level, None if level is None else float(level), int(minute), (), clears)


def count(samples: Sequence[Sample], debounce: Debounce) -> list[Episode]:
    """Episodes as they stand after the last sample."""
    run, found = CALM, {}
    for one in samples:
        run, episode = advance(run, one, debounce)
        if episode is not None:
            found[episode.started_us] = episode
    return list(found.values())


def every_minute(levels: str) -> list[Sample]:
    """`.` within the limit, `~` within it but not within the clear value, digits beyond, `?` nothing can be said."""
    return [
        sample(n, None if c == "?" else int(c) if c.isdigit() else 0, clears=c != "~") for n, c in enumerate(levels)
    ]


def spans(levels: str, debounce: Debounce) -> list[tuple[int, int, int | None, int | None]]:
    """Start, raised, end and cleared of each episode in minutes."""
    return [
        tuple(None if us is None else us // MINUTE_US for us in (e.started_us, e.raised_us, e.ended_us, e.cleared_us))  # type: ignore[misc]
        for e in count(every_minute(levels), debounce)
    ]


@pytest.mark.parametrize(
    ("levels", "debounce", "expected"),
    [
        ("1", Debounce(), [(0, 0, None, None)]),
        (".1.", Debounce(), [(1, 1, 2, 2)]),
        (".1.11.1...", Debounce(raise_after=2, clear_after=2), [(3, 4, 7, 8)]),
        ("1?1", Debounce(raise_after=2), [(0, 2, None, None)]),
        ("1.1.1.", Debounce(raise_after=2), []),
        ("1.1...", Debounce(raise_after=2, raise_of=3), [(0, 2, 3, 3)]),
        ("1..1.1", Debounce(raise_after=2, raise_of=3), [(3, 5, None, None)]),
        ("1..1..1", Debounce(raise_after=2, raise_of=3), []),
        ("11111", Debounce(raise_for_us=5 * MINUTE_US), []),
        ("111111", Debounce(raise_for_us=5 * MINUTE_US), [(0, 5, None, None)]),
        ("111.111111", Debounce(raise_for_us=5 * MINUTE_US), [(4, 9, None, None)]),
        ("1~~.", Debounce(), [(0, 0, 3, 3)]),
        ("1~1~~", Debounce(), [(0, 0, None, None)]),
        ("1.~.", Debounce(clear_after=2), [(0, 0, None, None)]),
        ("1...", Debounce(clear_for_us=2 * MINUTE_US), [(0, 0, 1, 3)]),
        ("1..1...", Debounce(clear_for_us=2 * MINUTE_US), [(0, 0, 4, 6)]),
        ("1.....", Debounce(hold_us=4 * MINUTE_US), [(0, 0, 1, 4)]),
        ("1..1..", Debounce(hold_us=4 * MINUTE_US), [(0, 0, 4, 4)]),
    ],
)
def test_episodes(levels: str, debounce: Debounce, expected: list[tuple[int, int, int | None, int | None]]) -> None:
    assert spans(levels, debounce) == expected


def test_one_sample_two_hours_old_does_not_last_five_minutes() -> None:
    debounce = Debounce(raise_for_us=5 * MINUTE_US, gap_max_us=2 * MINUTE_US)
    assert count([sample(0, 1)], debounce) == []
    assert count([sample(0, 1), sample(120, 1)], debounce) == []
    assert count([sample(0, 1), sample(120, 1), *[sample(121 + n, 1) for n in range(5)]], debounce)[0].started_us == (
        120 * MINUTE_US
    )


def test_the_level_steps_up_at_once_and_down_after_as_many_as_the_policy_says() -> None:
    run, levels = CALM, []
    for one in every_minute("1311211"):
        run, episode = advance(run, one, Debounce(step_down_after=2))
        if episode is not None:
            levels.append(episode.level)
    assert levels == [1, 3, 1, 2, 1]
    assert run.episode is not None
    assert run.episode.peak.level == 3


def test_a_run_that_waits_for_a_duration_stays_small() -> None:
    run = CALM
    for n in range(10_000):
        run, _ = advance(run, sample(n, 1 + n % 2), Debounce(raise_after=3, raise_for_us=20_000 * MINUTE_US))
    assert len(run.recent) <= 6


debounces = st.builds(
    Debounce,
    raise_after=st.integers(1, 3),
    raise_of=st.one_of(st.none(), st.integers(3, 5)),
    raise_for_us=st.sampled_from([0, 2 * MINUTE_US]),
    gap_max_us=st.sampled_from([None, 3 * MINUTE_US]),
    clear_after=st.integers(1, 3),
    clear_for_us=st.sampled_from([0, 2 * MINUTE_US]),
    hold_us=st.sampled_from([0, 3 * MINUTE_US]),
    step_down_after=st.integers(1, 2),
)
levels = st.lists(st.sampled_from(".~12?"), max_size=30).map("".join)


@given(levels, debounces)
def test_an_episode_lasts_from_its_first_sample_beyond_to_its_first_clear_one(text: str, debounce: Debounce) -> None:
    samples = {one.at_us: one for one in every_minute(text)}
    ends = 0
    for episode in count(list(samples.values()), debounce):
        assert samples[episode.started_us].level
        assert samples[episode.raised_us].level
        assert ends <= episode.started_us <= episode.raised_us
        assert episode.raised_us - episode.started_us >= debounce.raise_for_us
        assert episode.peak.level >= episode.level >= 1
        if episode.ended_us is not None and episode.cleared_us is not None:
            assert samples[episode.ended_us].level == 0
            assert episode.cleared_us - episode.ended_us >= debounce.clear_for_us
            assert episode.cleared_us - episode.raised_us >= debounce.hold_us
            ends = episode.ended_us


@given(levels, debounces, st.integers(0, 30))
def test_a_restored_run_goes_on_the_same(text: str, debounce: Debounce, cut: int) -> None:
    samples = every_minute(text)
    run: Run = CALM
    for one in samples[:cut]:
        run, _ = advance(run, one, debounce)
    restored = load_run(orjson.loads(orjson.dumps(dump_run(run))))
    assert restored == run
    for one in samples[cut:]:
        run, said = advance(run, one, debounce)
        restored, again = advance(restored, one, debounce)
        assert (run, said) == (restored, again)
