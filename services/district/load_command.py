"""`district load`: an open loop of readings, and what they cost in time until acknowledged, stored, judged, alerted.

Exit status 0 when nothing was lost and every limit was kept, 1 when not, 5 when the generator was the bottleneck.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Self

import typer
import uvloop
from rich.status import Status

from schemas.fields import Feed
from services.district import load_far_end as far_end
from services.district.errors import NothingRuns, SettingRefused
from services.district.lane_names import full_lane
from services.district.load_verdict import Account, Limits, Sent, exit_status, generator_trouble, missed
from services.district.query import ROWS_FOR_PEOPLE
from services.district.settings import Access, access_from, find_access
from services.district.terminal import add_row, console, say, say_json, show, table
from services.district.words import UNKNOWN, count
from simulators.endpoint import parse_endpoint
from simulators.errors import SettingRefused as SimulatorSettingRefused
from simulators.errors import SimulatorError
from simulators.load.generator import BURST, LoadPlan, LoadRun, Progress
from simulators.load.latency import SHARES, Latency

USUAL_LANE: Final = "exercise:load"
LIVE: Final = "live"
USUAL_WINDOW: Final = 20_000
"""Messages in flight; each connection has room for two bursts, so that none waits for another's acknowledgements."""
LINE_SECONDS: Final = 5.0
MARGIN: Final = timedelta(minutes=1)
NO_DATABASE: Final = "no database is named: set DATABASE_READER_URL"
NO_KAFKA: Final = "no Kafka is named: set KAFKA_BOOTSTRAP"
NO_WATER: Final = "only indicators of water name their reading, and none was judged"
NO_ALERT: Final = "no alert was raised; --alerts makes car parks raise some"


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of a run."""

    plan: LoadPlan
    sending: dict[str, Any]
    latency: dict[str, Latency | None]
    unknown: dict[str, str]
    """Why a latency is not known."""
    account: Account | None
    drained_seconds: float | None
    trouble: str | None
    missed: list[str]
    status: int


def load(
    *,
    rate: Annotated[float, typer.Option(min=0.1, help="Readings a second.")],
    devices: Annotated[int, typer.Option(min=1, help="Devices that share them.")] = 300,
    duration: Annotated[float, typer.Option(min=1, help="Seconds.")] = 60.0,
    batch: Annotated[int, typer.Option(min=1, max=1_000, help="Readings in one message.")] = 1,
    connections: Annotated[int, typer.Option(min=1, help="Connections to the MQTT broker.")] = 1,
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
) -> None:
    """Send readings at fixed times and measure each from the time it was due.

    The lane `live` puts them among official figures and says what real life gets; any other lane is for exercises: it
    is kept out of official figures and judged at lower priority, so its latency to judged is no promise for real life.
    Exit status 1 when readings are lost or a limit is missed, 5 when the generator was itself the bottleneck.
    """
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
    )
    limits = Limits(p99_stored_ms, p99_judged_ms, p99_alert_ms, loss)
    access = _access()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(_run(plan, access, limits, settle))
    except SimulatorSettingRefused as error:
        raise SettingRefused(str(error)) from error
    except SimulatorError as error:
        say(f"load: {error}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        say_json(as_data(result))
    else:
        _show(result)
    if result.status:
        raise typer.Exit(result.status)


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


async def _run(plan: LoadPlan, access: Access, limits: Limits, settle: float) -> Result:
    if access.mqtt_url is None:
        raise SettingRefused("no MQTT broker is named; set MQTT_URL to mqtt://user:password@host:port.")
    since = await far_end.ends(access.kafka)
    begun = datetime.now(UTC)
    with _Shown() as shown:
        run = LoadRun(plan, parse_endpoint(access.mqtt_url.get_secret_value()), on_progress=shown.tell)
        sending = await run.run()
    scope = far_end.Scope(plan.feeds, plan.lane, plan.boot_id, begun - MARGIN, datetime.now(UTC) + MARGIN)
    acknowledged = Latency()
    acknowledged.add(run.acknowledged_seconds)
    sent = [Sent(key["feed"], key["device_id"], key["next_seq"]) for key in sending["keys"]]
    stored = await far_end.stored(access, scope, sent, settle)
    latency: dict[str, Latency | None] = {
        "acknowledged": acknowledged,
        "stored": None if stored is None else stored.latency,
        "judged": None,
        "alert": None,
    }
    if access.kafka is not None and since is not None:
        water = sum(each.next_seq for each in sent if each.feed == Feed.WATER)
        heard = await far_end.judged(access.kafka, since, scope, expected=water, within=settle)
        latency |= {"judged": heard.indicators, "alert": heard.alerts}
    return _result(plan, sending, latency, stored, limits)


def _result(
    plan: LoadPlan,
    sending: dict[str, Any],
    latency: dict[str, Latency | None],
    stored: far_end.Stored | None,
    limits: Limits,
) -> Result:
    found = None if stored is None else stored.account
    why = {"acknowledged": "nothing was acknowledged", "stored": NO_DATABASE, "judged": NO_KAFKA, "alert": NO_KAFKA}
    empty = {"stored": "nothing was stored", "judged": NO_WATER, "alert": NO_ALERT}
    unknown = {
        name: why[name] if each is None else empty.get(name, why[name])
        for name, each in latency.items()
        if each is None or not each.count
    }
    trouble = generator_trouble(
        late_p99_ms=sending["late_p99_ms"],
        waited_seconds=sending["waited_seconds"],
        seconds=sending["seconds"],
        cpu_share=sending["cpu_share"],
    )
    p99 = {name: None if each is None else each.percentile_ms(99) for name, each in latency.items()}
    lost = None if found is None else found.lost
    not_kept = missed(limits, p99, lost)
    return Result(
        plan=plan,
        sending=sending,
        latency=latency,
        unknown=unknown,
        account=found,
        drained_seconds=None if stored is None else stored.after_seconds,
        trouble=trouble,
        missed=not_kept,
        status=exit_status(
            unfinished=sending["unfinished"], lost=lost, allowed=limits.loss, trouble=trouble, missed=not_kept
        ),
    )


class _Shown:
    """The progress on standard error: one line that changes in a terminal, a line every few seconds elsewhere."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._last = 0.0

    def __enter__(self) -> Self:
        drawn = console(stderr=True)
        if drawn.is_terminal and not drawn.is_dumb_terminal:
            self._status = drawn.status("sending")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def tell(self, progress: Progress) -> None:
        """Show how far the run is."""
        p99 = UNKNOWN if progress.acknowledged_p99_ms is None else f"{progress.acknowledged_p99_ms:.1f} ms"
        line = (
            f"{progress.elapsed_seconds:.0f} s: {count(progress.sent)} readings, {progress.rate:,.0f}/s, "
            f"acknowledged p99 {p99}, late {progress.late_ms:.1f} ms"
        )
        if self._status is not None:
            self._status.update(line)
        elif progress.elapsed_seconds - self._last >= LINE_SECONDS:
            self._last = progress.elapsed_seconds
            say(line, err=True)
            sys.stderr.flush()


def as_data(result: Result) -> dict[str, Any]:
    """JSON-ready: what was asked for, what was sent, latencies (null: not known, with the reason), losses, verdict."""
    plan, found = result.plan, result.account
    return {
        "rate": plan.rate,
        "devices": plan.devices,
        "duration": plan.seconds,
        "batch": plan.batch,
        "connections": plan.connections,
        "lane": plan.lane,
        "boot_id": plan.boot_id,
        "sending": {name: value for name, value in result.sending.items() if name != "keys"},
        "latency": {
            name: None if each is None or not each.count else each.summary() for name, each in result.latency.items()
        },
        "unknown": result.unknown,
        "account": None
        if found is None
        else {
            "sent": found.sent,
            "stored": found.stored,
            "dead_lettered": found.dead_lettered,
            "lost": found.lost,
            "losses": [
                {"feed": each.feed, "device_id": each.device_id, "n": each.n, "numbers": each.numbers}
                for each in found.losses
            ],
        },
        "drained_seconds": result.drained_seconds,
        "generator_trouble": result.trouble,
        "missed": result.missed,
        "exit_status": result.status,
    }


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
