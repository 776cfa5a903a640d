"""Chinese boards say Chinese and English boards English: every text of every panel over a real, filled database.

What counts is what a person sees: cells, names of series, slices and points, choices of variables, headings of tables;
hidden columns do not, and a panel's value mappings translate.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final

import asyncpg
import pytest

from deploy.local.stack import Stack
from schemas.vocabulary import VOCABULARY
from services.timescale_sink.migrations import bring_up_to_date
from services.timescale_sink.register import district_assets, plan_rows, write_registers
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from services.timescale_sink.words import word_rows
from tests.grafana_sql import Span, expand, seconds
from tests.integration.boards_day import chosen, loaded
from tests.integration.fresh_database import as_owner, fresh_database

HAN: Final = re.compile(r"[㐀-鿿]+")
LATIN: Final = re.compile(r"[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ'-]*")
ROMAN: Final = frozenset({"I", "II", "III", "IV", "V", "VI"})
"""Levels of warnings and classes of water, as the national texts write them."""
UNITS: Final = frozenset(found for unit in VOCABULARY["unit"].values() for found in LATIN.findall(unit.zh))
SYMBOLS: Final = frozenset({"pH", "P50", "P90", "P99", "UTC", "UTF", "JSON", "GB", "CFR", "CBD", "TLI", "SOC", "Kafka"})
"""Signs, names of formats and of standards that a Chinese reader writes in Latin letters too."""
SAME_IN_CHINESE: Final = ROMAN | UNITS | SYMBOLS
EXEMPT: Final[Mapping[str, str]] = {
    "alert": "id of an alert",
    "alert_id": "id of an alert",
    "asset_id": "id of an asset",
    "device": "id of a device",
    "device_id": "id of a device",
    "incident": "number of a call",
    "incident_id": "number of a call",
    "subscription": "id of a subscription",
    "receiver": "id of a subscription",
    "topic": "name of a Kafka topic",
    "group_id": "name of a consumer group",
    "document_id": "id of a document",
    "source_id": "id of a document",
    "version": "version of a document",
    "edition": "name and version of the database",
    "detail": "the very words of a machine about a refused item",
    "payload": "the bytes of a refused item",
    "username": "name of an account",
    "published_by": "name of an account, or of the folder of files",
    "checksum": "digest of a document",
    "relation": "name of a table",
}
"""Columns whose cells are ids or the words of machines, with what they are."""
CALLS: Final = "SELECT DISTINCT incident_id FROM v_emergency_readings WHERE incident_id IS NOT NULL"
"""Numbers of calls: a call has no other name, so they stand in texts beside its street."""
TEXTS: Final = frozenset({"text", "varchar", "bpchar", "name", "text[]", "_text", "json", "jsonb", "unknown"})


def without(text: str, ids: Container[str]) -> str:
    """A text without the ids that stand in it as words of their own."""
    return " ".join(word for word in text.split(" ") if word not in ids)


def foreign(text: str, language: str) -> str | None:
    """What of a text is in the other language."""
    if language == "en":
        found = HAN.search(text)
        return None if found is None else found[0]
    words = (word for word in LATIN.findall(text) if word.strip("'-") not in SAME_IN_CHINESE and len(word) > 1)
    return next(words, None)


def said(value: Any) -> Iterator[str]:
    """The texts of a cell."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from said(each)


class Shown:
    """How a panel shows its columns: overrides by name before the defaults."""

    def __init__(self, panel: Mapping[str, Any]) -> None:
        config = panel.get("fieldConfig", {})
        self._defaults: Mapping[str, Any] = config.get("defaults", {})
        self._own: dict[str, dict[str, Any]] = {}
        for override in config.get("overrides", []):
            if override["matcher"]["id"] == "byName":
                own = self._own.setdefault(override["matcher"]["options"], {})
                for each in override["properties"]:
                    # Value mappings of one column may be given in several parts.
                    if each["id"] == "mappings":
                        own["mappings"] = [*own.get("mappings", []), *each["value"]]
                    else:
                        own[each["id"]] = each["value"]
        fields = panel.get("options", {}).get("reduceOptions", {}).get("fields")
        self.kind: str = panel["type"]
        self.fields: str | None = fields

    def hidden(self, column: str) -> bool:
        own = self._own.get(column, {})
        hide = own.get("custom.hideFrom") or {}
        return bool(own.get("custom.hideFrom.viz") or own.get("custom.hidden") or hide.get("viz"))

    def heading(self, column: str) -> str:
        return str(self._own.get(column, {}).get("displayName") or self._defaults.get("displayName") or column)

    def text(self, column: str, value: str) -> str:
        """A cell's text after the value mappings."""
        mappings = self._own.get(column, {}).get("mappings") or self._defaults.get("mappings") or []
        for mapping in mappings:
            options = mapping["options"]
            if mapping["type"] == "value" and value in options:
                return str(options[value].get("text") or "")
            if mapping["type"] == "regex" and re.search(options["pattern"].strip("/"), value):
                return str(options["result"].get("text") or value)
        return value


