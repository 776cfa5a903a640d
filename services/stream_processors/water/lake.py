"""What the samples of a lake's points come to: rounds, their alert, days and months, quality of the data. Pure."""

from __future__ import annotations

from typing import Final

from services.stream_processors.engine.counting import Sample, advance
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start
from services.stream_processors.engine.feed_rules import Entry, Say
from services.stream_processors.engine.periods import DAY_US, local_day, local_month
from services.stream_processors.water.figures import (
    DAY_CLASS,
    MONTH_CLASS,
    Period,
    class_lake,
    period_class,
    point_quality,
    round_class,
    round_trophic,
)
from services.stream_processors.water.measured import Values
from services.stream_processors.water.quality import Codes
from services.stream_processors.water.regime import CLASS_WORSE, Regime, Regimes
from services.stream_processors.water.rounds import NOTHING, View, newest_offset
from services.stream_processors.water.state import CHANGED, CLOSE_ASKED, COUNTED, LAKE, SETTLE_ASKED, LakeState

_HOUR_US: Final = 3_600 * MICROSECONDS


def add_to_round(state: LakeState, entry: Entry, values: Values, regime: Regime, say: Say) -> None:
    """Let a sample count for its round; nothing but sums and marks, so the order does not matter."""
    at_us = entry.at_us
    start_us = local_period_start(at_us, regime.round_us)
    key = ("round", start_us, entry.asset)
    state.sums[key] = state.sums.get(key, NOTHING).plus(values, at_us, entry.offset)
    marks = known = state.rounds.get(start_us, 0)
    if not marks & CLOSE_ASKED:
        marks |= CLOSE_ASKED
        say.wake(f"close:{start_us}", start_us + max(regime.round_us, regime.settle_us))
    if not marks & SETTLE_ASKED and at_us <= start_us + regime.settle_us:
        marks |= SETTLE_ASKED
        say.wake(f"settle:{start_us}", start_us + regime.settle_us)
    marks |= CHANGED
    if marks != known:
        state.rounds[start_us] = marks
    say_us = (at_us // regime.say_us + 1) * regime.say_us
    if say_us not in state.says:
        state.says[say_us] = None
        say.wake(f"say:{say_us}", say_us)


def add_codes(state: LakeState, day_us: int, entry: Entry, codes: Codes, say: Say) -> None:
    """Count the results of the checks; they are published each hour and when the day ends."""
    key = (day_us, entry.asset, codes)
    state.codes[key] = state.codes.get(key, 0) + 1
    hour_us = (entry.at_us // _HOUR_US + 1) * _HOUR_US
    if hour_us not in state.hours:
        for at_us in (hour_us, day_us + DAY_US):
            state.hours[at_us] = None
            say.wake(f"quality:{at_us}", at_us)


def publish_rounds(state: LakeState, regimes: Regimes, say: Say) -> None:
    """Publish the rounds that have changed."""
    for start_us in sorted(state.rounds):
        _publish_round(state, start_us, regimes.at(start_us), say)


def _publish_round(state: LakeState, start_us: int, regime: Regime | None, say: Say) -> None:
    marks = state.rounds.get(start_us, 0)
    if regime is None or not marks & CHANGED:
        return
    state.rounds[start_us] = marks & ~CHANGED
    view, stations = state.view("round", start_us), _stations(state)
    period = Period(state.lake, start_us, start_us + regime.round_us)
    classed = class_lake(view, start_us, regime, stations)
    say.figure(round_class(period, view, classed, regime, stations))
    trophic = round_trophic(period, view, classed, regime)
    if trophic is not None:
        say.figure(trophic)


def count_round(state: LakeState, start_us: int, regimes: Regimes, say: Say) -> None:
    """Let a round count for the lake's alert, once, with what has been measured so far."""
    marks, regime = state.rounds.get(start_us), regimes.at(start_us)
    if marks is None or marks & COUNTED or regime is None:
        return
    state.rounds[start_us] = marks | COUNTED
    view = state.view("round", start_us)
    classed = class_lake(view, start_us, regime, _stations(state))
    rank = classed.verdict.rank
    if rank is None or regime.target is None:
        return
    level = max(0, rank - regime.target.rank)
    payload = (classed.values, "", LAKE) if level else ()
    sample = Sample(start_us, level, float(rank), newest_offset(view), payload)
    state.run, episode = advance(state.run, sample, regime.debounce[CLASS_WORSE])
    if episode is not None:
        say.episode(CLASS_WORSE, state.lake, episode)


def close_round(state: LakeState, start_us: int, regimes: Regimes, say: Say) -> None:
    """The round has ended: it counts for its day and month, and is forgotten."""
    regime = regimes.at(start_us)
    count_round(state, start_us, regimes, say)
    _publish_round(state, start_us, regime, say)
    view = state.view("round", start_us)
    state.rounds.pop(start_us, None)
    for point in view:
        del state.sums["round", start_us, point]
    if regime is not None and view:
        is_classed = class_lake(view, start_us, regime, _stations(state)).verdict.rank is not None
        _add_to_period(state, "day", view, regime, say, at_us=start_us, is_classed=is_classed)
        _add_to_period(state, "month", view, regime, say, at_us=start_us, is_classed=is_classed)


def _add_to_period(
    state: LakeState, kind: str, view: View, regime: Regime, say: Say, *, at_us: int, is_classed: bool
) -> None:
    start_us, end_us = local_day(at_us) if kind == "day" else local_month(at_us)
    for point, sums in view.items():
        key = (kind, start_us, point)
        state.sums[key] = state.sums[key].merged(sums) if key in state.sums else sums
    rounds = state.classed_rounds.get((kind, start_us), 0) + is_classed
    state.classed_rounds[kind, start_us] = rounds
    points = state.view(kind, start_us)
    expected = max(_stations(state), len(points))
    indicator = DAY_CLASS if kind == "day" else MONTH_CLASS
    period = Period(state.lake, start_us, end_us)
    say.figure(period_class(indicator, period, points, regime, rounds=rounds, stations=expected))


def publish_quality(state: LakeState, at_us: int, regimes: Regimes, say: Say) -> None:
    """Say what the checks found on the local day whose hour has just passed; the day's end closes it."""
    day_us, end_us = local_day(at_us - 1)
    regime = regimes.near(at_us - 1)
    found: dict[str, dict[Codes, int]] = {}
    for (day, point, codes), times in state.codes.items():
        if day == day_us:
            found.setdefault(point, {})[codes] = times
    interval_us = regime.settings.quality.interval_seconds * MICROSECONDS
    for point in sorted(found):
        station = state.stations.get(point)
        name = point if station is None or not station.name else station.name
        say.figure(point_quality(point, name, (day_us, end_us), dict(sorted(found[point].items())), interval_us))
    if at_us >= end_us:
        state.codes = {key: times for key, times in state.codes.items() if key[0] >= end_us}


def forget_periods(state: LakeState, horizon_us: int) -> None:
    """Drop days and months that no reading can change any more."""
    for kind, start_us in list(state.classed_rounds):
        _, end_us = local_day(start_us) if kind == "day" else local_month(start_us)
        if end_us + DAY_US <= horizon_us:
            del state.classed_rounds[kind, start_us]
            for key in [key for key in state.sums if key[:2] == (kind, start_us)]:
                del state.sums[key]


def _stations(state: LakeState) -> int:
    """Stations of the lake that are there."""
    return sum(station.body == LAKE for station in state.stations.values())
