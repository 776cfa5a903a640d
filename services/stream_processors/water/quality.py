"""Whether measured values can be believed: range, step, flat line, cross checks (unverified defaults). Pure.

Codes are those of QARTOD. What fails or is suspect does not count for a class; the same movement of several items is
believed, because water changes in many respects at once and an instrument fails alone.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from math import inf
from types import MappingProxyType, NoneType
from typing import Final, NamedTuple

import msgspec

from services.stream_processors.water.measured import CHECKED_FIELDS, PLACE, Values
from services.stream_processors.water.rules import saturation_mg_l

_WIDTH: Final = len(CHECKED_FIELDS)
_PH, _DO, _NH3N, _TN, _TEMPERATURE = (PLACE[name] for name in ("ph", "do_mg_l", "nh3n_mg_l", "tn_mg_l", "water_temp_c"))
_ALGAL: Final = frozenset({_PH, _DO})
_HOUR_US: Final = 3_600_000_000
_NOISE: Final = 1e-9
"""Differences of decimal values are exact to this; a step exactly on its limit is within it."""

FLAT_LINE: Final = "water.flat_line"
CROSS_NH3N_TN: Final = "water.cross.nh3n_tn"


class Code(IntEnum):
    """Result of the checks for one value."""

    PASS = 1
    NOT_EVALUATED = 2
    """Measured, and no check is configured for it."""
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


Codes = tuple[int, ...]
"""One `Code` for each of `CHECKED_FIELDS`."""


class Check(NamedTuple):
    """What one item is checked against."""

    place: int
    low: float
    high: float
    """Lowest and highest value that can be."""
    step: float
    """Greatest change within an hour; over a longer time so much for each hour."""


class QualityLimits(NamedTuple):
    """The limits of a policy."""

    checks: tuple[Check, ...]
    """Of the items that have a range or a step."""
    device_checks: MappingProxyType[str, tuple[Check, ...]]
    """The same for stations whose instruments have a range of their own."""
    flat_places: tuple[int, ...]
    """Items whose value alone may not stand still."""
    flat: int
    """So many equal values, or samples, in a row are a flat line."""
    nh3n_share: float
    """Ammonia nitrogen is at most so many times total nitrogen."""
    together_share: float
    saturation_percent: float
    """Oxygen beyond it, with pH risen, is an algal signal ..."""
    ph_rise: float
    """... when pH is at least so much above its lowest value of the local day."""
    checked: frozenset[int]
    """Places of the items for which there is a check."""


class Memory(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the checks remember of one station."""

    last: Values
    """The last sample."""
    same: tuple[int, ...]
    """How often in a row the value of each of `flat_places` has been seen."""
    same_samples: int
    good: Values
    """The last value of each item that was believed ..."""
    good_us: tuple[int, ...]
    """... and when."""


NOTHING_SEEN: Final = Memory((), (), 0, (None,) * _WIDTH, (0,) * _WIDTH)


class Doubt(NamedTuple):
    """Why one value is not believed."""

    kind: str
    """`range`, `step`, `flat_line` or `cross_check`."""
    place: int
    value: float
    """What was compared: the value, its change, the count, the ratio."""
    limit_id: str
    limit: float
    code: Code


class Examined(msgspec.Struct, frozen=True, gc=False):
    """A sample after the checks."""

    codes: Codes
    doubts: tuple[Doubt, ...]
    memory: Memory


def oxygen_percent(values: Values) -> float | None:
    """Oxygen saturation in percent (HJ 2.3-2018); None when oxygen or temperature was not measured."""
    oxygen, temperature = values[_DO], values[_TEMPERATURE]
    return None if oxygen is None or temperature is None else 100 * oxygen / saturation_mg_l(temperature)


def is_algal(percent: float | None, ph: float | None, ph_low: float | None, limits: QualityLimits) -> bool:
    """Supersaturated with risen pH: photosynthesis, not a broken probe."""
    if percent is None or ph is None or ph_low is None or percent <= limits.saturation_percent:
        return False
    return ph - ph_low >= limits.ph_rise - _NOISE


def examine(values: Values, known: Memory, at_us: int, device: str, limits: QualityLimits, *, algal: bool) -> Examined:
    """Check one sample against the limits and against the samples before it.

    Args:
        algal: The sample is an algal signal: steps of oxygen and pH are what it consists of.
    """
    doubts: list[Doubt] = []
    checks = limits.checks
    if limits.device_checks:
        checks = limits.device_checks.get(device, checks)
    jumped = _ranges(values, known.good, checks, doubts)
    if jumped:
        doubts += _steps(values, known, at_us, checks, limits.together_share, algal=algal)
    plain = _plain(tuple(map(type, values)), limits.checked, limits.flat_places)
    same = _same(values, known, limits.flat_places, plain.once)
    if same is not plain.once and max(same) >= limits.flat:
        doubts += _flat(values, same, limits)
    same_samples = known.same_samples + 1 if values == known.last else 1
    if same_samples >= limits.flat:
        doubts += [_standing(place, same_samples, limits) for place, value in enumerate(values) if value is not None]
    nh3n, tn = values[_NH3N], values[_TN]
    if nh3n is not None and tn is not None and nh3n > limits.nh3n_share * tn + _NOISE:
        doubts += _contradiction(nh3n, tn, limits.nh3n_share)
    if not doubts:
        trusted = _trusted(values, plain.missing, known, at_us)
        return Examined(plain.codes, (), Memory(values, same, same_samples, *trusted))
    codes = _with_doubts(plain.codes, doubts)
    good = believed(values, codes)
    missing = tuple([place for place, value in enumerate(good) if value is None])
    return Examined(codes, tuple(doubts), Memory(values, same, same_samples, *_trusted(good, missing, known, at_us)))


