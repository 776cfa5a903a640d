"""Findings about a lot's counter: counts that cannot be, counted one by one, and counters that stand still. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from services.stream_processors.engine.counting import Episode, Peak, Run, Sample, advance
from services.stream_processors.parking.busy_hours import busy_us
from services.stream_processors.parking.counts import BELOW_ZERO
from services.stream_processors.parking.policy import InForce
from services.stream_processors.parking.state import Standing

N_BELOW: Final = 4
N_ABOVE: Final = 5
"""Where in the payload of a finding the readings of each kind are counted."""


def count_impossible(run: Run, lot: Standing, policy: InForce) -> tuple[Run, Episode | None]:
    """Count the last reading of a lot towards its finding `parking.count_impossible`.

    The payload of the finding is (name, why, free, total, readings below zero so far, readings above the capacity so
    far); why, free and total are those of the reading farthest from what can be. The peak's time is that of the last
    reading counted.

    Returns:
        The run, and the finding when this reading opened or ended it; that it grew shows in the run alone.
    """
    free, total, _, _ = lot.told
    level = 0 if lot.wrong is None else 1
    payload = (lot.name, lot.wrong, free, total, 0, 0)
    run, said = advance(run, Sample(lot.at_us, level, float(free), lot.offset, payload), policy.impossible)
    if lot.wrong is None or run.episode is None:
        return run, said
    peak = run.episode.peak
    *_, below, above = peak.payload
    farther = _distance(free, total) > _distance(peak.payload[2], peak.payload[3])
    seen = payload if farther else peak.payload
    below, above = below + (lot.wrong == BELOW_ZERO), above + (lot.wrong != BELOW_ZERO)
    grown = replace(run.episode, peak=Peak(lot.at_us, 1, float(seen[2]), (*seen[:N_BELOW], below, above)))
    return run._replace(episode=grown), None if said is None else grown


def _distance(free: int, total: int) -> int:
    return -free if free < 0 else free - total


def n_impossible(episode: Episode) -> int:
    """How many readings a finding `parking.count_impossible` stands for so far."""
    return int(episode.peak.payload[N_BELOW] + episode.peak.payload[N_ABOVE])


def expired(episode: Episode, last_us: int, age_us: int) -> Episode:
    """The episode as it ends when nothing was heard for its greatest age after the last reading."""
    return replace(episode, ended_us=last_us + age_us, cleared_us=last_us + age_us)


def stands_still(lot: Standing, n_moved: Callable[[int], int], policy: InForce) -> bool:
    """Whether a lot has told the very same count for too long, while there must have been traffic.

    Judged on readings: from the first with this count to the last. A count that says nothing stands still by right when
    no space is usable.

    Args:
        lot: The car park.
        n_moved: How many car parks of the zone have changed their count after a moment.
        policy: In force.
    """
    free, total, out, _ = lot.told
    if total - out <= 0:
        return False
    span_us = lot.at_us - lot.still_us
    if span_us < (policy.still_at_bound_us if is_at_bound(free, total, out) else policy.still_us):
        return False
    stuck = policy.settings.stuck
    if busy_us(lot.still_us, lot.at_us, stuck.busy_from_hour, stuck.busy_to_hour) >= stuck.busy_seconds * 1_000_000:
        return True
    return n_moved(lot.still_us) >= stuck.others_changed


def is_at_bound(free: int, total: int, out: int) -> bool:
    """Full or empty: such a lot may well stand still."""
    return free == 0 or free >= total - out


def stuck_episode(lot: Standing, at_us: int) -> Episode:
    """The finding `parking.counter_stuck`: it began with the first reading of this count.

    Its payload is (name, free, total, out of service).
    """
    free, total, out, _ = lot.told
    payload: tuple[Any, ...] = (lot.name, free, total, out)
    return Episode(
        started_us=lot.still_us,
        raised_us=at_us,
        level=1,
        peak=Peak(lot.at_us, 1, (lot.at_us - lot.still_us) / 1_000_000, payload),
        offsets=tuple(sorted({lot.still_offset, lot.offset})),
    )


def moved(episode: Episode, at_us: int, offset: int) -> Episode:
    """The finding `parking.counter_stuck` as it ends with the first reading of another count."""
    return replace(episode, ended_us=at_us, cleared_us=at_us, offsets=tuple(sorted({*episode.offsets, offset})))
