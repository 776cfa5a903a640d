"""The classifier against the classes that the national automatic network published for its own measurements."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from schemas.water import WaterBody
from services.stream_processors.water.measured import FIELDS, Values
from services.stream_processors.water.rules import class_of_sample
from services.stream_processors.water.standard import limit_table
from tests.unit.stream_processors.water_log import policy, settings_of, standard

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "water"
RANKS = {"Ⅰ": 1, "Ⅱ": 2, "Ⅲ": 3, "Ⅳ": 4, "Ⅴ": 5, "劣Ⅴ": 6}
COLUMNS = {
    "ph": "ph",
    "do_mg_l": "do_mgl",
    "codmn_mg_l": "codmn_mgl",
    "nh3n_mg_l": "nh3n_mgl",
    "tp_mg_l": "tp_mgl",
    "tn_mg_l": "tn_mgl",
    "water_temp_c": "water_temp_c",
}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder ../shared/data is absent in this clone")


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def values(row: dict[str, str]) -> Values:
    cells = (row.get(COLUMNS.get(field, ""), "") for field in FIELDS)
    return tuple(None if cell.strip() in {"", "*", "--"} else float(cell) for cell in cells)


def section_kinds() -> dict[tuple[str, str], str]:
    """Kind by section; the file has a section once for each source, and one of them may not know the kind."""
    kinds: dict[tuple[str, str], str] = {}
    for row in rows("section_kind.csv"):
        if row["kind_inferred"] != "?":
            kinds[row["province"], row["section"]] = row["kind_inferred"]
    return kinds


def compare(name: str) -> tuple[int, list[str]]:
    """Number of labelled rows, and each that differs in words."""
    kinds = section_kinds()
    tables = {body: limit_table(standard(), body) for body in WaterBody}
    settings = settings_of(policy()).class_
    labelled, differing = 0, []
    for number, row in enumerate(rows(name), start=2):
        published = RANKS.get(row["class_published"].strip())
        if published is None:
            continue
        labelled += 1
        lake = kinds.get((row["province"], row["section"])) == "lake"
        table = tables[WaterBody.LAKE if lake else WaterBody.RIVER]
        found = class_of_sample(values(row), table, settings).rank
        if found != published:
            differing.append(f"{name}:{number} {row['section']}: published {published}, computed {found}")
    return labelled, differing


def test_unrounded_values_give_the_published_class() -> None:
    labelled, differing = compare("cnemc_national_2020-05-08_09_raw.csv")
    print(f"raw: {labelled - len(differing)} of {labelled} agree", *differing, sep="\n  ")
    assert labelled > 2_800
    assert len(differing) / labelled <= 0.001


def test_displayed_values_agree_as_far_as_rounding_allows() -> None:
    labelled, differing = compare("cnemc_4hourly_2021-04-01_05_displayed.csv")
    print(f"displayed: {labelled - len(differing)} of {labelled} agree", *differing, sep="\n  ")
    assert labelled > 6_000
    assert len(differing) / labelled <= 0.015