def _ranges(values: Values, before: Values, checks: tuple[Check, ...], doubts: list[Doubt]) -> bool:
    """Doubt what cannot be; true when an item has moved further than it may within an hour."""
    jumped = False
    for place, low, high, step in checks:
        value = values[place]
        if value is None:
            continue
        if not low <= value <= high:
            doubts.append(_out_of_range(place, value, low, high))
        was = before[place]
        if was is not None and not -step <= value - was <= step:
            jumped = True
    return jumped


def _contradiction(nh3n: float, tn: float, share: float) -> list[Doubt]:
    ratio = nh3n / tn if tn else nh3n
    return [Doubt("cross_check", place, ratio, CROSS_NH3N_TN, share, Code.SUSPECT) for place in (_NH3N, _TN)]


def _out_of_range(place: int, value: float, low: float, high: float) -> Doubt:
    side, limit = ("low", low) if value < low else ("high", high)
    return Doubt("range", place, value, f"water.range.{CHECKED_FIELDS[place]}.{side}", limit, Code.FAIL)


def _same(values: Values, known: Memory, places: tuple[int, ...], once: tuple[int, ...]) -> tuple[int, ...]:
    """How often in a row the value of each place has been seen; `once` itself when each is new."""
    last = known.last
    if not last:
        return once
    for place in places:
        if values[place] == last[place]:
            break
    else:
        return once
    return tuple(
        [
            0 if (value := values[place]) is None else count + 1 if value == last[place] else 1
            for place, count in zip(places, known.same, strict=True)
        ]
    )


def _flat(values: Values, same: tuple[int, ...], limits: QualityLimits) -> list[Doubt]:
    return [
        _standing(place, count, limits)
        for place, count in zip(limits.flat_places, same, strict=True)
        if count >= limits.flat and values[place] is not None
    ]


def _standing(place: int, count: int, limits: QualityLimits) -> Doubt:
    return Doubt("flat_line", place, float(count), FLAT_LINE, float(limits.flat), Code.SUSPECT)


def _steps(
    values: Values, known: Memory, at_us: int, checks: tuple[Check, ...], together_share: float, *, algal: bool
) -> list[Doubt]:
    """Items that moved too far, unless another one moved with them."""
    doubts: list[Doubt] = []
    moved = 0
    for place, _, _, step in checks:
        value, was = values[place], known.good[place]
        if value is None or was is None or step == inf:
            continue
        allowed = step * max(1.0, (at_us - known.good_us[place]) / _HOUR_US)
        change = abs(value - was)
        moved += change + _NOISE >= together_share * allowed
        if change > allowed + _NOISE and not (algal and place in _ALGAL):
            limit_id = f"water.step.{CHECKED_FIELDS[place]}"
            doubts.append(Doubt("step", place, change, limit_id, allowed, Code.SUSPECT))
    return doubts if moved < 2 else []


class _Plain(NamedTuple):
    """What follows from which items a sample has, as long as nothing of it is doubtful."""

    codes: Codes
    missing: tuple[int, ...]
    """Places of the items that were not measured."""
    once: tuple[int, ...]
    """How often values have been seen that are new, of the places whose values may not stand still."""


@lru_cache(1_024)
def _plain(kinds: tuple[type, ...], checked: frozenset[int], flat_places: tuple[int, ...]) -> _Plain:
    """What follows from which items a sample has.

    Args:
        kinds: Types of its values: they tell what is missing, and are had at less cost than by looking at each value.
    """
    gone = [kind is NoneType for kind in kinds]
    codes = tuple(
        (Code.MISSING if is_gone else Code.PASS if place in checked else Code.NOT_EVALUATED).value
        for place, is_gone in enumerate(gone)
    )
    missing = tuple(place for place, is_gone in enumerate(gone) if is_gone)
    return _Plain(codes, missing, tuple(0 if gone[place] else 1 for place in flat_places))


def _with_doubts(plain: Codes, doubts: list[Doubt]) -> Codes:
    codes = list(plain)
    for doubt in doubts:
        codes[doubt.place] = max(codes[doubt.place], doubt.code.value)
    return tuple(codes)


def _trusted(values: Values, missing: tuple[int, ...], known: Memory, at_us: int) -> tuple[Values, tuple[int, ...]]:
    """The last value of each item that was believed, and when; the time of an item that never was means nothing.

    Args:
        values: Those of the sample that are believed.
        missing: Places of the others.
    """
    before = known.good
    for place in missing:
        if before[place] is not None:
            break
    else:
        return values, (at_us,) * _WIDTH
    good = tuple([old if value is None else value for value, old in zip(values, before, strict=True)])
    return good, tuple([old if value is None else at_us for value, old in zip(values, known.good_us, strict=True)])


def believed(values: Values, codes: Codes) -> Values:
    """The values that count: what fails or is suspect is as if it had not been measured."""
    return tuple([None if code in (3, 4) else value for value, code in zip(values, codes, strict=True)])
