"""The boards as files: generated from the code, whole, in both languages, with limits from the plan."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.models import (
    barchart,
    bargauge,
    dashboard,
    geomap,
    piechart,
    stat,
    statetimeline,
    table,
    timeseries,
)

from services.dashboards.boards import BOARDS as BOARDS_BY_NAME
from services.dashboards.errors import BoardRefused
from services.dashboards.files import boards, files
from services.dashboards.kit import Kit
from services.dashboards.limits import Limits
from services.dashboards.menu import MENU
from services.dashboards.plan_files import read_documents
from services.dashboards.sql import DATASOURCE_TYPE, DATASOURCE_UID
from services.dashboards.words import Language
from tests.grafana_sql import Span, Unknown, expand, queries

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "grafana"
DOCUMENTS = read_documents(ROOT / "deploy" / "plan")
OPTIONS: dict[str, Any] = {
    "stat": stat.Options,
    "timeseries": timeseries.Options,
    "state-timeline": statetimeline.Options,
    "table": table.Options,
    "geomap": geomap.Options,
    "bargauge": bargauge.Options,
    "barchart": barchart.Options,
    "piechart": piechart.Options,
}
CUSTOM: dict[str, Any] = {
    "timeseries": timeseries.FieldConfig,
    "state-timeline": statetimeline.FieldConfig,
    "barchart": barchart.FieldConfig,
    "table": table.FieldConfig,
}


def every_board() -> Iterator[tuple[Language, str, dict[str, Any]]]:
    for language, made in boards(DOCUMENTS).items():
        for name, board in made.items():
            yield language, name, board


BOARDS = list(every_board())
PANELS = [
    pytest.param(panel, id=f"{board['uid']}/{panel['id']}")
    for _, _, board in BOARDS
    for panel in board["panels"]
    if panel["type"] not in {"row", "text"}
]


def test_the_files_are_what_the_code_makes() -> None:
    made = files(DOCUMENTS)
    on_disk = {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*")
        if path.is_file()
    }
    assert sorted(on_disk) == sorted(made), "run `make generate`"
    assert [name for name in made if made[name] != on_disk[name]] == [], "run `make generate`"


def test_each_board_is_there_in_both_languages_with_the_same_panels() -> None:
    zh = {name: board for language, name, board in BOARDS if language is Language.ZH}
    en = {name: board for language, name, board in BOARDS if language is Language.EN}
    assert list(zh) == list(en) == list(BOARDS_BY_NAME)
    assert {name for name, _ in MENU} <= set(zh)
    for name, board in zh.items():
        assert [p["type"] for p in board["panels"]] == [p["type"] for p in en[name]["panels"]]
        assert board["uid"] == f"jianghan-{name}"
        assert en[name]["uid"] == f"jianghan-{name}-en"


def test_english_boards_speak_english() -> None:
    for language, _, board in BOARDS:
        if language is Language.EN:
            text = json.dumps([[p.get("title"), p.get("description")] for p in board["panels"]], ensure_ascii=False)
            assert not re.search(r"[\u4e00-\u9fff]", text), text


@pytest.mark.parametrize("panel", PANELS)
def test_each_panel_says_what_it_means(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert len(panel["description"]) >= 8
    assert panel["datasource"] == {"type": DATASOURCE_TYPE, "uid": DATASOURCE_UID}
    for target in panel["targets"]:
        assert target["datasource"] == {"type": DATASOURCE_TYPE, "uid": DATASOURCE_UID}


@pytest.mark.parametrize("panel", PANELS)
def test_each_option_is_one_that_the_panel_knows(panel: dict[str, Any]) -> None:
    known = set(inspect.signature(OPTIONS[panel["type"]].__init__).parameters)
    assert {_snake(name) for name in panel.get("options", {})} <= known
    custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom", {})
    if custom:
        fields = set(inspect.signature(CUSTOM[panel["type"]].__init__).parameters)
        assert {_snake(name) for name in custom} <= fields
    built = dashboard.Panel.from_json(panel)
    assert built.to_json().keys() >= panel.keys() - {"id"}


def _snake(name: str) -> str:
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return {"min": "min_val", "max": "max_val", "type": "type_val", "text": "text"}.get(words, words)


def test_panels_stand_in_a_grid_without_overlap() -> None:
    for _, name, board in BOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not taken & cells, (name, panel["title"])
            assert place["x"] + place["w"] <= 24
            taken |= cells


def test_lines_and_colours_follow_the_plan() -> None:
    changed = [
        document.model_copy(
            update={
                "indicator": tuple(
                    one.model_copy(update={"target": 34.0}) if one.id == "tax.hundred_million_buildings" else one
                    for one in document.indicator
                )
            }
        )
        if hasattr(document, "indicator")
        else document
        for document in DOCUMENTS
    ]
    before, after = (json.dumps(boards(each)[Language.EN]["tax"]) for each in (DOCUMENTS, changed))
    assert "target ≥ 33" in before.encode().decode("unicode_escape") or "33" in before
    assert before != after
    assert '"value": 34.0' in after


def test_a_limit_that_no_document_has_is_named() -> None:
    with pytest.raises(BoardRefused, match=r"water\.nonsense"):
        Kit(Language.EN, Limits(DOCUMENTS)).source("water.nonsense")


def test_each_limit_on_a_board_cites_its_source() -> None:
    tile = next(
        panel
        for language, name, board in BOARDS
        if language is Language.EN and name == "tax"
        for panel in board["panels"]
        if panel["type"] == "stat"
    )
    assert ">= 33 buildings (plan jianghan-14fyp 2022, page 27)" in tile["description"]


def urls(value: Any) -> Iterator[str]:
    """Every address that a board leads to, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("url"), str):
            yield value["url"]
        for each in value.values():
            yield from urls(each)
    elif isinstance(value, list):
        for each in value:
            yield from urls(each)


