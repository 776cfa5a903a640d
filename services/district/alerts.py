"""`district alerts`: what is stored of alerts, newest first."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Final

import typer
from rich.table import Table

from schemas.fields import Feed
from services.district.query import LIMIT_HELP, listed, say_cut
from services.district.terminal import add_row, say, say_json, show, table
from services.district.words import day_and_time, quantity
from services.read_model.alerts import UNENDED, AlertFilter, AlertRow
from services.read_model.alerts import alerts as find
from services.read_model.typed import as_dict

_ALL: Final = tuple(field.name for field in fields(AlertRow))
SHOWN: Final = _ALL[: _ALL.index("asset_kind")]
"""What the processors said; people's part of it is on the map."""
SHORT_ID: Final = 8


def alerts(
    *,
    lane: Annotated[str | None, typer.Option(help="Only this lane's.")] = None,
    feed: Annotated[Feed | None, typer.Option(help="Only this feed's.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only alerts that are open.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help=LIMIT_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """List alerts, newest first; one that is recorded and not passed on is marked."""
    which = AlertFilter(lane=lane, standing=UNENDED if only_open else (), feeds=() if feed is None else (feed,))
    found = listed(
        lambda asked, size, cursor: find(asked, which, limit=size, cursor=cursor), limit=limit, as_json=as_json
    )
    if as_json:
        say_json([as_dict(row, *SHOWN) for row in found.rows])
    elif found.rows:
        show(None, alert_table(found.rows))
        say_cut(found)
    else:
        say("no such alerts")


def alert_table(rows: list[AlertRow]) -> Table:
    """Alerts as a table for people; local time."""
    made = table("Alert", "Lv", "State", "Rule", "Place", "Began", "Worst", "Limit")
    for row in rows:
        state = row.event + (" (suppressed)" if row.suppressed else "")
        bound = f"{row.threshold_comparator} {quantity(row.threshold_value, row.threshold_unit)}"
        cells = (row.alert_id[:SHORT_ID], row.severity, state, row.rule, row.place)
        worst = quantity(row.observed_value, row.observed_unit)
        add_row(made, (*cells, day_and_time(row.started_at), worst, bound))
    return made
