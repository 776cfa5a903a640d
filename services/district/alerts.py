"""`district alerts`: what is stored of alerts, newest first."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from schemas.fields import Feed
from services.district.query import as_json as json_text
from services.district.query import ask
from services.district.words import day_and_time, printable, quantity

ALERTS: Final = """
SELECT a.*, coalesce(e.data -> 'suppression', 'null') <> 'null' AS suppressed
FROM v_alerts AS a
LEFT JOIN v_alert_events AS e ON e.alert_id = a.alert_id AND e.revision = a.revision
WHERE ($1::text IS NULL OR a.lane = $1) AND ($2::text IS NULL OR a.feed = $2)
    AND (NOT $3::boolean OR (a.ended_at IS NULL AND a.event <> 'retracted' AND a.superseded_by IS NULL))
ORDER BY a.started_at DESC, a.alert_id
LIMIT $4
"""
SHORT_ID: Final = 8


def alerts(
    *,
    lane: Annotated[str | None, typer.Option(help="Only this lane's.")] = None,
    feed: Annotated[Feed | None, typer.Option(help="Only this feed's.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only alerts that are open.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """List alerts, newest first; one that is recorded and not passed on is marked."""
    rows = ask(ALERTS, lane, None if feed is None else feed.value, only_open, limit)
    if as_json:
        typer.echo(json_text(rows))
    elif rows:
        Console().print(alert_table(rows))
    else:
        typer.echo("no such alerts")


def alert_table(rows: list[dict[str, Any]]) -> Table:
    """Alerts as a table for people; local time."""
    table = Table(header_style="bold cyan")
    for name in ("Alert", "Lv", "State", "Rule", "Place", "Began", "Worst", "Limit"):
        table.add_column(name, overflow="fold")
    for row in rows:
        state = row["event"] + (" (suppressed)" if row["suppressed"] else "")
        bound = f"{row['threshold_comparator']} {quantity(row['threshold_value'], row['threshold_unit'])}"
        cells = (row["alert_id"][:SHORT_ID], row["severity"], state, row["rule"], row["place"])
        worst = quantity(row["observed_value"], row["observed_unit"])
        table.add_row(*map(printable, (*cells, day_and_time(row["started_at"]), worst, bound)))
    return table
