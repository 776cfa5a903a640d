"""What a sample means for its own station: is it to be believed, worse than the target, a sign of algae. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from msgspec.structs import replace as replaced

from services.stream_processors.engine.counting import Peak, Run, Sample, advance
from services.stream_processors.engine.event_time import local_period_start
from services.stream_processors.engine.feed_rules import Entry, Say
from services.stream_processors.engine.payload import Payload
from services.stream_processors.engine.periods import DAY_US
from services.stream_processors.water.doubted import Aside, set_aside
from services.stream_processors.water.measured import CHECKED_FIELDS, FIELDS, PLACE, Values
from services.stream_processors.water.quality import Code, Codes, Doubt, believed, examine, is_algal, oxygen_percent
from services.stream_processors.water.regime import ALGAL_SIGNAL, CLASS_WORSE, REPORTED_FAULT, SENSOR_FAULT, Regime
from services.stream_processors.water.rules import class_of_sample
from services.stream_processors.water.standard import LimitTable
from services.stream_processors.water.state import Station

_PH: Final = PLACE["ph"]
_WIDTH: Final = len(FIELDS)


JudgedSample = tuple[Station, Values, Codes, int, tuple[Aside, ...]]
"""The station after a sample of good quality, the values that count, the results of the checks, the start of the local
day, and the values in doubt: of those the lake may know better."""


def judge_sample(station: Station, entry: Entry, values: Values, regime: Regime, say: Say) -> JudgedSample:
    """The station after a sample of good quality, and what of the sample counts."""
    at_us = entry.at_us
    day_us = local_period_start(at_us, DAY_US)
    low = station.ph_low if station.ph_day_us == day_us else None
    percent, limits = oxygen_percent(values), regime.quality
    algal = is_algal(percent, values[_PH], low, limits)
    examined = examine(values, station.memory, at_us, entry.asset, limits, algal=algal)
    codes, doubts = examined.codes, examined.doubts
    counting = believed(values, codes) if doubts else values
    ph = counting[_PH]
    if ph is not None and (low is None or ph < low):
        low = ph
    algae, faults = station.algae, station.faults
    if percent is not None and (algal or not _is_calm(algae)):
        algae = _count_algae(station, entry, percent, regime, say, algal=algal)
    if doubts or not _is_calm(faults):
        faults = _count_fault(station, entry, doubts, regime, say)
    aside = set_aside(values, doubts) if doubts else ()
    classes = _count_class(station, entry, counting, regime, say, aside=aside)
    name, body = entry.payload[2] or station.name, entry.payload[1]
    rhythm = station.rhythm
    memory = examined.memory
    after = Station(name, body, at_us, entry.offset, classes, faults, algae, None, memory, day_us, low, rhythm)
    return after, counting, codes, day_us, aside


def judge_mark(station: Station, entry: Entry, regime: Regime, say: Say) -> Station:
    """The station after a reading that does not count: it is there, and perhaps it says that it has a fault."""
    mark = entry.payload[0]
    faults = station.faults
    if mark in regime.reported:
        doubt = Doubt("reported", -1, 1.0, REPORTED_FAULT, 0.0, Code.FAIL)
        faults = _count_fault(station, entry, (doubt,), regime, say)
    return replaced(station, faults=faults, last_us=entry.at_us, last_offset=entry.offset)


def give_up(station: Station, device: str, gone_us: int, say: Say) -> None:
    """The station has been taken away: what was open about it has ended, and not because it became better."""
    for rule, run in ((CLASS_WORSE, station.classes), (SENSOR_FAULT, station.faults), (ALGAL_SIGNAL, station.algae)):
        if run.episode is not None:
            now = Peak(gone_us, 0, None, ())
            say.episode(rule, device, replace(run.episode, ended_us=gone_us, cleared_us=gone_us, now=now))


def _is_calm(run: Run) -> bool:
    return run.episode is None and not run.recent


def _count_class(
    station: Station, entry: Entry, values: Values, regime: Regime, say: Say, *, aside: tuple[Aside, ...]
) -> Run:
    run, target = station.classes, regime.target
    if target is None:
        return run
    table = regime.tables[entry.payload[1]]
    rank = class_of_sample(values, table, regime.settings.class_).rank
    if rank is None:
        return run
    level = rank - target.rank
    if level > 0:
        payload = class_payload(values, entry.payload[2] or station.name, table, [one.place for one in aside])
        sample = Sample(entry.at_us, level, float(rank), entry.offset, payload)
    elif aside or _is_calm(run):
        # What is in doubt may be what is bad: such a sample does not show that the water is good again.
        return run
    else:
        sample = Sample(entry.at_us, 0, float(rank), entry.offset)
    run, episode = advance(run, sample, regime.debounce[CLASS_WORSE])
    if episode is not None:
        say.episode(CLASS_WORSE, entry.asset, episode)
    return run


def class_payload(values: Values, name: str, table: LimitTable, left_out: Iterable[int]) -> Payload:
    """What an alert about the class tells of a sample; items that were left out as doubtful only when there are any.

    Args:
        left_out: Places of all that was left out; only items of the class matter here.
    """
    judged = {place for place, _ in table.automatic}
    left = tuple(FIELDS[place] for place in left_out if place in judged)
    told = (values[:_WIDTH], name, table.body.value)
    return (*told, left) if left else told


def _count_fault(station: Station, entry: Entry, doubts: tuple[Doubt, ...], regime: Regime, say: Say) -> Run:
    sample = Sample(entry.at_us, 0, None, entry.offset)
    if doubts:
        worst = max(doubts, key=lambda doubt: doubt.code)
        fields = tuple(dict.fromkeys(CHECKED_FIELDS[d.place] for d in (worst, *doubts) if d.place >= 0))
        cause = (worst.kind, fields, worst.value, worst.limit_id, worst.limit, entry.payload[0])
        place = (entry.payload[2] or station.name, entry.payload[1])
        sample = Sample(entry.at_us, worst.code - Code.NOT_EVALUATED, worst.value, entry.offset, (*cause, *place))
    run, episode = advance(station.faults, sample, regime.debounce[SENSOR_FAULT])
    if episode is not None:
        say.episode(SENSOR_FAULT, entry.asset, episode)
    return run


def _count_algae(station: Station, entry: Entry, percent: float, regime: Regime, say: Say, *, algal: bool) -> Run:
    # An episode ends with the oxygen: at midnight pH seems to have fallen only because its lowest value starts anew.
    clears = percent <= regime.quality.saturation_percent
    payload = (percent, entry.payload[3][_PH], entry.payload[2] or station.name, entry.payload[1]) if algal else ()
    sample = Sample(entry.at_us, 1 if algal else 0, percent, entry.offset, payload, clears)
    run, episode = advance(station.algae, sample, regime.debounce[ALGAL_SIGNAL])
    if episode is not None:
        say.episode(ALGAL_SIGNAL, entry.asset, episode)
    return run
