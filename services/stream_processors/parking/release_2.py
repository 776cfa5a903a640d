"""A zone from the JSON-ready state of the previous release. Pure."""

from __future__ import annotations

from typing import Any

from services.stream_processors.engine.counting import load_episode, load_run
from services.stream_processors.engine.periods import DAY_US, local_day
from services.stream_processors.parking.accounts import NOTHING, Sums, held
from services.stream_processors.parking.counts import Spaces
from services.stream_processors.parking.state import PeriodSums, Promise, Standing, ZonePeak, ZoneState


def zone_of_release_2(dumped: list[Any], zone: str) -> ZoneState:
    """The zone that release 2 would have gone on with."""
    lots, accounts, full, impossible, said, stuck, silent, promises, day_peak, month_peak, due_us = dumped
    state = ZoneState(
        zone,
        full={lot: load_run(run) for lot, run in full.items()},
        impossible={lot: load_run(run) for lot, run in impossible.items()},
        said_impossible=dict(said),
        stuck={lot: load_episode(episode) for lot, episode in stuck.items()},
        silent={lot: load_episode(episode) for lot, episode in silent.items()},
        promises=tuple(Promise(*promise) for promise in promises),
        day_peak=ZonePeak(*day_peak),
        month_peak=ZonePeak(*month_peak),
        due_us=due_us,
    )
    for lot, standing in lots.items():
        _take_in(state, lot, standing, accounts.get(lot, ([], [])))
    return state


def _take_in(state: ZoneState, lot: str, dumped: list[Any], account: list[Any]) -> None:
    """A lot: what had not been added to its account yet is added, up to its last reading."""
    name, at_us, offset, boot, told, now, level, wrong, until_us, settled_us, day_end_us = dumped[:11]
    n, impossible, still_us, still_offset, entries, entries_us, entries_from_us, parked, other_boot = dumped[11:]
    state.lots[lot] = Standing(
        name=name,
        at_us=at_us,
        offset=offset,
        boot=boot,
        told=tuple(told),
        now=None if now is None else Spaces(*now),
        level=level,
        wrong=wrong,
        until_us=until_us,
        day_end_us=local_day(at_us).end_us,
        still_us=still_us,
        still_offset=still_offset,
        entries=entries,
        entries_us=entries_us,
        other_boot=None if other_boot is None else tuple(other_boot),
    )
    day_us, today_us = day_end_us - DAY_US, local_day(at_us).start_us
    sums = {start_us: Sums(*known) for start_us, known in account[0]}
    spaces = state.lots[lot].now
    before_us, end_us = (settled_us, min(at_us, until_us)) if settled_us < at_us else (at_us, min(settled_us, until_us))
    time = held(NOTHING, spaces, level, before_us, end_us)
    told_us = max(0, entries_us - max(entries_from_us, day_us))
    if day_us > today_us:
        # Nothing was heard in the day that runs: what it has so far is the count from before midnight.
        sums.pop(day_us, None)
    else:
        readings = Sums(n=n, impossible=impossible, parked=parked, told_us=told_us)
        known = sums.get(day_us, NOTHING)
        sums[day_us] = (known.plus(time) if settled_us < at_us else _less(known, time)).plus(readings)
    for start_us, known in account[1]:
        state.months[lot] = PeriodSums(start_us, Sums(*known))
    for start_us, of_day in sorted(sums.items()):
        if start_us == today_us:
            state.today[lot] = of_day
        else:
            # not closed yet: a reading came at midnight, its round has not
            state.ended[lot] = PeriodSums(start_us, of_day)


def _less(sums: Sums, time: Sums) -> Sums:
    """Without time that is added again when the next reading comes."""
    return Sums(
        sums.covered_us - time.covered_us,
        sums.occupied - time.occupied,
        sums.usable - time.usable,
        sums.full_us - time.full_us,
        sums.n,
        sums.impossible,
        sums.parked,
        sums.told_us,
        sums.peak_occupied,
        sums.peak_usable,
        sums.peak_us,
    )