def test_every_link_leads_to_a_board_of_the_same_language_or_to_the_one_map() -> None:
    uids = {language: {board["uid"] for spoken, _, board in BOARDS if spoken is language} for language in Language}
    for language, name, board in BOARDS:
        found = [url for url in urls(board) if not url.startswith("data:")]
        assert found, name
        for url in found:
            uid = re.match(r"/d/([a-z-]+)\?", url)
            by_row = re.match(r"/d/\$\{__data\.fields\.(?:board|page)\}\?", url)
            assert by_row or url.startswith("${one_map:raw}#") or (uid and uid[1] in uids[language]), (name, url)


def test_a_board_that_a_row_names_exists() -> None:
    uids = {board["uid"] for _, _, board in BOARDS}
    named = {
        uid
        for _, _, board in BOARDS
        for query in queries(board)
        for uid in re.findall(r"(?:THEN|ELSE) '(jianghan-[a-z-]+)'", query.sql)
    }
    assert named
    assert named <= uids


def test_every_board_leads_to_every_other_of_the_menu() -> None:
    for language, name, board in BOARDS:
        kit = Kit(language, Limits(DOCUMENTS))
        ways = {link["url"].split("?")[0]: link for link in board["links"]}
        assert set(ways) == {f"/d/{kit.uid(other)}" for other, _ in MENU if other != name}
        assert all(link["type"] == "link" and "placement" not in link for link in ways.values()), (
            "one with a placement is not shown"
        )


def test_a_query_that_names_an_unknown_variable_is_found() -> None:
    span = Span.last(timedelta(hours=1), datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(Unknown, match="nonsense"):
        expand("SELECT ${nonsense:sqlstring}", span, {"lane": ["live"]})
    with pytest.raises(Unknown, match="timeNonsense"):
        expand("SELECT $__timeNonsense(x)", span, {})


def test_each_board_has_queries() -> None:
    for _, _, board in BOARDS:
        assert sum(1 for _ in queries(board)) >= 4
