"""States of assets, limits of fields, targets with their figures, the map's layers: decided without a database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schemas.fields import Feed
from schemas.plan.book import PlanBook, load_document
from schemas.verdict import Comparator
from services.district.plan_files import PLAN_FOLDER
from services.plan_office.figure import Figure
from services.read_model.asset_day import changes_of, series_of
from services.read_model.asset_states import (
    NOT_SEEN,
    STATES,
    ConnectorNow,
    LotLimits,
    LotNow,
    State,
    UnitNow,
    class_state,
    lot_state,
    post_state,
    site_state,
)
from services.read_model.assets import Trouble, with_parents
from services.read_model.field_limits import UNITS, limits_by_field
from services.read_model.figures import FigureRow
from services.read_model.last_states import Known, Registered, last_heard, states_of
from services.read_model.layer_rows import MoveRow, Place, best_move, coverage_layer, lake_row, site_row
from services.read_model.plan_limits import LimitRow, limits_at
from services.read_model.targets import Told, joined, targets_in_force
from services.timescale_sink.register import plan_rows

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
DAY = date(2026, 7, 1)


@pytest.fixture(scope="module")
def book() -> PlanBook:
    rows = plan_rows(PLAN_FOLDER)
    return PlanBook(load_document({"kind": row[0], "document": json.loads(row[-1])}) for row in rows)


@pytest.fixture(scope="module")
def in_force(book: PlanBook) -> list[LimitRow]:
    return limits_at(book, DAY)


def connector(device: str, status: str, kw: float | None = 7.0, site: str = "site-1") -> ConnectorNow:
    return ConnectorNow(device, site, AT, "good", status, kw)


def unit(device: str, state: str) -> UnitNow:
    return UnitNow(device, "jianghan", AT, "good", state, 114.2, 30.6)


def figure(indicator: str, subject: str, value: float | None, status: str = "met", **more: Any) -> FigureRow:
    known: dict[str, Any] = {
        "subject_name": None, "unit": "class", "status_reason": "why", "status_reason_zh": "原因",
        "period_start": AT, "period_end": AT,
        "known_at": AT, "n": 1, "completeness": 1.0, "threshold": None, "details": {}, "sample_quality": None,
    }  # fmt: skip
    return FigureRow(id=indicator, subject=subject, value=value, status=status, **known | more)


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (("charging", "idle"), "idle"),
        (("charging", "reserved"), "full"),
        (("plugged", "fault"), "full"),
        (("fault", "no_contact", "out_of_service"), "down"),
    ],
)
def test_a_site_is_as_its_connectors_are(words: tuple[str, ...], state: str) -> None:
    found = site_state([connector(f"c{n}", word) for n, word in enumerate(words)])
    assert (found.word, found.value) == (state, 7.0 * len(words))


def test_a_site_whose_power_nobody_measured_has_none() -> None:
    assert site_state([connector("c", "idle", None)]).value is None
    assert site_state([]) == NOT_SEEN


@pytest.mark.parametrize(
    ("free", "total", "out", "limits", "state"),
    [
        (50, 100, 0, LotLimits(0.95, 0), "free"),
        (5, 100, 0, LotLimits(0.95, 0), "nearly_full"),
        (5, 100, 50, LotLimits(0.9, 0), "nearly_full"),
        (0, 100, None, LotLimits(0.95, 0), "full"),
        (3, 100, 0, LotLimits(0.95, 3), "full"),
        (-1, 100, 0, LotLimits(0.95, 0), "impossible"),
        (101, 100, 0, LotLimits(0.95, 0), "impossible"),
        (1, 100, 0, None, "free"),
        (0, 100, 0, None, "full"),
        (1, 100, 100, LotLimits(0.95, 0), "free"),
    ],
)
def test_a_car_park_is_judged_by_the_policy(
    free: int, total: int, out: int | None, limits: LotLimits | None, state: str
) -> None:
    assert lot_state(LotNow("lot", "cbd", AT, "good", free, total, out), limits).word == state


def test_a_class_that_cannot_be_said_is_no_class() -> None:
    assert class_state(6, "not_met", AT, AT, "good").word == "class_6"
    for rank, status in ((None, "met"), (2, "cannot_say")):
        assert class_state(rank, status, AT, AT, "good") == State("cannot_say", None, "class", AT, AT, "good")


REGISTER = [
    Registered("site", "site-1", "ev", None, None),
    Registered("connector", "c1", "ev", "site", "site-1"),
    Registered("connector", "c2", "ev", "site", "site-1"),
    Registered("post", "post-1", "emergency", "district", "jianghan"),
    Registered("unit", "amb-1", "emergency", "post", "post-1"),
    Registered("lot", "lot-1", "parking", "zone", "cbd"),
    Registered("lake", "xihu", "water", None, None),
    Registered("station", "xihu-1", "water", "lake", "xihu"),
    Registered("building", "b-1", "tax", "district", "jianghan"),
    Registered("office", "tax-1", "tax", "building", "b-1"),
    Registered("dispatch", "dispatch-1", "emergency", "district", "jianghan"),
    Registered("zone", "cbd", None, "district", "jianghan"),
]


def test_each_kind_has_its_state_and_only_words_that_are_documented() -> None:
    nothing = states_of(REGISTER, Known())
    assert {state.word for (kind, _), state in nothing.items() if kind != "zone"} == {"unseen"}
    assert nothing["zone", "cbd"].word == "none"
    known = Known(
        connectors=[connector("c1", "fault", 0.0)],
        lots=[LotNow("lot-1", "cbd", AT, "good", 0, 10, 0)],
        units=[unit("amb-1", "available")],
        figures={
            (row.id, row.subject): row
            for row in (
                figure("water.class", "xihu", 4, "not_met"),
                figure("water.point_class", "xihu-1", 3),
                figure("tax.year_to_date", "b-1", 5e7, "cannot_say"),
            )
        },
        heard={("tax", "tax-1"): AT, ("emergency", "dispatch-1"): AT, ("ev", "c1"): AT},
    )
    found = states_of(REGISTER, known)
    assert {key[1]: state.word for key, state in found.items()} == {
        "site-1": "down", "c1": "fault", "c2": "unseen", "post-1": "ready", "amb-1": "available", "lot-1": "full",
        "xihu": "class_4", "xihu-1": "class_3", "b-1": "reported", "tax-1": "heard", "dispatch-1": "heard",
        "cbd": "none",
    }  # fmt: skip
    assert all(state.word in STATES[kind] for (kind, _), state in found.items())
    assert last_heard(REGISTER, known)["site", "site-1"] == AT, "a site is heard by its connectors"
    assert post_state([unit("a", "on_scene")]).word == "empty"


def test_troubles_show_on_what_an_asset_belongs_to() -> None:
    early = AT - timedelta(hours=1)
    own = {
        ("ev", "c1"): Trouble("III", 1, AT),
        ("ev", "site-1"): Trouble("II", 2, early),
        ("water", "c2"): Trouble("I", 1, AT),
    }
    found = with_parents(REGISTER, own)
    assert found == {("connector", "c1"): Trouble("III", 1, AT), ("site", "site-1"): Trouble("II", 3, early)}


def test_limits_of_a_measuring_point_are_those_of_the_class_that_the_plan_asks_for(in_force: list[LimitRow]) -> None:
    limits = limits_by_field("station", None, None, in_force)
    assert [
        (row.threshold.id, row.threshold.value) for row in limits["do_mg_l"] if "water" not in row.threshold.id
    ] == [("do.III", 5)]
    assert [row.threshold.id for row in limits["tp_mg_l"]] == ["tp.III.lake"], "of lakes, not of rivers"
    assert {row.threshold.id for row in limits["ph"]} == {
        "ph.low",
        "ph.high",
        "water.range.ph.low",
        "water.range.ph.high",
    }
    assert set(limits) <= set(UNITS[Feed.WATER])
    assert all(row.threshold.source.where for rows in limits.values() for row in rows)


def test_shares_become_figures_in_the_unit_of_the_field(in_force: list[LimitRow]) -> None:
    site = limits_by_field("site", None, 400.0, in_force)["power_kw"]
    assert {row.threshold.id: (row.threshold.value, row.threshold.unit) for row in site} == {
        "ev.site_load": (400.0, "kW"), "ev.site_load_near": (360.0, "kW"),
    }  # fmt: skip
    (connector_limit,) = limits_by_field("connector", 60.0, None, in_force)["power_kw"]
    assert connector_limit.threshold.value == 72.0
    full, nearly = limits_by_field("lot", 200.0, None, in_force)["free_spaces"]
    assert (full.threshold.value, nearly.threshold.value, nearly.threshold.comparator) == (0, 10.0, Comparator.GT)
    assert limits_by_field("unit", None, None, in_force) == {}
    assert limits_by_field("lot", 200.0, None, []) == {}


def test_a_day_has_the_fields_that_were_measured_and_the_changes_of_state() -> None:
    words = ("idle", "charging", "charging", None, "idle")
    rows: list[Any] = [
        {
            "observed_at": AT + timedelta(minutes=n),
            "quality": "good",
            "status": word,
            "power_kw": float(n),
            "voltage_v": None,
        }
        for n, word in enumerate(words)
    ]
    (series,) = series_of(rows, Feed.EV, {})
    assert (series.field, series.unit, [point.value for point in series.points]) == ("power_kw", "kW", [0, 1, 2, 3, 4])
    assert [(change.word, change.at.minute) for change in changes_of(rows, Feed.EV)] == [
        ("idle", 0),
        ("charging", 1),
        ("idle", 4),
    ]
    assert (list(series_of([], Feed.EV, {})), list(changes_of([], Feed.EV))) == ([], [])


def test_each_target_stands_with_its_figures_or_alone(book: PlanBook) -> None:
    wanted = list(targets_in_force(book, DAY))
    known = [figure("water.class", "xihu", 4, "not_met"), figure("water.class", "beihu", 2)]
    rows = joined(wanted, known, "live", Told(book, DAY, {}, {}))
    of_class = [row for row in rows if row.id == "water.class"]
    assert [(row.subject, row.status, row.target) for row in of_class] == [("xihu", "not_met", 3), ("beihu", "met", 3)]
    assert of_class[0].page == "page 31"
    alone = [row for row in rows if row.subject is None]
    assert {row.status for row in alone} == {"cannot_say"}
    assert all(row.status_reason and row.status_reason_zh for row in alone)
    assert len({row.id for row in rows}) == len(wanted)


def test_a_target_that_people_report_stands_by_what_they_entered(book: PlanBook) -> None:
    year = Figure(33.0, date(DAY.year - 1, 1, 1), date(DAY.year - 1, 12, 31))
    rows = joined(targets_in_force(book, DAY), [], "live", Told(book, DAY, {"green.coverage": [year]}, {}))
    (green,) = [row for row in rows if row.id == "green.coverage"]
    assert (green.value, green.standing_on) == (33.0, year.end)
    assert green.status == {"met": "met", "missed": "not_met"}.get(green.standing, "cannot_say")
    assert (green.status_reason, green.status_reason_zh) == (green.standing_reason, green.standing_reason_zh)


def test_the_period_of_the_due_date_goes_before_the_newest_one(book: PlanBook) -> None:
    day, newest = date(2026, 2, 1), figure("water.class", "xihu", 4, "not_met")
    due = replace(
        figure("water.class", "xihu", 3),
        period_start=datetime(2025, 12, 30, 16, tzinfo=UTC),
        period_end=datetime(2025, 12, 31, 16, tzinfo=UTC),
    )
    newest = replace(
        newest,
        period_start=datetime(2026, 1, 29, 16, tzinfo=UTC),
        period_end=datetime(2026, 1, 30, 16, tzinfo=UTC),
    )
    wanted = [one for one in targets_in_force(book, day) if one[1].id == "water.class"]
    for of_due, standing in (({("water.class", "xihu"): due}, "met"), ({}, "missed")):
        (row,) = joined(wanted, [newest], "live", Told(book, day, {}, of_due))
        assert (row.standing, row.status, row.value) == (standing, "not_met", 4)


def test_before_the_plan_there_is_no_target(book: PlanBook) -> None:
    assert list(targets_in_force(book, date(2019, 1, 1))) == []


CELLS = [Place(f"cell-{n}", "z", "e", 114.0 + n, 30.0, None, 100.0) for n in range(3)]


@pytest.mark.parametrize(
    ("value", "uncovered", "count", "covered"),
    [
        (0.9, ["cell-1"], 1, [True, False, True]),
        (0.9, [], 0, [True, True, True]),
        (0.1, ["cell-1"], 2, [None, False, None]),
        (None, [], 3, [None, None, None]),
    ],
)
def test_a_cell_is_covered_only_when_that_is_known(
    value: float | None, uncovered: list[str], count: int, covered: list[bool | None]
) -> None:
    details = {"uncovered": uncovered, "uncovered_cells": count, "uncovered_people": 100 * count, "units_available": 2}
    layer = coverage_layer(figure("emergency.coverage", "jianghan", value, details=details), CELLS, None)
    assert [cell.covered for cell in layer.cells] == covered


def test_the_best_move_is_drawn_between_places_that_are_known() -> None:
    details = {"best_move": {"unit": "amb-xiehe-1", "post": "post-renmin", "people": 31_200}}
    posts = [replace(CELLS[0], asset_id="post-renmin")]
    move = best_move(details, [unit("amb-xiehe-1", "available")], posts)
    assert move == MoveRow("amb-xiehe-1", 114.2, 30.6, "post-renmin", 114.0, CELLS[0].latitude, 31_200)
    assert best_move({}, [], []) is None
    lost = best_move(details, [], [])
    assert lost is not None
    assert (lost.from_longitude, lost.to_longitude) == (None, None)


def test_a_site_of_which_nothing_was_heard_has_no_load() -> None:
    site = replace(CELLS[0], asset_id="site-1", limit_value=100.0)
    assert (site_row(site, []).load, site_row(site, []).observed_at) == (None, None)
    row = site_row(site, [connector("a", "charging", 60.0), connector("b", "fault", None), connector("c", "idle", 0.0)])
    assert (row.load, row.connectors, row.idle, row.charging, row.faulty) == (0.6, 3, 1, 1, 1)


def test_a_lake_without_a_class_says_so() -> None:
    row = lake_row(CELLS[0], None, None)
    assert (row.water_class, row.status) == (None, "cannot_say")
    details = {"class": {"deciding": ["tp"], "colour": "#fff"}}
    row = lake_row(CELLS[0], figure("water.class", "cell-0", 5, "not_met", details=details), None)
    assert (row.water_class, row.deciding, row.colour) == (5, ("tp",), "#fff")
