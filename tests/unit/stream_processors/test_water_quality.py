"""Checks of single values: each limit exactly on it and just beyond it; several items moving together are believed."""

from __future__ import annotations

import math
from typing import Any

import pytest

from services.stream_processors.water.measured import CHECKED_FIELDS, PLACE, Values
from services.stream_processors.water.quality import (
    NOTHING_SEEN,
    Code,
    Examined,
    Memory,
    believed,
    examine,
    is_algal,
    oxygen_percent,
)
from services.stream_processors.water.regime import Regimes
from services.stream_processors.water.rules import saturation_mg_l
from tests.unit.stream_processors.water_log import START, book, policy

HOUR_US = 3_600_000_000
AT_US = int(START.timestamp() * 1_000_000)
LIMITS = Regimes(book()).near(AT_US).quality

PLAIN = {"ph": 7.5, "do_mg_l": 8.0, "codmn_mg_l": 3.0, "nh3n_mg_l": 0.2, "tp_mg_l": 0.03, "tn_mg_l": 1.0}
"""Nothing in it is doubtful."""


def values(**measured: float | None) -> Values:
    given: dict[str, float | None] = {**PLAIN, **measured}
    return tuple(given.get(name) for name in CHECKED_FIELDS)


def check(sample: Values, known: Memory = NOTHING_SEEN, after_hours: float = 1, **options: Any) -> Examined:
    chosen = options.pop("limits", LIMITS)
    return examine(sample, known, AT_US + round(after_hours * HOUR_US), "p1", chosen, **{"algal": False, **options})


def seen(**measured: float | None) -> Memory:
    """What is remembered after one sample at `AT_US`."""
    return check(values(**measured), after_hours=0).memory


def code(found: Examined, field: str) -> int:
    return found.codes[PLACE[field]]


def test_codes_are_those_of_qartod() -> None:
    found = check(values(chla_ug_l=12.0))
    assert (code(found, "ph"), code(found, "chla_ug_l"), code(found, "turbidity_ntu")) == (1, 2, 9)
    assert {member.name: member.value for member in Code} == {
        "PASS": 1,
        "NOT_EVALUATED": 2,
        "SUSPECT": 3,
        "FAIL": 4,
        "MISSING": 9,
    }


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("ph", 0, 14),
        ("do_mg_l", 0, 25),
        ("water_temp_c", -2, 45),
        ("conductivity_us_cm", 0, 5000),
        ("turbidity_ntu", 0, 4000),
    ],
)
def test_the_ends_of_a_range_are_within_it(field: str, low: float, high: float) -> None:
    for inside in (low, high):
        assert code(check(values(**{field: inside})), field) == Code.PASS
    for outside, side in ((math.nextafter(low, -math.inf), "low"), (math.nextafter(high, math.inf), "high")):
        found = check(values(**{field: outside}))
        assert code(found, field) == Code.FAIL
        assert [(d.kind, d.limit_id) for d in found.doubts] == [("range", f"water.range.{field}.{side}")]
        assert believed(values(**{field: outside}), found.codes)[PLACE[field]] is None


def test_an_instrument_may_have_a_narrower_range_than_nature() -> None:
    own = policy(quality={"instrument": [{"device": "p1", "item": "do_mg_l", "low": 0, "high": 20}]})
    limits = Regimes(book(own)).near(AT_US).quality
    assert code(check(values(do_mg_l=20.0), limits=limits), "do_mg_l") == Code.PASS
    assert code(check(values(do_mg_l=20.01), limits=limits), "do_mg_l") == Code.FAIL
    assert code(check(values(do_mg_l=20.01)), "do_mg_l") == Code.PASS


@pytest.mark.parametrize(
    ("field", "start", "step"),
    [
        ("ph", 7.0, 0.5),
        ("do_mg_l", 8.0, 3.0),
        ("water_temp_c", 20.0, 3.0),
        ("codmn_mg_l", 3.0, 10.0),
        ("nh3n_mg_l", 0.2, 2.0),
        ("tp_mg_l", 0.03, 0.5),
    ],
)
def test_a_step_of_exactly_the_limit_is_within_it(field: str, start: float, step: float) -> None:
    known = seen(**{field: start, "tn_mg_l": None})
    for sign in (1, -1):
        if start + sign * (step + 0.001) < 0:
            continue
        on, beyond = (values(**{field: start + sign * by, "tn_mg_l": None}) for by in (step, step + 0.001))
        assert code(check(on, known), field) == Code.PASS
        assert code(check(beyond, known), field) == Code.SUSPECT
        assert code(check(beyond, known, after_hours=0.01), field) == Code.SUSPECT
        assert code(check(beyond, known, after_hours=2), field) == Code.PASS


