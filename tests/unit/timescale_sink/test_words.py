"""Every code that the contracts, the rules and the plan files can say has words in both languages."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_args

import pytest

import schemas
from schemas.vocabulary import KIND_OF_ENUM, VOCABULARY, Naming
from schemas.water import WaterReading
from services.dashboards import calls, palette, vocabulary
from services.timescale_sink.assets import Asset
from services.timescale_sink.progress import Why
from services.timescale_sink.register import district_assets, plan_rows
from services.timescale_sink.words import word_rows

ROOT: Final = Path(__file__).resolve().parents[3]
PLAN: Final = ROOT / "deploy" / "plan"
CODE: Final = ("services/stream_processors", "services/timescale_sink", "services/read_model")
UNIT_NAMES: Final = frozenset({"unit", "observed_unit", "limit_unit", "capacity_unit"})
HAN: Final = re.compile(r"[㐀-鿿]")
NOT_READ: Final = {
    "StatusVocabulary": "names of protocols are the same in every language",
    "Rendering": "names of formats are the same in every language",
    "Audience": "who a channel of the contract is for: the reference is in English",
    "Flow": "directions of the contract's reference, which is in English",
    "Origin": "the command line says who registered a device, no view does",
    "Role": "roles stand in keys and in the command line, no view has them",
    "Way": "what the gate of the contract says to developers",
    "Unknown": "what the gate of the contract says to developers",
    "Message": "parts of MQTT topics",
    "SiteKind": "simulators alone know whom a site serves, no view has it",
    "LotKind": "simulators alone know whom a car park serves, no view has it",
}
"""Enumerations of the contracts that nobody reads in a view, with the reason."""


@pytest.fixture(scope="module")
def assets() -> list[Asset]:
    return district_assets(ROOT / "deploy" / "district" / "jianghan.toml")


@pytest.fixture(scope="module")
def words(assets: list[Asset]) -> dict[tuple[str, str], Naming]:
    return {(kind, code): Naming(zh, en) for kind, code, zh, en in word_rows(assets, plan_rows(PLAN))}


def enumerations() -> dict[str, type[StrEnum]]:
    """Every enumeration of words that a module of the contracts defines."""
    found: dict[str, type[StrEnum]] = {}
    for module in pkgutil.walk_packages(schemas.__path__, "schemas."):
        if module.name.endswith("__main__"):
            continue
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and issubclass(thing, StrEnum) and thing.__module__.startswith("schemas"):
                found[thing.__name__] = thing
    return found


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for folder in CODE:
        for path in (ROOT / folder).rglob("*.py"):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Texts with a name: `NAME: Final = "text"`."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield node.target.id, value.value


def signatures(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name of each function or record that takes a unit, and the place of it."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.FunctionDef):
            names = [each.arg for each in node.args.args if each.arg not in {"self", "cls"}]
        elif isinstance(node, ast.ClassDef):
            fields = (each.target for each in node.body if isinstance(each, ast.AnnAssign))
            names = [each.id for each in fields if isinstance(each, ast.Name)]
        else:
            continue
        yield from ((node.name, place) for place, name in enumerate(names) if name in UNIT_NAMES)


def said_units() -> dict[str, str]:
    """Units that the code says itself, with a place where it does: arguments and entries that are called a unit."""
    trees = list(modules())
    places: dict[str, set[int]] = {}
    for _, tree in trees:
        for name, place in signatures(tree):
            places.setdefault(name, set()).add(place)
    shared = {name: text for _, tree in trees for name, text in constants(tree) if not name.startswith("_")}
    found: dict[str, str] = {}
    for path, tree in trees:
        known = shared | dict(constants(tree))
        for node in ast.walk(tree):
            for value in unit_values(node, places):
                found |= dict.fromkeys(texts(value, known), f"{path.name}:{value.lineno}")
    return found


def unit_values(node: ast.AST, places: dict[str, set[int]]) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        yield from (each.value for each in node.keywords if each.arg in UNIT_NAMES)
        yield from (node.args[place] for place in places.get(name, ()) if place < len(node.args))
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in UNIT_NAMES:
                yield value


def texts(value: ast.expr, known: dict[str, str]) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from texts(body, known)
            yield from texts(other, known)
        case ast.Name(id=name) if name in known:
            yield known[name]


def plan_entries(key: str) -> Iterator[tuple[str, Any]]:
    """Each value of a key anywhere in the plan files, with its file."""

    def within(thing: Any) -> Iterator[Any]:
        if isinstance(thing, dict):
            yield from (value for name, value in thing.items() if name == key)
            yield from (found for value in thing.values() for found in within(value))
        elif isinstance(thing, list):
            yield from (found for value in thing for found in within(value))

    for file in sorted(PLAN.rglob("*.toml")):
        yield from ((file.name, value) for value in within(tomllib.loads(file.read_text(encoding="utf-8"))))


def test_each_enumeration_of_the_contracts_has_words_or_a_reason_why_not() -> None:
    known = {each.__name__ for each in KIND_OF_ENUM}
    found = enumerations()
    assert known & set(NOT_READ) == set()
    assert set(found) == known | set(NOT_READ)


@pytest.mark.parametrize("enum", [*KIND_OF_ENUM, Why], ids=lambda enum: enum.__name__)
def test_each_member_of_an_enumeration_has_words(enum: type[StrEnum]) -> None:
    kind = KIND_OF_ENUM.get(enum, "gap_reason")
    assert {str(member.value) for member in enum} - set(VOCABULARY[kind]) == set()


def test_each_rule_limit_and_indicator_that_the_code_names_has_words(words: dict[tuple[str, str], Naming]) -> None:
    feeds = "|".join(VOCABULARY["feed"])
    coded = re.compile(rf"({feeds}|device|platform)(\.[a-z0-9_]+)+")
    said = {text for _, tree in modules() for _, text in constants(tree) if coded.fullmatch(text)}
    assert {"platform.log_gap", "water.class_worse_than_target", "ev.uptime_12_months"} <= said
    assert said - {code for kind, code in words if kind in {"rule", "limit", "indicator"}} == set()


def test_each_rule_and_target_of_the_plan_files_has_words(words: dict[tuple[str, str], Naming]) -> None:
    for kind in ("rule", "limit", "indicator", "item"):
        entries = [entry for _, listed in plan_entries(kind) if isinstance(listed, list) for entry in listed]
        named = {entry["id"] for entry in entries if isinstance(entry, dict)}
        assert named, kind
        assert named - {code for each, code in words if each == kind} == set()


def test_each_document_has_a_chinese_name(words: dict[tuple[str, str], Naming]) -> None:
    heads = [head for kind in ("plan", "standard", "policy") for _, head in plan_entries(kind) if "id" in head]
    assert len(heads) >= 8
    assert {
        head["id"] for head in heads if "name_zh" not in head and ("document_name", head["id"]) not in words
    } == set()


def test_each_unit_has_words() -> None:
    said = said_units() | {unit: file for file, unit in plan_entries("unit")}
    # Said by position, by keyword, as an entry of a row, by a constant, in a plan file: every way is found.
    assert {"calls", "readings", "residents", "TLI", "mu"} <= set(said)
    assert {unit: where for unit, where in said.items() if unit not in VOCABULARY["unit"]} == {}


def test_each_measured_field_of_water_has_words() -> None:
    numbers = {
        name
        for name, field in WaterReading.model_fields.items()
        if float
        in {part for each in (field.annotation, *get_args(field.annotation)) for part in (each, *get_args(each))}
    }
    assert "tp_mg_l" in numbers
    assert numbers - set(VOCABULARY["item"]) - {"longitude", "latitude"} == set()


def test_each_kind_of_asset_and_each_unit_of_the_register_has_words(assets: list[Asset]) -> None:
    assert {each.kind for each in assets} | {"cell"} == set(VOCABULARY["asset_kind"])
    said = {unit for each in assets for unit in (each.capacity_unit, each.limit_unit) if unit is not None}
    assert said - set(VOCABULARY["unit"]) == set()


def test_each_street_is_found_by_the_name_that_readings_carry(
    assets: list[Asset], words: dict[tuple[str, str], Naming]
) -> None:
    streets = {each.name_zh for each in assets if each.kind == "street"}
    assert {code for kind, code in words if kind == "street"} == streets
    assert words["street", "汉兴街"] == Naming("汉兴街", "Hanxing Street")


def test_english_words_have_no_chinese_characters(words: dict[tuple[str, str], Naming]) -> None:
    assert {code: naming.en for code, naming in words.items() if HAN.search(naming.en)} == {}


SAME: Final = frozenset({"pH", "kW", "kWh", "m", "%", "°C", "mg/L", "µg/L", "NTU", "µS/cm", ""})
"""Words that Chinese readers write in Latin letters too."""


def test_chinese_words_have_chinese_characters(words: dict[tuple[str, str], Naming]) -> None:
    assert {code: naming.zh for code, naming in words.items() if not HAN.search(naming.zh)} == {
        code: naming.zh for code, naming in words.items() if naming.zh in SAME
    }


BOARDS: Final = [
    ("quality", vocabulary.QUALITY),
    ("quality_code", vocabulary.QUALITY_CODE),
    ("dead_letter_reason", vocabulary.DEAD_LETTER_REASON),
    ("dead_letter_source", vocabulary.DEAD_LETTER_SOURCE),
    ("outcome", vocabulary.OUTCOME),
    ("unit", vocabulary.UNIT),
    ("document", vocabulary.DOCUMENT),
    ("origin", vocabulary.ORIGIN),
    ("call_type", calls.CALL_TYPE),
    ("priority", calls.PRIORITY),
    *(
        (kind, {code: said for code, (said, _) in shown.items()})
        for kind, shown in (
            ("status", palette.STATUS),
            ("severity", palette.SEVERITY),
            ("feed", palette.FEED),
            ("water_class", palette.WATER_CLASS),
            ("standing", palette.STANDING),
            ("connector_state", palette.CONNECTOR),
            ("unit_state", palette.UNIT),
        )
    ),
]


@pytest.mark.parametrize(("kind", "said"), BOARDS, ids=[kind for kind, _ in BOARDS])
def test_boards_say_the_words_of_the_catalogue(kind: str, said: vocabulary.Vocabulary) -> None:
    assert {code: (each.zh, each.en) for code, each in said.items()} == {
        code: tuple(VOCABULARY[kind][code]) for code in said
    }
