"""Whether measured values can be believed: range, step, flat line, cross checks (engineering defaults, unverified). Pure.

Codes are those of QARTOD. What fails or is suspect does not count for a class; the same movement of several items is
believed, because water changes in many respects at once and an instrument fails alone.
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple

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


class QualityLimits(NamedTuple):
    """The limits of a policy, by the place of a field."""

    ranges: tuple[tuple[float, float], ...]
    """Lowest and highest value that can be."""
    device_ranges: MappingProxyType[str, tuple[tuple[float, float], ...]]
    """The same for stations whose instruments have a range of their own."""
    steps: tuple[float | None, ...]
    """Greatest change within an hour; over a longer time so much for each hour."""
    flat: tuple[int | None, ...]
    """So many equal values in a row are a flat line."""
    flat_sample: int
    """So many equal samples in a row."""
    nh3n_share: float
    """Ammonia nitrogen is at most so many times total nitrogen."""
    together_share: float
    saturation_percent: float
    """Oxygen beyond it, with pH risen, is an algal signal ..."""
    ph_rise: float
    """... when pH is at least so much above its lowest value of the local day."""
    codes: Codes
    """Codes of values in which nothing is doubtful."""


class Memory(NamedTuple):
    """What the checks remember of one station."""

    last: Values
    """The last sample."""
    same: tuple[int, ...]
    """How often in a row each value has been seen."""
    same_samples: int
    good: Values
    """The last value of each item that was believed ..."""
    good_us: tuple[int, ...]
    """... and when."""


NOTHING_SEEN: Final = Memory((None,) * _WIDTH, (0,) * _WIDTH, 0, (None,) * _WIDTH, (0,) * _WIDTH)


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


class Examined(NamedTuple):
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
    ranges = limits.device_ranges.get(device, limits.ranges)
    doubts: list[Doubt] = []
    same: list[int] = []
    flat, steps, last, before = limits.flat, limits.steps, known.last, known.good
    jumped = False
    for place, value in enumerate(values):
        if value is None:
            same.append(0)
            continue
        low, high = ranges[place]
        if not low <= value <= high:
            doubts.append(_out_of_range(place, value, low, high))
        if value == last[place]:
            count = known.same[place] + 1
            most = flat[place]
            if most is not None and count >= most:
                doubts.append(Doubt("flat_line", place, float(count), FLAT_LINE, float(most), Code.SUSPECT))
        else:
            count = 1
        same.append(count)
        step, was = steps[place], before[place]
        if step is not None and was is not None and abs(value - was) > step:
            jumped = True
    if jumped:
        doubts += _steps(values, known, at_us, limits, algal=algal)
    same_samples = known.same_samples + 1 if values == last else 1
    if same_samples >= limits.flat_sample:
        doubts += _repeated(values, same_samples, limits)
    nh3n, tn = values[_NH3N], values[_TN]
    if nh3n is not None and tn is not None and nh3n > limits.nh3n_share * tn + _NOISE:
        ratio = nh3n / tn if tn else nh3n
        doubts += [
            Doubt("cross_check", place, ratio, CROSS_NH3N_TN, limits.nh3n_share, Code.SUSPECT) for place in (_NH3N, _TN)
        ]
    codes = _codes(values, doubts, limits)
    return Examined(codes, tuple(doubts), _remember(values, tuple(same), same_samples, known, codes, at_us))


def _out_of_range(place: int, value: float, low: float, high: float) -> Doubt:
    side, limit = ("low", low) if value < low else ("high", high)
    return Doubt("range", place, value, f"water.range.{CHECKED_FIELDS[place]}.{side}", limit, Code.FAIL)


def _steps(values: Values, known: Memory, at_us: int, limits: QualityLimits, *, algal: bool) -> list[Doubt]:
    """Items that moved too far, unless another one moved with them."""
    doubts: list[Doubt] = []
    moved = 0
    for place, (value, was, step) in enumerate(zip(values, known.good, limits.steps, strict=True)):
        if value is None or was is None or step is None:
            continue
        allowed = step * max(1.0, (at_us - known.good_us[place]) / _HOUR_US)
        change = abs(value - was)
        moved += change >= limits.together_share * allowed
        if change > allowed + _NOISE and not (algal and place in _ALGAL):
            limit_id = f"water.step.{CHECKED_FIELDS[place]}"
            doubts.append(Doubt("step", place, change, limit_id, allowed, Code.SUSPECT))
    return doubts if moved < 2 else []


def _repeated(values: Values, same_samples: int, limits: QualityLimits) -> list[Doubt]:
    return [
        Doubt("flat_line", place, float(same_samples), FLAT_LINE, float(limits.flat_sample), Code.SUSPECT)
        for place, value in enumerate(values)
        if value is not None
    ]


def _codes(values: Values, doubts: list[Doubt], limits: QualityLimits) -> Codes:
    if not doubts and None not in values:
        return limits.codes
    codes = [9 if value is None else code for value, code in zip(values, limits.codes, strict=True)]
    for doubt in doubts:
        codes[doubt.place] = max(codes[doubt.place], doubt.code.value)
    return tuple(codes)


def _remember(
    values: Values, same: tuple[int, ...], same_samples: int, known: Memory, codes: Codes, at_us: int
) -> Memory:
    good = tuple([v if c <= 2 else g for v, c, g in zip(values, codes, known.good, strict=True)])
    good_us = tuple([at_us if c <= 2 else g for c, g in zip(codes, known.good_us, strict=True)])
    return Memory(values, same, same_samples, good, good_us)


def believed(values: Values, codes: Codes) -> Values:
    """The values that count: what fails or is suspect is as if it had not been measured."""
    return tuple([None if code in (3, 4) else value for value, code in zip(values, codes, strict=True)])
