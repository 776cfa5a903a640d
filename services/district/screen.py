"""The operator's table: fits the width and height it is given. Pure: snapshot in, renderable out.

Every row is one line high and cut with an ellipsis where it does not fit, so the height is known before rendering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from schemas.fields import LIVE, Feed
from services.dashboards.words import Language
from services.district.figures import FeedFigures, ProcessFigures, ProcessState, Snapshot
from services.district.lag import shown
from services.district.terminal import cell, one_line
from services.district.words import (
    alerts_heading,
    clock,
    count,
    day_and_time,
    elapsed,
    limit,
    rate,
    span,
    standing,
    total,
    trouble_lines,
)
from services.runtime.printable import printable

STALE: Final = timedelta(seconds=6)
"""Older figures say so: a server takes long to answer."""
TALL: Final = 32
"""From this height on there is room for empty lines, and for more reasons of dead letters."""
MOST_REASONS: Final = 8
MOST_REASONS_LOW: Final = 3
MOST_EVENTS: Final = 4
MOST_EVENTS_LOW: Final = 2
HEADING: Final = "bold cyan"
SEVERITY_STYLES: Final[Mapping[str, str]] = {
    "I": "bold red",
    "II": "bold dark_orange",
    "III": "bold yellow",
    "IV": "bold dodger_blue1",
}
STATE_STYLES: Final[Mapping[ProcessState, str]] = {
    ProcessState.RUNNING: "green",
    ProcessState.STARTING: "yellow",
    ProcessState.STOPPING: "yellow",
    ProcessState.DEGRADED: "bold yellow",
    ProcessState.RESTARTING: "bold red",
    ProcessState.SILENT: "bold red",
    ProcessState.DOWN: "bold red",
}


CITY_BRAIN: Final = "citybrain"
"""The process beside whose name stands what it has received."""
_WELL: Final = ProcessFigures(ProcessState.RUNNING)


@dataclass(frozen=True, slots=True)
class View:
    """What the table shows beside the snapshot, and the room it has."""

    rates: Mapping[Feed, float | None]
    now: datetime
    width: int
    height: int | None
    """None: as high as it takes."""
    uptime: timedelta | None = None
    events: Sequence[str] = ()
    """What happened, oldest first."""
    hint: str = ""
    """How to leave."""
    language: Language = Language.EN
    """Of the alerts' sentences."""


def screen(snapshot: Snapshot, view: View) -> RenderableType:
    """The whole table."""
    tall = view.height is None or view.height >= TALL
    gap = [Text("")] if tall else []
    troubles = [
        Text(f"! {line}", style="bold red", no_wrap=True, overflow="ellipsis") for line in trouble_lines(snapshot)
    ]
    upper: list[tuple[RenderableType, int]] = [
        (_header(snapshot, view), 1),
        _processes(snapshot),
        _feeds(snapshot, view.rates),
        _lag_and_dead_letters(snapshot, MOST_REASONS if tall else MOST_REASONS_LOW),
    ]
    used = sum(lines for _, lines in upper) + (5 if tall else 0)
    events = list(view.events)
    if view.height is not None:
        # Alerts are what the operator is here for: at least their heading and two lines are kept for them.
        room = max(0, view.height - used - 3)
        troubles = troubles[:room][:3]
        events = events[
            len(events) - min(MOST_EVENTS if tall else MOST_EVENTS_LOW, room - len(troubles), len(events)) :
        ]
    below = len(troubles) + len(events)
    alerts = _alerts(snapshot, view, None if view.height is None else max(1, view.height - used - below - 1))
    parts: list[RenderableType] = []
    for part, _ in upper:
        parts += [part, *gap]
    parts += [alerts, *(gap if below else []), *troubles, *(_event(line) for line in events)]
    return Group(*parts)


def _event(line: str) -> Text:
    return Text(printable(line), style="dim", no_wrap=True, overflow="ellipsis")


def _header(snapshot: Snapshot, view: View) -> RenderableType:
    words = [f"{day_and_time(view.now)[:10]} {clock(view.now)} +08:00"]
    if view.uptime is not None:
        words.append(f"up {span(view.uptime)}")
    if view.hint:
        words.append(view.hint)
    text = Text(" · ".join(words), style="dim")
    age = view.now - snapshot.at
    if age >= STALE:
        text = Text.assemble((f"figures {int(age.total_seconds())} s old", "bold yellow"), " · ", text)
    table = one_line(("left", 1), ("right", 0))
    table.add_row(Text("Jianghan district", style="bold"), text)
    return table


def _processes(snapshot: Snapshot) -> tuple[RenderableType, int]:
    table = one_line(("left", 1), ("left", 1))
    table.add_row(Text("Servers", style=HEADING), Text("Services", style=HEADING))
    pairs = list(zip_longest(snapshot.servers.items(), _folded(snapshot.services).items()))
    more = {} if snapshot.citybrain is None else {CITY_BRAIN: f"{count(snapshot.citybrain)} events received"}
    for pair in pairs:
        table.add_row(*(_cell(each, more) for each in pair))
    return table, len(pairs) + 1


