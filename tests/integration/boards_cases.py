"""Small cases of panels: a panel's own query is asked of rows made by hand instead of a view of the same name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from tests.grafana_sql import Span, expand, queries, seconds
from tests.integration.boards_day import board_of

Rows = Sequence[Mapping[str, Any]]
VARIABLES = {
    "lane": ["live"],
    "street": ["民族街"],
    "building": ["b-1", "b-2"],
    "feed": ["ev", "water", "tax"],
    "zone": ["z-1", "z-2"],
    "site": ["s-1", "s-2"],
    "lot": ["p-1", "p-2", "p-3"],
    "lake": ["lake-1", "lake-2"],
    "by": ["lake"],
}
"""What is chosen on the board."""


async def asked(
    connection: asyncpg.Connection,
    board: str,
    title: str,
    variables: Mapping[str, list[str]] | None = None,
    ref: str = "A",
    **views: Rows,
) -> list[asyncpg.Record]:
    """Rows of a query of a panel of an English board when views hold these rows only."""
    made = board_of(board)
    length = timedelta(seconds=seconds(made["time"]["from"].removeprefix("now-")))
    query = next(each for each in queries(made) if each.panel == title and each.ref == ref)
    span = Span.last(length, datetime.now(UTC), points=query.points, least_s=query.interval_s)
    sql = expand(query.sql, span, VARIABLES | (variables or {}))
    shadows = ", ".join(f"{view} AS MATERIALIZED ({rows_of(view, rows)})" for view, rows in views.items())
    sql = re.sub(r"^WITH ", f"WITH {shadows}, ", sql) if sql.startswith("WITH ") else f"WITH {shadows} {sql}"
    found: list[asyncpg.Record] = await connection.fetch(sql)
    return found


def rows_of(view: str, rows: Rows) -> str:
    """SQL of rows of a view."""
    literal = json.dumps(list(rows), default=str).replace("'", "''")
    return f"SELECT * FROM jsonb_populate_recordset(NULL::{view}, '{literal}'::jsonb)"


async def value_of(connection: asyncpg.Connection, board: str, title: str, **views: Rows) -> Any:
    ((value,),) = await asked(connection, board, title, None, "A", **views)
    return value


def figure(indicator: str, begin: datetime, end: datetime, value: float | None, **more: Any) -> dict[str, Any]:
    status = more.pop("status", "met")
    given = {
        "id": indicator,
        "lane": "live",
        "period_start": begin,
        "period_end": end,
        "value": value,
        "status": status,
    }
    return {"sample_seq": -1, "completeness": 1.0, "details": {}} | given | more
