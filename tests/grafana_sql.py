"""Grafana's macros and variables, expanded as its PostgreSQL data source (version 12) does it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

MACRO = re.compile(r"\$__([a-zA-Z]+)\(([^)]*)\)")
"""A macro ends at the first parenthesis that closes."""
VARIABLE = re.compile(r"\$\{([a-zA-Z_]+)(?::([a-z]+))?\}")
STEPS_S = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


class Unknown(Exception):
    """A macro or variable that does not exist."""


@dataclass(frozen=True)
class Span:
    """A time range and the interval that a panel gets in it."""

    since: datetime
    until: datetime
    interval_s: int = 60

    @classmethod
    def last(cls, length: timedelta, until: datetime, *, points: int = 500, least_s: int = 60) -> Span:
        """Grafana's own choice of the interval for so many points."""
        wanted = length.total_seconds() / points
        step = next((s for s in STEPS_S if s * 1.4 >= wanted), STEPS_S[-1])
        return cls(until - length, until, max(step, least_s))

    def text(self, at: datetime) -> str:
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class Query:
    """One query of a board."""

    board: str
    panel: str
    kind: str
    sql: str
    table: bool
    named: tuple[str, ...] = ()
    """Columns that overrides name."""
    interval_s: int = 60
    points: int = 500
    ref: str = "A"
    """Which of the panel's queries."""

    @property
    def name(self) -> str:
        """Board without its language, panel, and which query after the first."""
        return f"{self.board.removesuffix('-en')}/{self.panel}" + (f"/{self.ref}" if self.ref != "A" else "")


def queries(board: Mapping[str, Any]) -> Iterator[Query]:
    """Every query of a board's panels."""
    for panel in board["panels"]:
        names = tuple(
            override["matcher"]["options"]
            for override in panel.get("fieldConfig", {}).get("overrides", [])
            if override["matcher"]["id"] == "byName"
        )
        for target in panel.get("targets", []):
            yield Query(
                board["uid"],
                panel["title"],
                panel["type"],
                target["rawSql"],
                target["format"] == "table",
                names,
                seconds(panel.get("interval") or "1m"),
                int(panel.get("maxDataPoints") or 500),
                target["refId"],
            )


def seconds(text: str) -> int:
    """Seconds of an interval such as `5m`."""
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}[text[-1]]


def expand(sql: str, span: Span, variables: Mapping[str, Sequence[str]]) -> str:
    """SQL as the data source sends it.

    Args:
        variables: Chosen values of each variable of the board.

    Raises:
        Unknown: a macro or a variable does not exist.
    """
    interval = _interval(span.interval_s)
    sql = sql.replace("$__interval_ms", str(span.interval_s * 1000))
    sql = re.sub(r"\$__interval(?![_a-zA-Z])", interval, sql)
    sql = VARIABLE.sub(lambda found: _variable(found, variables), sql)
    sql = MACRO.sub(lambda found: _macro(found, span), sql)
    if "$_" in sql or "${" in sql:
        raise Unknown(sql[sql.index("$") :][:60])
    return sql


def _interval(length: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if length % size == 0:
            return f"{length // size}{unit}"
    return f"{length}s"


def _variable(found: re.Match[str], variables: Mapping[str, Sequence[str]]) -> str:
    name, style = found[1], found[2]
    if name not in variables:
        raise Unknown(f"${{{name}}}")
    values = variables[name]
    if style == "sqlstring":
        return ",".join("'" + value.replace("'", "''") + "'" for value in values)
    return ",".join(values)


def _macro(found: re.Match[str], span: Span) -> str:
    name, arguments = found[1], [each.strip(" ") for each in found[2].split(",")]
    since, until = f"'{span.text(span.since)}'", f"'{span.text(span.until)}'"
    match name, arguments:
        case "timeFilter", [column]:
            return f"{column} BETWEEN {since} AND {until}"
        case "timeFrom", _:
            return since
        case "timeTo", _:
            return until
        case "timeGroup", [column, interval]:
            return f"time_bucket('{seconds(interval.strip(chr(39)))}.000s',{column})"
        case _:
            raise Unknown(found[0])


def shape_faults(query: Query, columns: Mapping[str, str]) -> list[str]:
    """What keeps a panel from showing the answer: columns it needs and does not get.

    Args:
        columns: PostgreSQL's type by name, in order.
    """
    faults = [f"no column {name!r}, which an override names" for name in _columns_named(query) if name not in columns]
    kinds = set(columns.values())
    numbers = {"int2", "int4", "int8", "float4", "float8", "numeric"}
    if query.kind in {"timeseries", "state-timeline"} and columns.get("time") != "timestamptz":
        faults.append("no column time with a time zone")
    if query.kind in {"timeseries", "bargauge", "barchart", "piechart"} and not kinds & numbers:
        faults.append("no number")
    if query.kind == "geomap":
        faults += [f"no number {name}" for name in ("longitude", "latitude") if columns.get(name) != "float8"]
    if query.kind in {"bargauge", "barchart", "piechart"} and not kinds & {"text", "varchar"}:
        faults.append("no text that names the parts")
    return faults


def _columns_named(query: Query) -> tuple[str, ...]:
    """Overrides that name columns: lines and slices are named by values; of a map only the first query is dressed."""
    is_columns = query.kind in {"table", "barchart", "stat"} or (query.kind == "geomap" and query.ref == "A")
    return query.named if is_columns else ()
