"""Each sample is judged by the versions in force at its own event time, and cites them, in whatever order it comes."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import pytest

from schemas.indicator import IndicatorStatus
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.verdict import SourceKind
from tests.unit.stream_processors.water_log import Item, log_of, plan, reading, run, standard, tick

FROM = date(2026, 11, 25)
"""Local midnight 16 h after START, which is 08:00 local."""
BEFORE, ON, AFTER = 60 * 15.5, 60 * 16, 60 * 20


def stricter_oxygen() -> StandardDocument:
    """Dissolved oxygen of class III: 6 instead of 5, from a date."""
    body = standard().model_dump()
    body["standard"] |= {"version": "2026", "valid_from": FROM}
    for item in body["item"]:
        if item["id"] == "do":
            item["limits"] = (7.5, 6.5, 6, 3, 2)
    return StandardDocument.model_validate(body)


def stricter_plan() -> PlanDocument:
    """Class II or better, from a date."""
    body = plan().model_dump()
    body["plan"] |= {"id": "jianghan-15fyp", "version": "1", "start": FROM, "end": date(2030, 12, 31)}
    for entry in body["indicator"]:
        entry["due"] = date(2030, 12, 31)
        if entry["id"] == "water.class":
            entry |= {"target": 2, "page": 7}
    return PlanDocument.model_validate(body)


SAMPLES: list[Item] = [
    reading(minute, do_mg_l=oxygen, tp_mg_l=0.03, water_temp_c=15.0 + minute / 1000)
    for minute, oxygen in ((BEFORE - 240, 5.5), (BEFORE, 5.51), (ON, 5.52), (AFTER, 5.53))
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_version_in_force_at_the_reading_s_own_time_is_cited(order: tuple[int, ...]) -> None:
    said = run(log_of([*(SAMPLES[n] for n in order), tick(60 * 30)]), stricter_oxygen())
    points = sorted(said.of("water.point_class"), key=lambda i: i.period_start)
    assert [i.value for i in points] == [3, 3, 4, 4]
    assert [i.details["standard_version"] for i in points] == ["2002", "2002", "2026", "2026"]
    last = {i.period_start: i for i in said.of("water.class", "beihu")}
    assert [i.value for _, i in sorted(last.items())] == [3, 3, 4, 4]
    versions = [i.details["class"]["standard_version"] for _, i in sorted(last.items())]  # type: ignore[call-overload, index]
    assert versions == ["2002", "2002", "2026", "2026"]
    for asset in ("p1", "beihu"):
        alert = [a for a in said.class_alerts if a.asset == asset][-1]
        (limit,) = alert.limits
        assert (limit.id, limit.value, limit.comparator.value) == ("do", 6, ">=")
        source = limit.source
        assert (source.kind, source.id, source.version, source.where) == (
            SourceKind.STANDARD,
            "GB 3838-2002",
            "2026",
            "table 1, item 3, class III",
        )


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_plan_in_force_at_the_reading_s_own_time_is_cited(order: tuple[int, ...]) -> None:
    said = run(log_of([*(SAMPLES[n] for n in order), tick(60 * 30)]), stricter_plan())
    points = sorted(said.of("water.point_class"), key=lambda i: i.period_start)
    assert [i.status for i in points] == [IndicatorStatus.MET] * 2 + [IndicatorStatus.NOT_MET] * 2
    cited = [(i.threshold.source.id, i.threshold.source.where) for i in points if i.threshold is not None]
    assert cited == [("jianghan-14fyp", "page 31")] * 2 + [("jianghan-15fyp", "page 7")] * 2
    alert = [a for a in said.class_alerts if a.asset == "p1"][-1]
    assert (alert.threshold.value, alert.threshold.source.id) == (2, "jianghan-15fyp")
    assert "限值：目标Ⅱ类" in alert.text.zh
    assert "第7页" in alert.text.zh


def test_the_phosphorus_of_lakes_is_cited_from_its_own_column() -> None:
    said = run(log_of([reading(0, tp_mg_l=0.15, ph=9.5), reading(1, tp_mg_l=0.15, ph=9.51)]))
    (alert,) = said.class_alerts
    assert [(limit.id, limit.value, limit.source.where) for limit in alert.limits] == [
        ("ph", 6, "table 1, item 2, all classes"),
        ("ph", 9, "table 1, item 2, all classes"),
    ]
    (alert,) = run(log_of([reading(0, tp_mg_l=0.15), reading(1, tp_mg_l=0.15)])).class_alerts
    assert [limit.source.where for limit in alert.limits] == ["table 1, item 8, lakes, class III"]
