"""`district load`: an open loop of readings, and what they cost in time until acknowledged, stored, judged, alerted.

Exit status 0 when nothing was lost and every limit was kept, 1 when not, 5 when the generator was the bottleneck.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from schemas.fields import LIVE, Feed
from services.district.errors import NothingRuns, SettingRefused
from services.district.lane_names import full_lane
from services.district.load_cpu import saturated
from services.district.load_limit import Found, find_limit
from services.district.load_running import Result, as_data, run_load
from services.district.load_search import Search
from services.district.load_verdict import EXIT_MISSED, Limits
from services.district.query import ROWS_FOR_PEOPLE
from services.district.report_kit.file import see_folder, write_page
from services.district.settings import Access, access_from, find_access
from services.district.terminal import add_row, say, say_json, show, table
from services.district.words import UNKNOWN, count
from simulators.errors import SettingRefused as SimulatorSettingRefused
from simulators.errors import SimulatorError
from simulators.load.generator import BURST, LoadPlan
from simulators.load.latency import SHARES
from simulators.load.schedule import Shape

USUAL_LANE: Final = "exercise:load"
USUAL_WINDOW: Final = 20_000
"""Messages in flight; each connection has room for two bursts, so that none waits for another's acknowledgements."""
FIND_LIMIT: Final = "find-limit"
GREATEST: Final = 200_000.0
"""Readings a second; no generator here sends more."""
RESOLUTION: Final = 0.05
"""The limit is found to a twentieth of itself."""
_SHAPES: Final = (*(shape.value for shape in Shape), FIND_LIMIT)


def load(
    *,
    rate: Annotated[float, typer.Option(min=0.1, help="Readings a second.")],
    devices: Annotated[int, typer.Option(min=1, help="Devices that share them.")] = 300,
    duration: Annotated[float, typer.Option(min=1, help="Seconds.")] = 60.0,
    batch: Annotated[int, typer.Option(min=1, max=1_000, help="Readings in one message.")] = 1,
    connections: Annotated[int, typer.Option(min=1, help="Connections to the MQTT broker.")] = 1,
    shape: Annotated[
        str,
        typer.Option(help="steady; ramp (up to the rate); burst (10 s of it in one); find-limit (from the rate up)."),
    ] = Shape.STEADY.value,
    feeds: Annotated[str, typer.Option(help="For example water,ev.")] = ",".join(Feed),
    lane: Annotated[
        str, typer.Option(help="`live` asks what real life gets; any other lane is judged at lower priority.")
    ] = USUAL_LANE,
    alerts: Annotated[bool, typer.Option("--alerts", help="Car parks raise an alert every few readings.")] = False,
    settle: Annotated[float, typer.Option(min=0, help="Seconds to wait for the far end after the last one.")] = 60.0,
    p99_stored_ms: Annotated[float | None, typer.Option(min=0, help="Limit of the p99 to stored.")] = None,
    p99_judged_ms: Annotated[float | None, typer.Option(min=0, help="Limit of the p99 to judged.")] = None,
    p99_alert_ms: Annotated[float | None, typer.Option(min=0, help="Limit of the p99 to an alert.")] = None,
    loss: Annotated[int, typer.Option(min=0, help="Readings that may be lost.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write the report there.")] = None,
) -> None:
    """Send readings at fixed times and measure each from the time it was due.

    The lane `live` puts them among official figures and says what real life gets; any other lane is for exercises: it
    is kept out of official figures and judged at lower priority, so its latency to judged is no promise for real life.
    `--shape find-limit` doubles the rate while it is held, halves the span that is left, and holds the best for
    `--duration`: everything stored and judged, the last one within 5 s of the end (of a probe 3 s), and the limits that
    are given. Exit status 1 when readings are lost, a limit is missed or no rate is held, 5 when the generator was
    itself the bottleneck.
    """
    if shape not in _SHAPES:
        raise SettingRefused(f"--shape {shape!r}: shapes are {', '.join(_SHAPES)}.")
    see_folder(report)
    plan = LoadPlan(
        rate=rate,
        seconds=duration,
        devices=devices,
        batch=batch,
        feeds=_feeds(feeds),
        lane=LIVE if lane == LIVE else full_lane(lane),
        boot_id=f"load-{uuid.uuid4().hex[:12]}",
        receipts=False,
        troubled=alerts,
        connections=min(connections, devices),
        window=max(USUAL_WINDOW, 2 * BURST * min(connections, devices)),
        drain_seconds=90.0,
        shape=Shape.STEADY if shape == FIND_LIMIT else Shape(shape),
    )
    limits = Limits(p99_stored_ms, p99_judged_ms, p99_alert_ms, loss)
    access = _access()
    one = partial(run_load, access=access, limits=limits, settle=settle)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            search = Search(rate, GREATEST, RESOLUTION) if shape == FIND_LIMIT else None
            done: Result | Found
            done = runner.run(one(plan)) if search is None else runner.run(find_limit(plan, search, one))
    except SimulatorSettingRefused as error:
        raise SettingRefused(str(error)) from error
    except SimulatorError as error:
        say(f"load: {error}", err=True)
        raise typer.Exit(EXIT_MISSED) from error
    if isinstance(done, Found):
        _end_limit(done, report, as_json=as_json)
    else:
        _end(done, report, as_json=as_json)


