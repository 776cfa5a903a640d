"""The state of a lake as bytes, and what the release before this form had stored. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from services.stream_processors.engine.counting import dump_episode, dump_run, frozen, load_episode, load_run
from services.stream_processors.water.quality import Memory
from services.stream_processors.water.rhythm import UNKNOWN, Rhythm
from services.stream_processors.water.rounds import Doubted, DoubtedItems, PointSums, Round, View
from services.stream_processors.water.state import LakePeriod, LakeState, Station

Wide = int | str
"""A whole number; in hexadecimal where 64 bits do not hold it."""

_Run = list[Any]
_Episode = list[Any]


class _Point(msgspec.Struct, array_like=True, frozen=True):
    id: str
    samples: int
    sums: tuple[Wide, ...]
    counts: tuple[int, ...]
    last_us: int
    last_offset: int


class _Doubted(msgspec.Struct, array_like=True, frozen=True):
    place: int
    point: str
    total: Wide
    moved: int
    others: int


class _Round(msgspec.Struct, array_like=True, frozen=True):
    start_us: int
    marks: int
    points: tuple[_Point, ...]
    doubted: tuple[_Doubted, ...] = ()
    """Since version 2."""


class _Period(msgspec.Struct, array_like=True, frozen=True):
    kind: str
    start_us: int
    classed: int
    points: tuple[_Point, ...]
    left_out: tuple[int, ...] = ()
    """Since version 2."""


class _Tally(msgspec.Struct, array_like=True, frozen=True):
    day_us: int
    point: str
    codes: tuple[int, ...]
    times: int


class _Station(msgspec.Struct, array_like=True, frozen=True):
    id: str
    name: str
    body: str
    last_us: int
    last_offset: int
    classes: _Run
    faults: _Run
    algae: _Run
    silence: _Episode | None
    memory: Memory
    ph_day_us: int
    ph_low: float | None
    rhythm: Rhythm = UNKNOWN
    """Since version 2; of version 1 it is learned anew."""


class _Lake(msgspec.Struct, array_like=True, frozen=True):
    stations: tuple[_Station, ...]
    rounds: tuple[_Round, ...]
    periods: tuple[_Period, ...]
    tallies: tuple[_Tally, ...]
    unsaid: tuple[tuple[int, str], ...]
    says: tuple[int, ...]
    hours: tuple[int, ...]
    run: _Run


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Lake)


def pack_lake(state: LakeState) -> bytes:
    """The state as bytes; equal states give equal bytes."""
    return _ENCODER.encode(
        _Lake(
            tuple(_station(device, station) for device, station in sorted(state.stations.items())),
            tuple(
                _Round(start_us, one.marks, _points(one.points), _doubted(one.doubted))
                for start_us, one in sorted(state.rounds.items())
            ),
            tuple(
                _Period(*key, one.classed, _points(one.points), one.left_out)
                for key, one in sorted(state.periods.items())
            ),
            tuple(
                _Tally(day_us, point, codes, times)
                for day_us, points in sorted(state.tallies.items())
                for point, tally in sorted(points.items())
                for codes, times in sorted(tally.items())
            ),
            tuple(sorted(state.unsaid)),
            tuple(sorted(state.says)),
            tuple(sorted(state.hours)),
            dump_run(state.run),
        )
    )


def unpack_lake(raw: bytes, lake: str, lane: str) -> LakeState:
    """A state from its bytes: of version 2, or of version 1, which lacks what has a default here.

    Raises:
        ValueError: the bytes are not those of a state.
    """
    stored = _DECODER.decode(raw)
    state = LakeState(
        lake,
        lane,
        rounds={
            one.start_us: Round.of(one.marks, _view(one.points), _opened_doubts(one.doubted)) for one in stored.rounds
        },
        periods={
            (one.kind, one.start_us): LakePeriod(_view(one.points), one.classed, one.left_out) for one in stored.periods
        },
        unsaid=dict.fromkeys(stored.unsaid),
        says=dict.fromkeys(stored.says),
        hours=dict.fromkeys(stored.hours),
        run=load_run(stored.run),
    )
    for one in stored.stations:
        state.put(one.id, _opened(one), None)
    for tally in stored.tallies:
        state.tallies.setdefault(tally.day_us, {}).setdefault(tally.point, {})[tally.codes] = tally.times
    return state


def load_release_2(dumped: list[Any], lake: str, lane: str) -> LakeState:
    """A state from the JSON-ready form of the release before, which kept all sums in one list."""
    stations, rounds, sums, classed, codes, says, hours, run = dumped
    views: dict[tuple[str, int], View] = {}
    for kind, start_us, point, (samples, totals, counts, last_us, last_offset) in sums:
        whole = tuple(int(total, 16) for total in totals)
        views.setdefault((kind, start_us), {})[point] = PointSums(samples, whole, tuple(counts), last_us, last_offset)
    state = LakeState(
        lake,
        lane,
        rounds={start_us: Round.of(marks, views.get(("round", start_us), {})) for start_us, marks in rounds},
        periods={
            (kind, start_us): LakePeriod(views.get((kind, start_us), {}), count) for kind, start_us, count in classed
        },
        says=dict.fromkeys(says),
        hours=dict.fromkeys(hours),
        run=load_run(run),
    )
    for one in stations:
        one[9] = Memory(*frozen(one[9]))
        state.put(one[0], _opened(_Station(*one)), None)
    for day_us, point, found, times in codes:
        state.tallies.setdefault(day_us, {}).setdefault(point, {})[tuple(found)] = times
        state.unsaid[day_us, point] = None
    return state


def _station(device: str, station: Station) -> _Station:
    return _Station(
        device,
        station.name,
        station.body,
        station.last_us,
        station.last_offset,
        dump_run(station.classes),
        dump_run(station.faults),
        dump_run(station.algae),
        None if station.silence is None else dump_episode(station.silence),
        station.memory,
        station.ph_day_us,
        station.ph_low,
        station.rhythm,
    )


def _opened(one: _Station) -> Station:
    return Station(
        one.name,
        one.body,
        one.last_us,
        one.last_offset,
        load_run(one.classes),
        load_run(one.faults),
        load_run(one.algae),
        None if one.silence is None else load_episode(one.silence),
        one.memory,
        one.ph_day_us,
        one.ph_low,
        one.rhythm,
    )


def _doubted(doubted: DoubtedItems) -> tuple[_Doubted, ...]:
    return tuple(
        _Doubted(place, point, _wide((found.total,))[0], found.moved, found.others)
        for (place, point), found in sorted(doubted.items())
    )


def _opened_doubts(doubted: tuple[_Doubted, ...]) -> DoubtedItems:
    return {(one.place, one.point): Doubted(_whole((one.total,))[0], one.moved, one.others) for one in doubted}


def _points(view: View) -> tuple[_Point, ...]:
    return tuple(
        _Point(name, point.samples, _wide(point.sums), point.counts, point.last_us, point.last_offset)
        for name, point in sorted(view.items())
    )


def _view(points: tuple[_Point, ...]) -> View:
    return {
        point.id: PointSums(point.samples, _whole(point.sums), point.counts, point.last_us, point.last_offset)
        for point in points
    }


def _wide(numbers: tuple[int, ...]) -> tuple[Wide, ...]:
    return tuple(number if -(2**63) <= number < 2**63 else hex(number) for number in numbers)


def _whole(numbers: tuple[Wide, ...]) -> tuple[int, ...]:
    return tuple(number if isinstance(number, int) else int(number, 16) for number in numbers)
