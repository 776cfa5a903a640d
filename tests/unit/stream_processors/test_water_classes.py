"""Classes by GB 3838-2002: each limit of each item exactly on it and just beyond it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.water import WaterBody
from services.stream_processors.water.measured import FIELDS, Values
from services.stream_processors.water.rules import (
    class_of_sample,
    deciding_items,
    exceedances,
    main_pollutants,
    saturation_mg_l,
)
from services.stream_processors.water.standard import LimitTable, limit_table
from tests.unit.stream_processors.water_log import policy, settings_of, standard

RIVER = limit_table(standard(), WaterBody.RIVER)
LAKE = limit_table(standard(), WaterBody.LAKE)
CLASSING = settings_of(policy()).class_

CLASS_ONE = {"ph": 7.0, "do_mg_l": 9.0, "codmn_mg_l": 1.0, "nh3n_mg_l": 0.1, "tp_mg_l": 0.005}

LIMITS = [
    (RIVER, "codmn_mg_l", (2, 4, 6, 10, 15)),
    (RIVER, "nh3n_mg_l", (0.15, 0.5, 1.0, 1.5, 2.0)),
    (RIVER, "tp_mg_l", (0.02, 0.1, 0.2, 0.3, 0.4)),
    (LAKE, "tp_mg_l", (0.01, 0.025, 0.05, 0.1, 0.2)),
]


def values(**measured: float | None) -> Values:
    given_values = {**CLASS_ONE, **measured}
    return tuple(given_values.get(name) for name in FIELDS)


def rank(table: LimitTable, **measured: float | None) -> int | None:
    return class_of_sample(values(**measured), table, CLASSING).rank


@pytest.mark.parametrize(("table", "item", "limits"), LIMITS)
def test_a_value_on_a_limit_is_within_it(table: LimitTable, item: str, limits: tuple[float, ...]) -> None:
    for place, limit in enumerate(limits, start=1):
        assert rank(table, **{item: limit}) == place
        assert rank(table, **{item: math.nextafter(limit, math.inf)}) == place + 1


def test_dissolved_oxygen_counts_the_other_way() -> None:
    for place, limit in enumerate((7.5, 6, 5, 3, 2), start=1):
        assert rank(RIVER, do_mg_l=limit) == place
        assert rank(RIVER, do_mg_l=math.nextafter(limit, 0)) == place + 1


@pytest.mark.parametrize(("ph", "expected"), [(6.0, 1), (9.0, 1), (5.999, 6), (9.001, 6), (7.2, 1)])
def test_ph_outside_6_to_9_is_worse_than_class_v(ph: float, expected: int) -> None:
    assert rank(RIVER, ph=ph) == expected


def test_all_24_items_of_table_1_are_there_with_their_source() -> None:
    items = standard().item
    assert [item.source for item in items] == [f"table 1, item {number}" for number in range(1, 25)]
    assert {item.id for item in items if not item.judged} == {"water_temp", "tn", "fecal_coliform"}
    assert [item.id for item in items if item.automatic] == ["ph", "do", "codmn", "nh3n", "tp"]


def test_limits_that_repeat_give_the_better_class() -> None:
    cod = RIVER.items["cod"]
    assert [cod.rank(value) for value in (15, 15.01, 20, 40, 40.01)] == [1, 3, 3, 5, 6]


def test_total_nitrogen_and_temperature_play_no_part() -> None:
    assert rank(LAKE, tn_mg_l=50.0, water_temp_c=39.0, chla_ug_l=900.0) == 1


def test_four_of_the_five_items_are_enough_and_three_are_not() -> None:
    assert rank(RIVER, ph=None) == 1
    verdict = class_of_sample(values(ph=None, do_mg_l=None), RIVER, CLASSING)
    assert (verdict.rank, verdict.n_items) == (None, 3)


def test_saturation_stands_for_class_i_only_when_the_policy_says_so() -> None:
    alternative = settings_of(policy(**{"class": {"saturation_alternative": True}})).class_
    assert saturation_mg_l(30) * 0.9 == pytest.approx(6.84, abs=0.005)
    warm = values(do_mg_l=6.9, water_temp_c=30.0)
    assert class_of_sample(warm, RIVER, CLASSING).rank == 2
    assert class_of_sample(warm, RIVER, alternative).rank == 1
    assert class_of_sample(values(do_mg_l=6.8, water_temp_c=30.0), RIVER, alternative).rank == 2
    assert class_of_sample(values(do_mg_l=6.9), RIVER, alternative).rank == 2


def test_the_worst_item_decides_and_is_named() -> None:
    sample = values(tp_mg_l=0.12, codmn_mg_l=12.0, do_mg_l=2.5)
    verdict = class_of_sample(sample, LAKE, CLASSING)
    assert (verdict.rank, deciding_items(verdict, LAKE)) == (5, ("do", "codmn", "tp"))


def test_exceedance_is_computed_against_a_class_and_not_for_ph_and_oxygen() -> None:
    sample = values(tp_mg_l=0.07, do_mg_l=1.0, ph=9.5, nh3n_mg_l=1.0)
    assert exceedances(sample, LAKE, 3) == {"tp": pytest.approx(0.4)}
    assert exceedances(sample, LAKE, 2) == {"nh3n": pytest.approx(1.0), "tp": pytest.approx(1.8)}


def test_main_pollutants_read_as_in_the_bulletins() -> None:
    sample = values(tp_mg_l=0.07, do_mg_l=2.5, codmn_mg_l=9.0, nh3n_mg_l=1.2)
    verdict = class_of_sample(sample, LAKE, CLASSING)
    assert [p.text_zh() for p in main_pollutants(sample, verdict, LAKE)] == [
        "溶解氧",
        "高锰酸盐指数(0.50)",
        "总磷(0.40)",
    ]
    good = values()
    assert main_pollutants(good, class_of_sample(good, LAKE, CLASSING), LAKE) == []


@given(
    st.fixed_dictionaries(
        {
            "ph": st.floats(0, 14),
            "do_mg_l": st.floats(0, 20),
            "codmn_mg_l": st.floats(0, 30),
            "nh3n_mg_l": st.floats(0, 4),
            "tp_mg_l": st.floats(0, 1),
        }
    ),
    st.sampled_from([RIVER, LAKE]),
)
def test_the_class_is_the_first_whose_limits_are_all_met(sample: dict[str, float], table: LimitTable) -> None:
    tp = (0.01, 0.025, 0.05, 0.1, 0.2) if table is LAKE else (0.02, 0.1, 0.2, 0.3, 0.4)
    naive = next(
        (
            number
            for number in range(1, 6)
            if 6 <= sample["ph"] <= 9
            and sample["do_mg_l"] >= (7.5, 6, 5, 3, 2)[number - 1]
            and sample["codmn_mg_l"] <= (2, 4, 6, 10, 15)[number - 1]
            and sample["nh3n_mg_l"] <= (0.15, 0.5, 1.0, 1.5, 2.0)[number - 1]
            and sample["tp_mg_l"] <= tp[number - 1]
        ),
        6,
    )
    assert rank(table, **sample) == naive
