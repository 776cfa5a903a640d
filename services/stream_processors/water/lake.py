"""What the samples of a lake's points come to: rounds, their alert, days and months, quality of the data. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from services.stream_processors.engine.counting import Episode, Sample, advance
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start
from services.stream_processors.engine.feed_rules import Entry, Say
from services.stream_processors.engine.periods import DAY_US, local_day, local_month
from services.stream_processors.engine.so_far import so_far
from services.stream_processors.water.doubted import Aside, add_aside, judge_doubted, with_doubted
from services.stream_processors.water.figures import (
    DAY_CLASS,
    MONTH_CLASS,
    LakeData,
    Period,
    Rounds,
    class_lake,
    period_class,
    point_quality,
    round_class,
    round_trophic,
)
from services.stream_processors.water.measured import Values
from services.stream_processors.water.quality import Codes
from services.stream_processors.water.regime import CLASS_WORSE, Regime, Regimes
from services.stream_processors.water.rhythm import UNKNOWN
from services.stream_processors.water.rounds import NOTHING, Round, Totals, View, named_of, newest_offset
from services.stream_processors.water.state import (
    CHANGED,
    CLOSE_ASKED,
    COUNTED,
    LAKE,
    SETTLE_ASKED,
    LakePeriod,
    LakeState,
)
from services.stream_processors.water.station import class_payload

_HOUR_US: Final = 3_600 * MICROSECONDS
_NO_PERIOD: Final = LakePeriod({}, 0)


def add_to_round(
    state: LakeState, entry: Entry, values: Values, regime: Regime, say: Say, *, aside: tuple[Aside, ...]
) -> None:
    """Let a sample count for its round; nothing but sums and marks, so the order does not matter."""
    at_us = entry.at_us
    start_us = local_period_start(at_us, regime.round_us)
    one = state.rounds.get(start_us)
    if one is None:
        one = state.rounds[start_us] = Round()
    one.add(entry.asset, values, at_us, entry.offset)
    if aside:
        add_aside(one.doubted, entry.asset, aside)
    if not one.marks & CLOSE_ASKED:
        one.marks |= CLOSE_ASKED
        say.wake(f"close:{start_us}", start_us + max(regime.round_us, regime.settle_us))
    if not one.marks & SETTLE_ASKED and at_us <= start_us + regime.settle_us:
        one.marks |= SETTLE_ASKED
        say.wake(f"settle:{start_us}", start_us + regime.settle_us)
    one.marks |= CHANGED
    say_us = (at_us // regime.say_us + 1) * regime.say_us
    if say_us not in state.says:
        state.says[say_us] = None
        say.wake(f"say:{say_us}", say_us)


def add_codes(state: LakeState, day_us: int, entry: Entry, codes: Codes, say: Say) -> None:
    """Count the results of the checks; they are published each hour and when the day ends."""
    points = state.tallies.get(day_us)
    if points is None:
        points = state.tallies[day_us] = {}
    tally = points.get(entry.asset)
    if tally is None:
        points[entry.asset] = {codes: 1}
    elif len(tally) == 1 and codes in tally:
        points[entry.asset] = {codes: tally[codes] + 1}
    else:
        points[entry.asset] = {**tally, codes: tally.get(codes, 0) + 1}
    state.unsaid[day_us, entry.asset] = None
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
    one = state.rounds.get(start_us)
    if one is None or regime is None or not one.marks & CHANGED:
        return
    one.marks &= ~CHANGED
    period = Period(state.lake, start_us, start_us + regime.round_us)
    data = _data(state, one, regime)
    classed = class_lake(data, start_us, regime)
    say.figure(round_class(period, data, classed, regime))
    trophic = round_trophic(period, data, classed, regime)
    if trophic is not None:
        say.figure(trophic)


def _data(state: LakeState, one: Round, regime: Regime) -> LakeData:
    """What the points measured in a round, with the doubted items that count."""
    doubts = judge_doubted(one.doubted, regime.settings.quality.doubted_points_min)
    totals = one.totals()
    if doubts.counted:
        totals = Totals.of(with_doubted(one.points, one.doubted, doubts.counted).values())
    return LakeData(totals, one.named, len(one.points), state.lakeside, doubts)


def count_round(state: LakeState, start_us: int, regimes: Regimes, say: Say) -> None:
    """Let a round count for the lake's alert, once, with what has been measured so far."""
    one, regime = state.rounds.get(start_us), regimes.at(start_us)
    if one is None or one.marks & COUNTED or regime is None:
        return
    one.marks |= COUNTED
    data = _data(state, one, regime)
    classed = class_lake(data, start_us, regime)
    rank = classed.verdict.rank
    if rank is None or regime.target is None:
        return
    level = max(0, rank - regime.target.rank)
    payload = class_payload(classed.values, "", classed.table, data.doubts.left_out) if level else ()
    sample = Sample(start_us, level, float(rank), newest_offset(one.points), payload)
    state.run, episode = advance(state.run, sample, regime.debounce[CLASS_WORSE])
    if episode is not None:
        say.episode(CLASS_WORSE, state.lake, _as_known(episode, regimes))


