"""The state of a district as bytes: typed, so that what is read is what was written. Pure.

Sets of cells and sums beyond 64 bits are bytes; what follows from the rest (`Standing`) is not stored. The form has a
version (`EmergencyRules.state_version`); a released form is never changed, it gets a successor and is brought up.
Version 1 did not keep how old calls were that no unit reached.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec

from services.stream_processors.emergency.call_book import periods_of
from services.stream_processors.emergency.calls import Call, Outcome
from services.stream_processors.emergency.state import Cover, DistrictState
from services.stream_processors.emergency.tally import unpack_tally, unpack_tally_1
from services.stream_processors.emergency.units import Legs, Sighting, Unit
from services.stream_processors.engine.counting import Episode, Run, frozen


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    """Versions 1 and 2; they differ in what a tally is (see `tally`)."""

    grid: str
    """Digest of the cells that `best_cells` and `cover` speak of."""
    calls: dict[str, Call]
    tallies: list[tuple[int, int, bytes]]
    changed: tuple[tuple[int, int], ...]
    seen: list[Sighting]
    units: dict[str, Unit]
    legs: dict[int, Legs]
    cover: tuple[int, int, int, bytes, int, int] | None
    """As `Cover`, the sum of people as bytes."""
    low: Run
    best_cells: bytes
    offset: int
    heard_us: int | None
    look_us: int | None
    figures_us: int | None
    midnight_us: int | None


_DECODER: Final = msgspec.msgpack.Decoder(_Packed)


def pack(state: DistrictState, grid: str) -> bytes:
    """A district as bytes.

    Args:
        grid: Digest of the cells.
    """
    cover = state.cover
    return msgspec.msgpack.encode(
        _Packed(
            grid,
            state.calls,
            [(*period, tally.pack()) for period, tally in state.tallies.items()],
            state.changed,
            state.seen,
            state.units,
            state.legs,
            None if cover is None else (*cover[:3], _bytes(cover.day_people_us), *cover[4:]),
            state.low,
            _bytes(state.best_cells),
            state.offset,
            state.heard_us,
            state.look_us,
            state.figures_us,
            state.midnight_us,
        )
    )


def unpack(raw: bytes, version: int, district: str, grid: str) -> DistrictState:
    """A district from its bytes; of another grid's cells nothing is kept.

    Args:
        version: Of the form.
        district: Its id.
        grid: Digest of the cells.

    Raises:
        ValueError: they are not one.
    """
    packed = _DECODER.decode(raw)
    same = packed.grid == grid
    cover = None
    if packed.cover is not None and same:
        since_us, people, units, day_people_us, day_known_us, day_least = packed.cover
        cover = Cover(since_us, people, units, _whole(day_people_us), day_known_us, day_least)
    tally_of = unpack_tally_1 if version == 1 else unpack_tally
    state = DistrictState(
        district,
        packed.calls,
        {(start, end): tally_of(tally) for start, end, tally in packed.tallies},
        packed.changed,
        packed.seen,
        packed.units,
        packed.legs,
        cover,
        _run(packed.low),
        _whole(packed.best_cells) if same else 0,
        packed.offset,
        packed.heard_us,
        packed.look_us,
        packed.figures_us,
        packed.midnight_us,
    )
    if version == 1:
        add_ages(state)
    return state


def add_ages(state: DistrictState) -> None:
    """Bring up a state of before version 2: of the calls that are still known it follows how old they were."""
    for name, call in state.calls.items():
        known, now = call.counted, call.result()
        if known is None or known.outcome is not Outcome.UNREACHED or now is None or now.outcome is not known.outcome:
            continue
        state.calls[name] = call._replace(counted=known._replace(response_us=now.response_us))
        for period in periods_of(call.started_us):
            tally = state.tallies.get(period)
            if tally is not None and tally.ages.n < tally.unreached:
                state.tallies[period] = replace(tally, ages=tally.ages.plus(now.response_us, 1), _packed=None)


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "little")


def _whole(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _run(run: Run) -> Run:
    """With the payloads as the tuples they were: what they hold has no type."""
    return Run(
        tuple(sample._replace(payload=_tuples(sample.payload)) for sample in run.recent),
        None if run.episode is None else _episode(run.episode),
        tuple(sample._replace(payload=_tuples(sample.payload)) for sample in run.better),
        run.lower,
    )


def _episode(episode: Episode) -> Episode:
    return replace(episode, peak=episode.peak._replace(payload=_tuples(episode.peak.payload)))


def _tuples(payload: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(frozen(part) for part in payload)
