"""Chinese boards say Chinese and English boards English: every text of every panel over a real, filled database.

What counts is what a person sees: cells, names of series, slices and points, choices of variables, headings of tables;
hidden columns do not, and a panel's value mappings translate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import pytest

from schemas.vocabulary import VOCABULARY
from tests.grafana_sql import Span, expand, seconds
from tests.integration.boards_day import chosen, loaded

HAN: Final = re.compile(r"[㐀-鿿]+")
LATIN: Final = re.compile(r"[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ'-]*")
ROMAN: Final = frozenset({"I", "II", "III", "IV", "V", "VI"})
"""Levels of warnings and classes of water, as the national texts write them."""
UNITS: Final = frozenset(found for unit in VOCABULARY["unit"].values() for found in LATIN.findall(unit.zh))
SYMBOLS: Final = frozenset({"pH", "P50", "P90", "P99", "UTC", "UTF", "JSON", "GB", "CBD", "TLI", "SOC"})
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
}
"""Columns whose cells are ids or the words of machines, with what they are."""
TEXTS: Final = frozenset({"text", "varchar", "bpchar", "name", "text[]", "_text", "json", "jsonb", "unknown"})


def foreign(text: str, language: str) -> str | None:
    """What of a text is in the other language; ids in the text are none."""
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


def faults_in(place: str, pairs: Iterable[tuple[str, str]], language: str) -> dict[str, str]:
    """One fault a column: what is foreign in it."""
    found: dict[str, str] = {}
    for column, text in pairs:
        word = foreign(text, language)
        if word is not None:
            found.setdefault(f"{place} / {column}", f"{word!r} in {text[:80]!r}")
    return found


async def language_faults(connection: asyncpg.Connection, board: dict[str, Any], language: str) -> dict[str, str]:
    """Every text of a board that is in the wrong language, over the span that it opens with and a long one."""
    found: dict[str, str] = {}
    now = datetime.now(UTC)
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
                found |= faults_in(place, pairs, language)
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
