"""kill -9 of everything that runs, one after the other, under a load that goes on all the while.

For each victim:

    kill -9 ──▶ started again and ready ──▶ every number used until then is in the ledger, once
            └── seconds to recover ──┘ └── seconds to balance, 60 at most ──┘

Victims are what the run itself lists, so that a service which is new is one of them; the supervisor comes last.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import psutil

from deploy.local import run_record
from deploy.local.run_record import RunRecord
from deploy.local.supervisor import State
from schemas.fields import LIVE, Feed
from services.district.errors import QueryFailed, ServerSilent
from services.district.load_verdict import Sent
from services.district.query import failures_said
from services.district.settings import access_from
from services.read_model.audit import AuditFilter, AuditRow, audit
from services.read_model.connection import Database
from services.runtime.multirange import named, ranges_of
from simulators.endpoint import parse_endpoint
from simulators.load.generator import LoadPlan, LoadRun
from tests.end_to_end.harness import START_SECONDS, District

SUPERVISOR: Final = "district run"
LANES: Final = (LIVE, "exercise:kills")
"""One is judged by each feed's own processor, the other by the processor of lanes."""
RATE, DEVICES = 150, 50
"""Of the load in each lane: readings a second, and the devices that share them."""
RECOVER_SECONDS: Final = 120.0
BALANCE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.3
LONGEST_SECONDS: Final = 3_600
"""The load is stopped long before."""
MARGIN: Final = timedelta(minutes=1)

