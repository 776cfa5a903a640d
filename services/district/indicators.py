"""`district indicators`: the figures of periods, as now known or as reported on a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from schemas.fields import LIVE, Feed
from services.district.query import as_json as json_text
from services.district.query import ask
from services.district.words import DISTRICT_ZONE, UNKNOWN, day_and_time, printable, quantity

_NOW: Final = "v_indicators"
_AS_OF: Final = """(
    SELECT DISTINCT ON (lane, id, subject, period_start, period_end) *, '' AS sample_device_id
    FROM v_indicator_history
    WHERE known_at <= $6::timestamptz
    ORDER BY lane, id, subject, period_start, period_end, revision DESC
) AS reported"""
_SELECT: Final = """
SELECT id, subject, subject_name, lane, feed, period_start, period_end, value, unit, status, status_reason, n,
    completeness, revision, threshold,
    threshold -> 'source' ->> 'id' AS source_id, threshold -> 'source' ->> 'version' AS source_version
FROM {source}
WHERE lane = $1 AND ($2::text IS NULL OR feed = $2) AND ($3::text IS NULL OR id = $3)
    AND sample_device_id = ''
    AND CASE $4::text
        WHEN 'day' THEN period_end = period_start + INTERVAL '1 day'
        WHEN 'month' THEN period_end - period_start BETWEEN INTERVAL '28 days' AND INTERVAL '31 days'
        WHEN 'year' THEN period_end - period_start BETWEEN INTERVAL '365 days' AND INTERVAL '366 days'
        ELSE TRUE
    END
ORDER BY period_start DESC, id, subject, period_end
LIMIT $5
"""


class Period(StrEnum):
    """Length of the period."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


def indicators(
    *,
    lane: Annotated[str, typer.Option(help="The lane.")] = LIVE,
    feed: Annotated[Feed | None, typer.Option(help="Only this feed's.")] = None,
    indicator: Annotated[str | None, typer.Option("--id", help="Only this indicator.")] = None,
    period: Annotated[Period | None, typer.Option(help="Only figures of a day, a month or a year.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="As reported by the end of this local day."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """List figures, newest period first, with the target they answer for; as now known unless a day is given."""
    wanted = (lane, feed and feed.value, indicator, period and period.value, limit)
    if as_of is None:
        rows = ask(_SELECT.replace("{source}", _NOW), *wanted)
    else:
        rows = ask(_SELECT.replace("{source}", _AS_OF), *wanted, _reported_by(as_of))
    if as_json:
        typer.echo(json_text(rows))
    elif rows:
        Console().print(indicator_table(rows))
    else:
        typer.echo("no such figures")


def indicator_table(rows: list[dict[str, Any]]) -> Table:
    """Figures as a table for people; periods begin in local time."""
    table = Table(header_style="bold cyan")
    for name in ("Indicator", "Subject", "From", "To", "Value", "Target", "Status", "n", "Compl.", "Plan"):
        table.add_column(name, overflow="fold")
    for row in rows:
        bound = row["threshold"]
        target = UNKNOWN if bound is None else f"{bound['comparator']} {bound['value']:g}"
        version = UNKNOWN if bound is None else f"{row['source_id']} {row['source_version']}"
        times = [_day(row[name]) for name in ("period_start", "period_end")]
        figure = quantity(row["value"], row["unit"])
        cells = (row["id"], row["subject_name"] or row["subject"], *times, figure, target, row["status"])
        table.add_row(*map(printable, (*cells, str(row["n"]), f"{row['completeness']:.0%}", version)))
    return table


def _reported_by(as_of: datetime) -> datetime:
    """The end of the local day, or the local minute, that was asked for."""
    whole_day = (as_of.hour, as_of.minute) == (0, 0)
    return as_of.replace(tzinfo=DISTRICT_ZONE) + (timedelta(days=1) if whole_day else timedelta(0))


def _day(at: Any) -> str:
    local = at.astimezone(DISTRICT_ZONE)
    return f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else day_and_time(at)