def test_a_spike_is_doubted_and_what_follows_it_is_not() -> None:
    spike = check(values(ph=9.0), seen(ph=7.5))
    assert code(spike, "ph") == Code.SUSPECT
    assert code(check(values(ph=7.6), spike.memory, after_hours=2), "ph") == Code.PASS


def test_a_lasting_shift_is_believed_when_there_has_been_time_for_it() -> None:
    known = seen(ph=7.0)
    for hours, expected in ((1, 3), (2, 3), (3.9, 3), (4, 1)):
        found = check(values(ph=9.0), known, after_hours=hours)
        assert code(found, "ph") == expected
        known = found.memory


def test_a_step_is_believed_when_another_item_moves_with_it() -> None:
    known = seen(do_mg_l=8.0, nh3n_mg_l=0.2)
    assert code(check(values(do_mg_l=4.0, nh3n_mg_l=1.2, tn_mg_l=2.0), known), "do_mg_l") == Code.PASS
    assert code(check(values(do_mg_l=4.0, nh3n_mg_l=1.19, tn_mg_l=2.0), known), "do_mg_l") == Code.SUSPECT


@pytest.mark.parametrize("field", ["ph", "do_mg_l", "water_temp_c"])
def test_six_equal_values_of_a_probe_are_a_flat_line_and_five_are_not(field: str) -> None:
    known, codes = NOTHING_SEEN, []
    for number in range(7):
        other = {name: PLAIN.get(name, 20.0) + number / 100 for name in ("ph", "do_mg_l", "water_temp_c")}
        found = check(values(**{**other, field: 7.7}), known, after_hours=number)
        known = found.memory
        codes.append(code(found, field))
    assert codes == [1, 1, 1, 1, 1, 3, 3]
    assert code(check(values(**{field: 7.71}), known, after_hours=7), field) == Code.PASS


def test_nutrients_repeat_honestly_but_not_whole_samples() -> None:
    known = NOTHING_SEEN
    for number in range(10):
        found = check(values(ph=7.5 + number / 100, do_mg_l=8 + number / 100), known, after_hours=number)
        known = found.memory
        assert code(found, "tp_mg_l") == Code.PASS
    known, codes = NOTHING_SEEN, []
    for number in range(6):
        found = check(values(ph=None, do_mg_l=None), known, after_hours=number)
        known = found.memory
        codes.append(code(found, "tp_mg_l"))
    assert codes == [1, 1, 1, 1, 1, 3]


def test_ammonia_is_a_part_of_total_nitrogen() -> None:
    assert code(check(values(nh3n_mg_l=1.0, tn_mg_l=1.0)), "nh3n_mg_l") == Code.PASS
    found = check(values(nh3n_mg_l=1.001, tn_mg_l=1.0))
    assert (code(found, "nh3n_mg_l"), code(found, "tn_mg_l"), code(found, "tp_mg_l")) == (3, 3, 1)
    assert code(check(values(nh3n_mg_l=5.0, tn_mg_l=None)), "nh3n_mg_l") == Code.PASS


@pytest.mark.parametrize(("temperature", "share"), [(20, 8.16), (25, 7.44), (30, 6.84)])
def test_oxygen_saturation_of_fresh_water(temperature: float, share: float) -> None:
    assert saturation_mg_l(temperature) * 0.9 == pytest.approx(share, abs=0.005)
    percent = oxygen_percent(values(do_mg_l=share, water_temp_c=temperature))
    assert percent == pytest.approx(90, abs=0.07)
    assert oxygen_percent(values(do_mg_l=None, water_temp_c=temperature)) is None


def test_an_algal_signal_needs_more_than_130_percent_and_a_ph_risen_by_0_2() -> None:
    assert not is_algal(130.0, 8.0, 7.5, LIMITS)
    assert is_algal(math.nextafter(130.0, 200), 7.7, 7.5, LIMITS)
    assert not is_algal(131.0, 7.69, 7.5, LIMITS)
    assert not is_algal(131.0, None, 7.5, LIMITS)
    assert not is_algal(131.0, 7.7, None, LIMITS)


def test_what_algae_do_to_oxygen_and_ph_is_no_fault() -> None:
    known = seen(do_mg_l=8.0)
    assert code(check(values(do_mg_l=12.0), known, algal=True), "do_mg_l") == Code.PASS
    assert code(check(values(do_mg_l=12.0), known), "do_mg_l") == Code.SUSPECT