def _as_known(episode: Episode, regimes: Regimes) -> Episode:
    """The lake's alert is raised and cleared when the round that did it counted, not when that round began.

    So it comes behind the alerts that its points had raised by then, and stands for them from there on.
    """
    raised_us = episode.raised_us + regimes.near(episode.raised_us).settle_us
    cleared_us = episode.cleared_us
    if cleared_us is not None:
        cleared_us += regimes.near(cleared_us).settle_us
    return replace(episode, raised_us=raised_us, cleared_us=cleared_us)


def close_round(state: LakeState, start_us: int, at_us: int, regimes: Regimes, say: Say) -> None:
    """The round has ended: it counts for its day and month, and is forgotten."""
    regime = regimes.at(start_us)
    count_round(state, start_us, regimes, say)
    _publish_round(state, start_us, regime, say)
    one = state.rounds.pop(start_us, None)
    if one is None or regime is None:
        return
    data = _data(state, one, regime)
    is_classed = class_lake(data, start_us, regime).verdict.rank is not None
    view = with_doubted(one.points, one.doubted, data.doubts.counted) if data.doubts.counted else one.points
    left_out = data.doubts.left_out
    for kind in ("day", "month"):
        period_us, end_us = _span(kind, start_us)
        _add_to_period(state, (kind, period_us), view, left_out, is_classed=is_classed)
        over_us = end_us + max(0, regime.settle_us - regime.round_us)
        _say_period(state, (kind, period_us), regime, say, until_us=None if at_us >= over_us else at_us)
        if at_us < over_us:
            say.wake(f"end:{kind}:{period_us}", over_us)


def _add_to_period(
    state: LakeState, name: tuple[str, int], view: View, left_out: Collection[int], *, is_classed: bool
) -> None:
    known = state.periods.get(name, _NO_PERIOD)
    points = known.points.copy()
    for point, sums in view.items():
        points[point] = points[point].merged(sums) if point in points else sums
    before = known.left_out
    if left_out:
        before = tuple([n + (place in left_out) for place, n in enumerate(before or NOTHING.counts)])
    state.periods[name] = LakePeriod(points, known.classed + is_classed, before)


def end_period(state: LakeState, name: str, regimes: Regimes, say: Say) -> None:
    """A day or month is over: what it came to is said, also when its last rounds brought nothing."""
    kind, _, start = name.partition(":")
    _, end_us = _span(kind, int(start))
    regime = regimes.at(end_us - 1)
    if regime is not None and (kind, int(start)) in state.periods:
        _say_period(state, (kind, int(start)), regime, say, until_us=None)


def _span(kind: str, at_us: int) -> tuple[int, int]:
    """The local day or month that holds a moment."""
    return local_day(at_us) if kind == "day" else local_month(at_us)


def _say_period(state: LakeState, name: tuple[str, int], regime: Regime, say: Say, *, until_us: int | None) -> None:
    """Say what a day or month has come to.

    Args:
        until_us: The time that has been reached; None when the period is over.
    """
    kind, known = name[0], state.periods[name]
    start_us, end_us = _span(*name)
    stations = max(state.lakeside, len(known.points))
    data = LakeData(Totals.of(known.points.values()), named_of(known.points), len(known.points), stations)
    step_us = _step_us(state, regime)
    expected = max(1, (end_us - start_us) // step_us)
    due = expected if until_us is None else min(expected, max(1, (until_us - start_us) // step_us))
    rounds = Rounds(known.classed, expected, due, known.left_out)
    indicator = DAY_CLASS if kind == "day" else MONTH_CLASS
    figure = period_class(indicator, Period(state.lake, start_us, end_us), data, regime, rounds)
    say.figure(figure if until_us is None else so_far(figure))


def _step_us(state: LakeState, regime: Regime) -> int:
    """How far apart rounds that can be classed are: a round, or the interval of the point that measures most often.

    A round while no rhythm is known.
    """
    intervals = [
        regime.interval_us(device, station.rhythm)
        for device, station in state.stations.items()
        if station.body == LAKE and (station.rhythm.interval_us or regime.fixed_us or device in regime.registered)
    ]
    return max(regime.round_us, min(intervals, default=0))


def publish_quality(state: LakeState, at_us: int, regimes: Regimes, say: Say) -> None:
    """Say what the checks found on the local day whose hour has just passed, of each point for which it has changed.

    The day's end says it of all and closes the day.
    """
    day_us, end_us = local_day(at_us - 1)
    points = state.tallies.get(day_us, {})
    regime = regimes.near(at_us - 1)
    for point in sorted(points if at_us >= end_us else [point for day, point in state.unsaid if day == day_us]):
        station = state.stations.get(point)
        name = point if station is None or not station.name else station.name
        interval_us = regime.interval_us(point, UNKNOWN if station is None else station.rhythm)
        tally = dict(sorted(points[point].items()))
        say.figure(point_quality(point, name, (day_us, end_us), tally, interval_us))
    kept_us = end_us if at_us >= end_us else day_us + 1
    state.unsaid = {key: None for key in state.unsaid if key[0] >= kept_us}
    if at_us >= end_us:
        state.tallies = {day: found for day, found in state.tallies.items() if day >= end_us}


def forget_periods(state: LakeState, horizon_us: int) -> None:
    """Drop days and months that no reading can change any more."""
    for kind, start_us in list(state.periods):
        if _span(kind, start_us)[1] + DAY_US <= horizon_us:
            del state.periods[kind, start_us]