HEAD: Final = f"{'victim':<20}{'ready again':>12}{'balanced':>10}{'sent':>9}  also started again"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one kill."""

    victim: str
    recover_seconds: float
    """From the kill until it was started again and ready."""
    balance_seconds: float
    """From then until every number that was used before is accounted for."""
    sent: int
    """Readings that were numbered by then."""
    wrong: tuple[str, ...] = ()
    """What did not balance in time, by device."""
    also_restarted: tuple[str, ...] = ()
    """What else was started again meanwhile."""

    def __str__(self) -> str:
        seconds = f"{self.recover_seconds:>10.1f} s{self.balance_seconds:>8.1f} s"
        others = ", ".join(self.also_restarted)
        return f"{self.victim:<20}{seconds}{self.sent:>9,}  {others}".rstrip()


def unbalanced(sent: Iterable[Sent], rows: Iterable[AuditRow]) -> list[str]:
    """Say of each device what is not as it should be: a number that is nowhere, or a reading that is there twice.

    Args:
        rows: The audit of the load's boot; it may know more than was sent when it was asked for.
    """
    known = {(row.feed, row.device_id): row for row in rows}
    wrong = []
    for each in sent:
        if not each.next_seq:
            continue
        row = known.get((each.feed, each.device_id))
        if row is None:
            wrong.append(f"{each.device_id}: nothing of {each.next_seq}")
            continue
        if row.last_seq < each.next_seq - 1:
            wrong.append(f"{each.device_id}: {row.last_seq + 1}-{each.next_seq - 1} nowhere")
        if any(first < each.next_seq for first, _ in ranges_of(row.missing_numbers)):
            wrong.append(f"{each.device_id}: {named(row.missing_numbers)} missing")
        if row.difference or row.first_seq:
            wrong.append(f"{each.device_id}: begins at {row.first_seq}, {row.difference} between numbers and rows")
    return wrong


@dataclass
class Load:
    """The load in one lane."""

    run: LoadRun
    lane: str
    boot: str
    begun: datetime
    task: asyncio.Task[dict[str, Any]]

    def sent(self) -> list[Sent]:
        """What each device has numbered until now."""
        return [Sent(key["feed"], key["device_id"], key["next_seq"]) for key in self.run.numbered()]


def start_load(district: District, lane: str) -> Load:
    """Begin to send; devices keep each reading until its receipt."""
    boot, begun = f"kills-{uuid.uuid4().hex[:12]}", datetime.now(UTC)
    plan = LoadPlan(
        rate=RATE,
        seconds=LONGEST_SECONDS,
        devices=DEVICES,
        batch=1,
        feeds=tuple(Feed),
        lane=lane,
        boot_id=boot,
        receipts=True,
        troubled=True,
        connections=1,
        window=20_000,
        drain_seconds=BALANCE_SECONDS,
    )
    run = LoadRun(plan, parse_endpoint(district.role("operator")["MQTT_URL"]))
    return Load(run, lane, boot, begun, asyncio.create_task(run.run(), name=f"load {lane}"))


async def audited(district: District, load: Load) -> list[AuditRow] | None:
    """What the ledger knows of a load; None while the database does not answer."""
    access = access_from(district.role("operator"), district.state)
    assert access.database_url is not None
    bounds = {"connect_within": timedelta(seconds=5), "answer_within": timedelta(seconds=30)}
    with contextlib.suppress(ServerSilent, QueryFailed), failures_said():
        async with Database(access.database_url, name="kills", connections=1, **bounds) as database:
            which = AuditFilter(load.begun - MARGIN, datetime.now(UTC) + MARGIN, lane=load.lane)
            return [row for row in await audit(database, which) if row.boot_id == load.boot]
    return None


async def in_time(ask: Callable[[], Awaitable[T | None]], seconds: float) -> tuple[T | None, float]:
    """Ask again and again until something comes back; what it was (None: nothing did) and after how many seconds."""
    begun = time.monotonic()
    while True:
        answer = await ask()
        after = time.monotonic() - begun
        if answer is not None or after >= seconds:
            return answer, after
        await asyncio.sleep(LOOK_SECONDS)


def record_of(district: District) -> RunRecord:
    """What the supervisor has written down."""
    record = run_record.read(district.state)
    assert record is not None
    return record


@dataclass
class Series:
    """The kills of one district, and the load that goes on over all of them."""

    district: District
    loads: Sequence[Load]
    turns: list[Turn] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    """The generator's own, of each load."""

    async def run(self) -> None:
        """Kill everything that runs, one after the other, and the supervisor at last; then end the load."""
        print(HEAD)
        for name in record_of(self.district).processes:
            await self._take_turn(name, self._kill)
        await self._take_turn(SUPERVISOR, self._kill_supervisor)
        for load in self.loads:
            load.run.stop()
        self.reports += await asyncio.gather(*(load.task for load in self.loads))

    async def _take_turn(self, victim: str, kill: Callable[[str], Awaitable[None]]) -> None:
        turn = await self._turn(victim, kill)
        self.turns.append(turn)
        print(turn, flush=True)

    async def _turn(self, victim: str, kill: Callable[[str], Awaitable[None]]) -> Turn:
        before, begun = record_of(self.district), time.monotonic()
        await kill(victim)
        recovered = time.monotonic() - begun
        sent = [load.sent() for load in self.loads]
        balanced, after = await in_time(lambda: self._balanced(sent), BALANCE_SECONDS)
        wrong = () if balanced else tuple(await self._wrong(sent))
        others = () if victim == SUPERVISOR else self._restarted(before, victim)
        return Turn(victim, recovered, after, sum(each.next_seq for one in sent for each in one), wrong, others)

    async def _balanced(self, sent: Sequence[Sequence[Sent]]) -> bool | None:
        return None if await self._wrong(sent) else True

    async def wrong_now(self) -> list[str]:
        """What does not balance of all that was sent."""
        return await self._wrong([load.sent() for load in self.loads])

    async def _wrong(self, sent: Sequence[Sequence[Sent]]) -> list[str]:
        """What does not balance; a load that has ended by itself is wrong as well."""
        wrong = [f"the load in {load.lane} ended" for load in self.loads if load.task.done() and not self.reports]
        for load, numbers in zip(self.loads, sent, strict=True):
            rows = await audited(self.district, load)
            wrong += ["the database does not answer"] if rows is None else unbalanced(numbers, rows)
        return wrong

    def _restarted(self, before: RunRecord, victim: str) -> tuple[str, ...]:
        now = record_of(self.district).processes
        return tuple(
            name
            for name, each in before.processes.items()
            if name != victim and name in now and now[name].restarts != each.restarts
        )

    async def _kill(self, name: str) -> None:
        old = self.district.kill(name)

        async def ready() -> bool | None:
            now = record_of(self.district).processes[name]
            return True if now.pid not in {None, old} and now.state == State.READY else None

        answer, _ = await in_time(ready, RECOVER_SECONDS)
        assert answer, f"{name} was not started again"

    async def _kill_supervisor(self, _: str) -> None:
        """Kill it, see that nothing outlives it, and start another for the same data and ports."""
        before = record_of(self.district)
        names = set(before.processes)
        leaders = [psutil.Process(each.pid) for each in before.processes.values() if each.pid is not None]
        family = [member for leader in leaders for member in (leader, *leader.children(recursive=True))]
        self.district.process.kill()
        await asyncio.to_thread(self.district.process.wait)

        async def gone() -> bool | None:
            return True if not any(member.is_running() for member in family) else None

        nothing_left, _ = await in_time(gone, BALANCE_SECONDS)
        assert nothing_left, [member for member in family if member.is_running()]
        self.district.start_again()

        async def running() -> bool | None:
            now = record_of(self.district)
            is_new = now.supervisor.pid == self.district.process.pid
            ready = is_new and all(name in now.processes and now.processes[name].state == State.READY for name in names)
            return ready or None

        answer, _ = await in_time(running, START_SECONDS)
        assert answer, f"not up again after the supervisor was killed: {record_of(self.district)}"


async def kill_everything(district: District) -> Series:
    """Run the series and return what became of it."""
    async with AsyncExitStack() as stack:
        loads = []
        for lane in LANES:
            load = start_load(district, lane)
            stack.callback(load.task.cancel)
            loads.append(load)
        series = Series(district, loads)
        await asyncio.sleep(LOOK_SECONDS)
        await series.run()
    return series
