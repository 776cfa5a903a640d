"""Queries of panels, variables and annotations against the PostgreSQL data source. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.cog import variants as cogvariants
from grafana_foundation_sdk.models.common import DataSourceRef

from services.dashboards.words import Language, Words

DATASOURCE_UID: Final = "jianghan-timescaledb"
DATASOURCE_TYPE: Final = "grafana-postgresql-datasource"
DATASOURCE: Final = DataSourceRef(type_val=DATASOURCE_TYPE, uid=DATASOURCE_UID)

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
POINTS: Final = 500
"""Points a line may have: with them a month is asked by the hour and a quarter by the day."""

LIVE_LANE: Final = "lane = ${lane:sqlstring}"
"""Life, an exercise or a replay: they are never mixed."""


COMPLETE: Final = 0.75
"""A day with less of its data says nothing of itself (`completeness_min` of the policies)."""
BEGINS: Final = "greatest(period_start, $__timeFrom()::timestamptz)"
"""Where a period that reaches into the range begins within it."""


NOW_OF_LANE: Final = (
    "CASE WHEN ${{lane:sqlstring}} = 'live' THEN now()"
    " ELSE (SELECT max(observed_at) FROM {view} WHERE lane = ${{lane:sqlstring}}) END"
)
"""The moment at which a lane is: a replay of last year is not silent."""
BEFORE: Final = (
    (Words("今日", "now"), "0 days"),
    (Words("昨日", "a day before"), "1 day"),
    (Words("上周", "a week before"), "7 days"),
)


def compared(language: Language, query: Callable[[str, str], str], bucket: str = "r.bucket") -> str:
    """The same figure over the time range, a day before and a week before, each as a line over the same axis.

    Args:
        query: Makes a query of the columns time and value from the time as it is shown and the condition on the bucket.
    """
    parts = []
    for words, shift in BEFORE:
        when = (
            f"{bucket} >= $__timeFrom()::timestamptz - INTERVAL '{shift}'"
            f" AND {bucket} < $__timeTo()::timestamptz - INTERVAL '{shift}'"
        )
        one = query(f"{bucket} + INTERVAL '{shift}'", when).strip()
        parts.append(f"SELECT time, '{words.of(language)}' AS metric, value FROM ({one}) AS c")
    return "\nUNION ALL\n".join(parts) + "\nORDER BY 1"


def overlaps(longest: str) -> str:
    """Condition for periods of at most this length that reach into the range; chunks before it are left out.

    Args:
        longest: As SQL writes an interval, such as `1 day`.
    """
    return (
        "period_end > $__timeFrom()::timestamptz AND period_start < $__timeTo()::timestamptz"
        f" AND period_start > $__timeFrom()::timestamptz - INTERVAL '{longest}'"
    )


class SqlQuery(cogvariants.Dataquery):
    """One query as the PostgreSQL data source of Grafana keeps it."""

    def __init__(self, sql: str, *, table: bool, ref_id: str = "A") -> None:
        self.sql = sql
        self.table = table
        self.ref_id = ref_id
        self.hide = False

    def to_json(self) -> dict[str, object]:
        """The query as JSON."""
        return {
            "refId": self.ref_id,
            "datasource": DATASOURCE,
            "editorMode": "code",
            "format": "table" if self.table else "time_series",
            "rawQuery": True,
            "rawSql": self.sql,
        }


class Sql(cogbuilder.Builder[cogvariants.Dataquery]):
    """Builder of a query.

    Args:
        sql: With Grafana's macros and variables; a macro's arguments hold no parentheses.
        table: Rows as they are; otherwise long rows (time, text, value) become one line a text.
    """

    def __init__(self, sql: str, *, table: bool = True, ref_id: str = "A") -> None:
        self._query = SqlQuery(sql.strip(), table=table, ref_id=ref_id)

    def build(self) -> cogvariants.Dataquery:
        """The query."""
        return self._query


def by_level(feed: str, query: Callable[[str, str, str], str]) -> str:
    """A query against the rollup that suits the panel's interval: minutes, hours or days.

    The conditions on the interval are constants to the database: it plans one of the three and drops the others.

    Args:
        query: Makes the query of view, time bucket and condition.
    """
    levels = (
        ("minutes", "$__timeGroup(bucket,$__interval)", f"$__interval_ms < {HOUR_MS}"),
        ("hours", "$__timeGroup(bucket,$__interval)", f"$__interval_ms >= {HOUR_MS} AND $__interval_ms < {DAY_MS}"),
        ("days", "bucket", f"$__interval_ms >= {DAY_MS}"),
    )
    parts = (
        query(f"v_{feed}_{level}", bucket, f"{when} AND $__timeFilter(bucket) AND {LIVE_LANE}")
        for level, bucket, when in levels
    )
    return "\nUNION ALL\n".join(part.strip() for part in parts) + "\nORDER BY 1"


def as_json(value: Any) -> Any:
    """What the SDK's encoder would write, as plain data."""
    if hasattr(value, "to_json"):
        return as_json(value.to_json())
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    return value