def _folded(services: Mapping[str, ProcessFigures]) -> dict[str, ProcessFigures]:
    """The services, all processors that run and were never restarted in one line: there are many, and all is well."""
    well = [name for name, each in services.items() if name.startswith("processor-") and each == _WELL]
    if len(well) < 2:
        return dict(services)
    rest = {name: each for name, each in services.items() if name not in well}
    return {**rest, f"{len(well)} processors": _WELL}


def _cell(item: tuple[str, ProcessFigures] | None, more: Mapping[str, str]) -> Text:
    if item is None:
        return Text("")
    name, process = item
    return _process(name, process, more.get(name, ""))


def _process(name: str, process: ProcessFigures, more: str) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("● ", style=STATE_STYLES[process.state])
    text.append(printable(f"{name:<18}"))
    text.append(f"{process.state:<11}", style=STATE_STYLES[process.state])
    # Loopback goes without saying on one machine; the port does not.
    text.append(printable(process.endpoint.removeprefix("127.0.0.1") or more), style="dim")
    if process.restarts:
        text.append(f" {process.restarts}×", style="yellow")
    return text


def _feeds(snapshot: Snapshot, rates: Mapping[Feed, float | None]) -> tuple[RenderableType, int]:
    # The shares are the widths at 80 columns, where counts up to 999,999,999 fit.
    heads = {"Feed": 9, "devices": 8, "readings/s": 10, "received": 12, "stored": 12, "repeats": 10, "dead letters": 12}
    table = one_line(*(("left" if head == "Feed" else "right", width) for head, width in heads.items()), gap=1)
    table.add_row(*(Text(head, style=HEADING) for head in heads))
    for feed, each in snapshot.feeds.items():
        table.add_row(cell(feed.value), *_feed_cells([each], [rates[feed]]))
    figures = list(snapshot.feeds.values())
    table.add_row("all", *_feed_cells(figures, list(rates.values())), style="bold")
    return table, len(figures) + 2


def _feed_cells(figures: Sequence[FeedFigures], rates: Sequence[float | None]) -> list[str]:
    """The figures of one feed, or of several added up."""
    return [
        count(total([each.devices for each in figures])),
        rate(total(rates)),
        count(total([each.received for each in figures])),
        count(total([each.stored for each in figures])),
        count(total([each.duplicates for each in figures])),
        count(total([each.dead_lettered for each in figures])),
    ]


def _lag_and_dead_letters(snapshot: Snapshot, most_reasons: int) -> tuple[RenderableType, int]:
    lag = [(group, count(behind)) for group, behind in shown(snapshot.lag).items()]
    letters = _reasons(snapshot.dead_letters, most_reasons)
    table = one_line(("left", 3), ("right", 2), ("left", 4), ("right", 2))
    table.add_row(
        Text("Kafka lag", style=HEADING),
        Text("records", style=HEADING),
        Text("Dead letters by reason", style=HEADING),
        Text("", style=HEADING),
    )
    pairs = list(zip_longest(lag, letters, fillvalue=("", "")))
    for left, right in pairs:
        table.add_row(*map(cell, (*left, *right)))
    return table, len(pairs) + 1


def _reasons(dead_letters: Mapping[str, int] | None, most: int) -> list[tuple[str, str]]:
    if dead_letters is None:
        return [("unknown", count(None))]
    if not dead_letters:
        return [("none", "")]
    named = [(reason, count(number)) for reason, number in dead_letters.items()]
    if len(named) <= most:
        return named
    rest = list(dead_letters.values())[most - 1 :]
    return [*named[: most - 1], (f"{len(rest)} more reasons", count(sum(rest)))]


def _alerts(snapshot: Snapshot, view: View, lines: int | None) -> RenderableType:
    """The open alerts, one a line, in at most so many lines below their heading; `district explain` has the rest."""
    alerts = snapshot.open_alerts or ()
    in_all = sum((snapshot.open_alerts_by_lane or {}).values())
    shown = alerts if lines is None else alerts[: lines if in_all <= lines else lines - 1]
    heading = Text(alerts_heading(snapshot.open_alerts_by_lane), style=HEADING)
    table = one_line(("left", 0), ("left", 1), ("left", 0), ("left", 0), ("right", 0))
    for alert in shown:
        style = SEVERITY_STYLES.get(alert.severity, "bold") + ("" if alert.lane == LIVE else " dim")
        table.add_row(
            Text(printable(alert.severity), style=style),
            Text(standing(alert, view.language), style=style),
            Text(f"limit {limit(alert)}"),
            Text(f"since {day_and_time(alert.started_at)[5:]}", style="dim"),
            Text(elapsed(alert.started_at, view.now), style="dim"),
        )
    rest = [Text(f"… and {count(in_all - len(shown))} more: `district alerts --open`")] if in_all > len(shown) else []
    return Group(heading, *([table] if shown else []), *rest)
