"""`district indicators`: the figures of periods, as now known or as reported on a day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.table import Table

from schemas.fields import DISTRICT_ZONE, LIVE, Feed
from services.district.query import LIMIT_HELP, listed, say_cut
from services.district.terminal import add_row, say, say_json, show, table
from services.district.words import UNKNOWN, day_and_time, quantity
from services.read_model.indicators import IndicatorFilter, IndicatorRow, PeriodLength
from services.read_model.indicators import indicators as find
from services.read_model.typed import as_dict

_SHOWN: Final = (
    "id",
    "subject",
    "subject_name",
    "lane",
    "feed",
    "period_start",
    "period_end",
    "value",
    "unit",
    "status",
    "status_reason",
    "n",
    "completeness",
    "revision",
    "threshold",
    "source_id",
    "source_version",
)


def indicators(
    *,
    lane: Annotated[str, typer.Option(help="The lane.")] = LIVE,
    feed: Annotated[Feed | None, typer.Option(help="Only this feed's.")] = None,
    indicator: Annotated[str | None, typer.Option("--id", help="Only this indicator.")] = None,
    period: Annotated[PeriodLength | None, typer.Option(help="Only figures of a day, a month or a year.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="As reported by the end of this local day."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=LIMIT_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """List figures, newest period first, with the target they answer for; as now known unless a day is given."""
    which = IndicatorFilter(lane=lane, feed=feed, id=indicator, length=period)
    moment = None if as_of is None else _reported_by(as_of)
    found = listed(
        lambda asked, size, cursor: find(asked, which, as_of=moment, limit=size, cursor=cursor),
        limit=limit,
        as_json=as_json,
    )
    if as_json:
        say_json([as_dict(row, *_SHOWN) for row in found.rows])
    elif found.rows:
        show(None, indicator_table(found.rows))
        say_cut(found)
    else:
        say("no such figures")


def indicator_table(rows: list[IndicatorRow]) -> Table:
    """Figures as a table for people; periods begin in local time."""
    made = table("Indicator", "Subject", "From", "To", "Value", "Target", "Status", "n", "Compl.", "Plan")
    for row in rows:
        bound = row.threshold
        target = UNKNOWN if bound is None else f"{bound['comparator']} {bound['value']:g}"
        version = UNKNOWN if bound is None else f"{row.source_id} {row.source_version}"
        figure = quantity(row.value, row.unit)
        times = _day(row.period_start), _day(row.period_end)
        cells = (row.id, row.subject_name or row.subject, *times, figure, target, row.status)
        add_row(made, (*cells, row.n, f"{row.completeness:.0%}", version))
    return made


def _reported_by(as_of: datetime) -> datetime:
    """The end of the local day, or the local minute, that was asked for."""
    at = as_of.replace(tzinfo=DISTRICT_ZONE)
    whole_day = (as_of.hour, as_of.minute) == (0, 0) and as_of.date() != date.max
    return at + timedelta(days=1) if whole_day else at


def _day(at: datetime) -> str:
    local = at.astimezone(DISTRICT_ZONE)
    return f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else day_and_time(at)