def texts_of(
    shown: Shown, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]], *, table: bool
) -> Iterator[tuple[str, str]]:
    """Column and text of everything in an answer that a person reads."""
    texts = [name for name, kind in columns.items() if kind in TEXTS and not shown.hidden(name)]
    named = shown.kind == "table" or (not table and not texts)
    if named:
        yield from ((name, shown.heading(name)) for name in columns if not shown.hidden(name) and name != "time")
    for row in rows:
        for name in texts:
            if name not in EXEMPT:
                yield from ((name, shown.text(name, text)) for text in said(row[name]))


def faults_in(
    place: str, pairs: Iterable[tuple[str, str]], language: str, ids: Container[str] = frozenset()
) -> dict[str, str]:
    """One fault a column: what is foreign in it."""
    found: dict[str, str] = {}
    for column, text in pairs:
        word = foreign(without(text, ids), language)
        if word is not None:
            found.setdefault(f"{place} / {column}", f"{word!r} in {text[:80]!r}")
    return found


async def language_faults(connection: asyncpg.Connection, board: dict[str, Any], language: str) -> dict[str, str]:
    """Every text of a board that is in the wrong language, over the span that it opens with and a long one."""
    found: dict[str, str] = {}
    now = datetime.now(UTC)
    calls = {row["incident_id"] for row in await connection.fetch(CALLS)}
    for length in (timedelta(seconds=seconds(board["time"]["from"].removeprefix("now-"))), timedelta(days=30)):
        span = Span.last(length, now)
        variables = await chosen(connection, board, span)
        found |= await variable_faults(connection, board, language, span, variables)
        for panel in board["panels"]:
            place = f"{board['uid']} / {panel['title']}"
            shown = Shown(panel)
            for target in panel.get("targets", []):
                sql = expand(
                    target["rawSql"],
                    Span.last(
                        length,
                        now,
                        points=int(panel.get("maxDataPoints") or 500),
                        least_s=seconds(panel.get("interval") or "1m"),
                    ),
                    variables,
                )
                statement = await connection.prepare(sql)
                rows = await statement.fetch()
                columns = {each.name: each.type.name for each in statement.get_attributes()}
                pairs = texts_of(shown, columns, [dict(row) for row in rows], table=target["format"] == "table")
                found |= faults_in(place, pairs, language, calls)
    return found


async def variable_faults(
    connection: asyncpg.Connection,
    board: dict[str, Any],
    language: str,
    span: Span,
    variables: Mapping[str, list[str]],
) -> dict[str, str]:
    """Choices of the board's variables: the text where there is one, else the value."""
    found: dict[str, str] = {}
    for variable in board["templating"]["list"]:
        if variable["type"] != "query" or variable.get("hide"):
            continue
        rows = [dict(row) for row in await connection.fetch(expand(variable["query"], span, variables))]
        pairs = [("choices", str(row.get("__text", next(iter(row.values()))))) for row in rows]
        found |= faults_in(f"{board['uid']} / ${variable['name']}", pairs, language)
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_each_panel_speaks_the_language_of_its_board(apache: asyncpg.Connection, language: str) -> None:
    found: dict[str, str] = {}
    for board in loaded(language):
        found |= await language_faults(apache, board, language)
    assert not found, "\n".join(f"{place}: {fault}" for place, fault in found.items())


@pytest.mark.parametrize(
    ("panel", "sql", "language", "fault"),
    [
        ({"type": "table"}, "SELECT 'north shore' AS a", "zh", "north"),
        ({"type": "table"}, "SELECT '北岸' AS a", "en", "北岸"),
        ({"type": "table"}, "SELECT 1 AS value", "zh", "value"),
        ({"type": "table"}, "SELECT ARRAY['北岸', 'centre'] AS a", "zh", "centre"),
        ({"type": "table"}, "SELECT 'fault' AS a", "zh", None),
        ({"type": "table"}, "SELECT 'no_contact' AS a", "zh", "no"),
        ({"type": "table"}, "SELECT 'north' AS hidden", "zh", None),
        ({"type": "table"}, "SELECT 'north' AS alert_id", "zh", None),
        ({"type": "stat"}, "SELECT 1 AS value", "zh", None),
        ({"type": "stat"}, "SELECT 'Ⅲ类 pH 7.5 mg/L，II 级' AS a", "zh", None),
        ({"type": "table"}, "SELECT 'West Lake' AS a, 7.5 AS b", "en", None),
    ],
)
async def test_what_is_foreign_is_found(
    apache: asyncpg.Connection,
    panel: dict[str, Any],
    sql: str,
    language: str,
    fault: str | None,
) -> None:
    """Cells, lists and headings count; hidden columns, ids, symbols and what the panel translates do not."""
    headings = {"zh": "名称", "en": "Name"}
    overrides = [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [
                {"id": "displayName", "value": headings[language]},
                *([{"id": "custom.hideFrom.viz", "value": True}] if name == "hidden" else []),
                {"id": "mappings", "value": [{"type": "value", "options": {"fault": {"text": "故障"}}}]},
            ],
        }
        for name in ("a", "b", "hidden", "alert_id")
    ]
    shown = Shown(panel | {"fieldConfig": {"overrides": overrides}})
    statement = await apache.prepare(sql)
    columns = {each.name: each.type.name for each in statement.get_attributes()}
    pairs = list(texts_of(shown, columns, [dict(row) for row in await statement.fetch()], table=True))
    found = list(faults_in("p", pairs, language).values())
    assert [each.split("'")[1] for each in found] == ([] if fault is None else [fault])