def _end(result: Result, report: Path | None, *, as_json: bool) -> None:
    if as_json:
        say_json(as_data(result))
    else:
        _show(result)
    if report is not None:
        from services.district.load_page import load_page  # noqa: PLC0415 - drawing loads half a second of libraries

        _hand_in(load_page(result, processors=_processors()), report)
    if result.status:
        raise typer.Exit(result.status)


def _end_limit(found: Found, report: Path | None, *, as_json: bool) -> None:
    refused = found.first_not_held
    first = None if refused is None else saturated(refused.result.cpu, _processors())
    if as_json:
        say_json(
            {
                "rate": None if found.held is None else found.held.result.plan.rate,
                "saturated_first": first,
                "held": None if found.held is None else found.held.to_json(),
                "probes": [one.to_json() for one in found.probes],
            }
        )
    elif found.held is not None:
        _show(found.held.result)
        say(f"held: {found.held.result.plan.rate:,.0f} readings/s for {found.held.result.plan.seconds:g} s")
    else:
        say("no rate was held")
    if first is not None and refused is not None and not as_json:
        say(f"saturated first, at {refused.result.plan.rate:,.0f}/s: {first}")
    if report is not None:
        from services.district.load_page import limit_page  # noqa: PLC0415 - drawing loads half a second of libraries

        _hand_in(limit_page(found, processors=_processors()), report)
    if found.held is None:
        raise typer.Exit(EXIT_MISSED)


def _hand_in(page: str, file: Path) -> None:
    write_page(page, file)
    say(f"report: {file}", err=True)


def _processors() -> int:
    return os.cpu_count() or 1


def _feeds(text: str) -> tuple[Feed, ...]:
    try:
        return tuple(dict.fromkeys(Feed(part.strip()) for part in text.split(",")))
    except ValueError as error:
        raise SettingRefused(f"--feeds {text!r}: feeds are {', '.join(Feed)}.") from error


def _access() -> Access:
    """The district that runs here or the servers that are named; the MQTT broker alone is enough."""
    try:
        return find_access()
    except NothingRuns:
        if not os.environ.get("MQTT_URL"):
            raise
        return access_from(os.environ, None)


def _show(result: Result) -> None:
    sending, found = result.sending, result.account
    say(
        f"{count(sending['sent'])} readings of {count(result.plan.devices)} devices in {sending['seconds']:.1f} s, "
        f"lane {result.plan.lane}; generator late p99 {sending['late_p99_ms']:.1f} ms, CPU {sending['cpu_share']:.0%}"
    )
    made = table("Due time until", "Count", *(name.removesuffix("_ms") for name in SHARES), title="Milliseconds")
    for name, each in result.latency.items():
        known = each if each is not None and each.count else None
        cells = [UNKNOWN if known is None else f"{known.percentile_ms(share):.1f}" for share in SHARES.values()]
        add_row(made, (name, UNKNOWN if known is None else count(known.count), *cells))
    show(None, made)
    for name, why in result.unknown.items():
        say(f"{name}: not known; {why}")
    if found is not None:
        say(
            f"sent {count(found.sent)} = stored {count(found.stored)} + dead letters {count(found.dead_lettered)} + "
            f"lost {count(found.lost)}, looked at until {result.drained_seconds:.1f} s after the end"
        )
        for loss in found.losses[:ROWS_FOR_PEOPLE]:
            say(f"{loss.feed} {loss.device_id}: {count(loss.n)} lost: {loss.numbers}")
        if len(found.losses) > ROWS_FOR_PEOPLE:
            say(f"{count(len(found.losses) - ROWS_FOR_PEOPLE)} more devices with losses; --json names all")
    if sending["unfinished"]:
        say(f"{count(sending['unfinished'])} messages were never acknowledged")
    for line in result.missed:
        say(f"limit missed: {line}")
    if result.trouble is not None:
        say(f"the figures tell of the generator, not of the platform: {result.trouble}")
