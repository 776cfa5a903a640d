"""Values and limits of targets as people say them."""

from __future__ import annotations

import pytest

from schemas.verdict import Comparator
from schemas.vocabulary import Naming
from services.plan_office.standing_words import amount, limit

CLASS = "class (1=I .. 5=V, 6=worse than V)"


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (3.0, CLASS, Naming("Ⅲ类", "class III")),
        (6.0, "class", Naming("劣Ⅴ类", "worse than class V")),
        (3.4, CLASS, Naming("3.4 类", "3.4 class")),
        (0.0, CLASS, Naming("0 类", "0 class")),
        (32.0, "%", Naming("32%", "32%")),
        (3.0, "km", Naming("3 公里", "3 km")),
    ],
)
def test_a_class_of_water_is_named_and_all_else_has_its_unit(value: float, unit: str, said: Naming) -> None:
    assert amount(value, unit) == said


@pytest.mark.parametrize(
    ("op", "value", "unit", "said"),
    [
        (Comparator.LE, 3.0, CLASS, Naming("不劣于Ⅲ类", "class III or better")),
        (Comparator.LE, 4.5, "%", Naming("不高于4.5%", "at most 4.5%")),
        (Comparator.GE, 32.0, "%", Naming("不低于32%", "at least 32%")),
    ],
)
def test_a_limit_of_classes_is_the_worst_that_will_do(op: Comparator, value: float, unit: str, said: Naming) -> None:
    assert limit(op, amount(value, unit), unit) == said