async def test_what_the_database_holds_has_words(
    apache: asyncpg.Connection,
    community: asyncpg.Connection,
) -> None:
    """Every code of the simulated day, as the reader asks for its words."""
    asked = {
        "rule": "SELECT rule FROM v_alerts",
        "unit": "SELECT observed_unit FROM v_alerts UNION SELECT threshold_unit FROM v_alerts"
        " UNION SELECT unit FROM v_indicators UNION SELECT unit FROM v_plan_targets"
        " UNION SELECT capacity_unit FROM v_assets UNION SELECT limit_unit FROM v_assets",
        "indicator": "SELECT id FROM v_indicators UNION SELECT id FROM v_plan_targets",
        "asset_kind": "SELECT kind FROM v_assets",
        "street": "SELECT street FROM v_emergency_readings",
        "call_type": "SELECT call_type FROM v_emergency_readings",
        "priority": "SELECT priority FROM v_emergency_readings",
        "step": "SELECT step FROM v_emergency_readings",
        "unit_state": "SELECT unit_state FROM v_emergency_readings",
        "connector_state": "SELECT status FROM v_ev_readings",
        "error_code": "SELECT error_code FROM v_ev_readings",
        "dead_letter_reason": "SELECT reason FROM v_dead_letters",
        "quality_code": "SELECT unnest(quality_codes) FROM v_parking_readings",
    }
    for connection, (kind, codes) in product((apache, community), asked.items()):
        rows = await connection.fetch(
            f"SELECT DISTINCT c.code FROM ({codes}) AS c (code)"
            " WHERE code IS NOT NULL AND NOT EXISTS (SELECT FROM v_words AS w WHERE w.kind = $1 AND w.code = c.code)",
            kind,
        )
        assert [row["code"] for row in rows] == [], kind


async def test_places_subjects_and_documents_are_named_in_both_languages(apache: asyncpg.Connection) -> None:
    calls = {row["incident_id"] for row in await apache.fetch(CALLS)}
    for view, names in {
        "v_alert_places": ("place", "asset_name", "rule", "observed_unit", "threshold_unit"),
        "v_target_states": ("name", "unit", "subject"),
        "v_plan_targets": ("name", "unit"),
        "v_assets": ("name",),
    }.items():
        rows = await apache.fetch(f"SELECT * FROM {view}" + (" WHERE kind <> 'cell'" if view == "v_assets" else ""))
        assert rows, view
        for row in rows:
            for language in ("zh", "en"):
                for name in names:
                    text = row[f"{name}_{language}"]
                    assert text is None or foreign(without(text, calls), language) is None, f"{view}.{name}: {text}"
    documents = await apache.fetch("SELECT name, name_zh FROM v_plan_versions")
    assert len(documents) >= 7
    assert all(HAN.search(row["name_zh"]) and not HAN.search(row["name"]) for row in documents)
    (call, *_) = await apache.fetch("SELECT * FROM v_alert_places WHERE rule = 'emergency.not_dispatched'")
    street, number = call["place"].split(" ", 1)
    assert call["place_zh"] == f"{street} {number}"
    assert call["place_en"].endswith(f" Street {number}")


async def test_words_follow_the_catalogue(stack: Stack) -> None:
    """A word that was changed is mended, one that is in no catalogue goes, at the next migration."""
    async with fresh_database(stack, "words") as address, as_owner(address) as owner:
        defaults = MigrationSettings.model_fields
        storage = load_storage(defaults["storage_file"].default)
        await bring_up_to_date(owner, storage, MigrationSettings.model_construct())
        assets = district_assets(defaults["district_file"].default)
        documents = plan_rows(defaults["plan_folder"].default)
        await write_registers(owner, assets, documents)
        before = await owner.fetch("SELECT * FROM words ORDER BY kind, code")
        assert {tuple(row) for row in before} == set(word_rows(assets, documents))
        await owner.execute("UPDATE words SET text_en = 'wrong' WHERE kind = 'feed' AND code = 'water'")
        await owner.execute("INSERT INTO words VALUES ('feed', 'noise', '噪声', 'noise')")
        await owner.execute("DELETE FROM words WHERE kind = 'unit'")
        await write_registers(owner, assets, documents)
        assert await owner.fetch("SELECT * FROM words ORDER BY kind, code") == before
