"""Runs one load and puts together what is known of it: what was sent, latencies, losses, limits, processors' time."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from rich.status import Status

from schemas.fields import Feed
from services.district import load_far_end as far_end
from services.district.errors import SettingRefused
from services.district.load_cpu import cpu_times, shares
from services.district.load_verdict import Account, Limits, Sent, exit_status, generator_trouble, missed, too_slow
from services.district.settings import Access
from services.district.terminal import console, say
from services.district.words import UNKNOWN, count
from simulators.endpoint import parse_endpoint
from simulators.load.generator import LoadPlan, LoadRun, Progress
from simulators.load.latency import Latency

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
    """Limits that were not kept, in words; of these ..."""
    too_slow: list[str]
    """... those of a latency."""
    status: int
    water_judged: bool | None
    """Whether each sample of water was judged; None: nobody can say."""
    cpu: dict[str, float]
    """Processors that each process kept busy while readings were sent, where they run here; empty elsewhere."""


async def run_load(plan: LoadPlan, *, access: Access, limits: Limits, settle: float) -> Result:
    """Send everything and wait until it is known what became of it, or so many seconds are over.

    Raises:
        DistrictError: a server does not answer, or none is named.
        SimulatorError: the MQTT broker refuses something.
    """
    if access.mqtt_url is None:
        raise SettingRefused("no MQTT broker is named; set MQTT_URL to mqtt://user:password@host:port.")
    since = await far_end.ends(access.kafka)
    begun, before = datetime.now(UTC), cpu_times(access.state)
    with _Shown() as shown:
        run = LoadRun(plan, parse_endpoint(access.mqtt_url.get_secret_value()), on_progress=shown.tell)
        sending = await run.run()
    cpu = shares(before, cpu_times(access.state), sending["seconds"]) | {"load generator": sending["cpu_share"]}
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
    water, water_judged = sum(each.next_seq for each in sent if each.feed == Feed.WATER), None
    if access.kafka is not None and since is not None:
        heard = await far_end.judged(access.kafka, since, scope, expected=water, within=settle)
        latency |= {"judged": heard.indicators, "alert": heard.alerts}
        water_judged = len(heard.samples) >= water
    return _result(plan, sending, latency, stored, limits, water_judged=water_judged, cpu=cpu)


def _result(
    plan: LoadPlan,
    sending: dict[str, Any],
    latency: dict[str, Latency | None],
    stored: far_end.Stored | None,
    limits: Limits,
    *,
    water_judged: bool | None,
    cpu: dict[str, float],
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
    slow, not_kept = too_slow(limits, p99), missed(limits, p99, lost)
    return Result(
        plan=plan,
        sending=sending,
        latency=latency,
        unknown=unknown,
        account=found,
        drained_seconds=None if stored is None else stored.after_seconds,
        trouble=trouble,
        missed=not_kept,
        too_slow=slow,
        water_judged=water_judged,
        cpu=cpu,
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
        "shape": plan.shape.value,
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
        "water_judged": result.water_judged,
        "cpu": {name: round(share, 3) for name, share in result.cpu.items()},
        "generator_trouble": result.trouble,
        "missed": result.missed,
        "exit_status": result.status,
    }
