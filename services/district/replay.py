"""`district replay`: publish a recording as if its stations sent it, and wait until each reading is accounted for.

1. Read the file, number its readings; look up what the lane has of them already.
2. Publish in event-time order, the lane's clock behind the readings.
3. Wait until each reading is stored or dead-lettered and the sink has seen all; for water until each labelled sample
   has its class. When nothing moves, what is missing is sent once more, then the replay fails and says what to check.
4. Add up, compare with the published classes, print.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from schemas.fields import LANE_PATTERN, LIVE, Feed
from services.district.errors import EXIT_INTERRUPTED, ReplayRefused, ReplayStalled, ServerSilent
from services.district.replay_account import Account, awaited_by_sink, compare, settle
from services.district.replay_ledger import ReplayLedger, Scope, Standing
from services.district.replay_view import ReplayReport, show, step
from services.district.settings import Access, find_access
from simulators.endpoint import parse_endpoint
from simulators.errors import SimulatorError
from simulators.gateway import Gateway
from simulators.replay.files import Recording, read_recording
from simulators.replay.numbering import Key, Outgoing, boot_id_of, outgoing
from simulators.replay.publisher import ReplayPublisher

POLL_SECONDS: Final = 0.3
POLL_SHARE: Final = 4
"""Pause between two questions, in times of how long the answer took, when that is more than the above."""
STALL_SECONDS: Final = 30.0
WINDOW: Final = 2_000
EXIT_UNBALANCED: Final = 1


def chosen_lane(feed: Feed, lane: str | None, now: datetime) -> str:
    """Return the lane of a replay; a name without a kind is `replay:<name>`.

    Raises:
        ReplayRefused: it is no lane, or the lane of real life.
    """
    if lane is None:
        return f"replay:{feed}-{now.astimezone(UTC):%Y%m%dt%H%M%Sz}"
    if lane == LIVE:
        raise ReplayRefused("the lane 'live' is real life; name one of its own, as in --lane replay:april.")
    full = lane if ":" in lane else f"replay:{lane}"
    if not re.match(LANE_PATTERN, full):
        raise ReplayRefused(
            f"'{lane}' is no lane; use replay:<name>, exercise:<name> or whatif:<name> with a name of small letters, "
            "digits, '.', '_' and '-'."
        )
    return full


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is replayed, where, and what was there before."""

    recording: Recording
    scope: Scope
    sent: Sequence[Outgoing]
    keys: frozenset[Key]
    before: frozenset[Key]
    standing: Standing


async def replay(
    feed: Feed,
    file: Path,
    *,
    access: Access,
    console: Console,
    lane: str | None = None,
    speed: float | None = None,
    register: Path | None = None,
    stall_seconds: float = STALL_SECONDS,
) -> ReplayReport:
    """Replay a file and wait until each of its readings is accounted for.

    Args:
        speed: Times real time; None is as fast as possible.
        stall_seconds: Time without any progress after which what is missing is sent again, then given up.

    Raises:
        ReplayRefused: the file, the feed, the lane or the MQTT broker does not fit.
        ReplayStalled: some readings are neither stored nor dead-lettered.
        ServerSilent: a server is not named or does not answer.
    """
    chosen = chosen_lane(feed, lane, datetime.now(UTC))
    if access.mqtt_url is None or access.database_url is None:
        raise ServerSilent("set MQTT_URL and DATABASE_READER_URL, or start the district.")
    try:
        recording = read_recording(file, register)
        if recording.format.feed is not feed:
            raise ReplayRefused(
                f"{file.name} holds {recording.format.feed} readings ({recording.format.title}), not {feed}; "
                f"say `district replay {recording.format.feed} {file}`."
            )
        endpoint = parse_endpoint(access.mqtt_url.get_secret_value())
        boot_id = boot_id_of(chosen, recording.content)
        sent = outgoing(feed, recording.readings, chosen, boot_id)
        scope = Scope.of(feed, chosen, boot_id, sent)
        async with (
            ReplayLedger(access.database_url, scope) as ledger,
            Gateway(endpoint, f"{boot_id}-{uuid.uuid4().hex[:6]}", window=WINDOW) as gateway,
        ):
            await gateway.wait_connected()
            plan = await _plan(recording, scope, sent, ledger)
            with step(console, "published", len(sent)) as published:
                publisher = ReplayPublisher(gateway, feed, chosen, speed=speed, on_progress=published.at)
                await publisher.publish(sent)
            await _Wait(plan, ledger, publisher, stall_seconds).until_settled(console)
            return await _report(plan, ledger)
    except SimulatorError as error:
        raise ReplayRefused(str(error)) from error


async def _plan(recording: Recording, scope: Scope, sent: Sequence[Outgoing], ledger: ReplayLedger) -> _Plan:
    return _Plan(
        recording=recording,
        scope=scope,
        sent=sent,
        keys=frozenset(each.key for each in sent),
        before=frozenset(await ledger.stored()),
        standing=await ledger.standing(),
    )


def newly_dead(before: Standing, now: Standing) -> dict[Key, str]:
    """Return the keys dead-lettered since then, and which service wrote them."""
    return {key: source for key, (n, source) in now.dead.items() if n > before.dead.get(key, (0, ""))[0]}


class _Wait:
    """Waits for the platform; sends what is missing once more."""

    def __init__(self, plan: _Plan, ledger: ReplayLedger, publisher: ReplayPublisher, stall_seconds: float) -> None:
        self._plan = plan
        self._ledger = ledger
        self._publisher = publisher
        self._stall_seconds = stall_seconds

    async def until_settled(self, console: Console) -> None:
        """Return when each reading is accounted for.

        Raises:
            ReplayStalled: nothing moves any more and something is missing.
            GatewayRefused: the MQTT broker refuses something.
        """
        plan = self._plan
        with step(console, "stored", len(plan.keys)) as stored:
            await self._until(self._is_settled, lambda now: stored.at(self._settled(now)))
        labelled = {each.key for each in plan.sent if each.source.label is not None}
        if plan.scope.feed is not Feed.WATER or not labelled:
            return
        awaited = (await self._ledger.standing()).stored
        with step(console, "judged", awaited) as judged:
            await self._until(lambda now: now.judged >= now.stored, lambda now: judged.at(now.judged))

    def _settled(self, now: Standing) -> int:
        return now.stored + len(newly_dead(self._plan.standing, now))

    def _is_settled(self, now: Standing) -> bool:
        plan = self._plan
        awaited = awaited_by_sink(plan.sent, newly_dead(plan.standing, now))
        return self._settled(now) >= len(plan.keys) and now.seen - plan.standing.seen >= awaited

    async def _until(self, done: Callable[[Standing], bool], tell: Callable[[Standing], None]) -> None:
        is_repeated = False
        last, moved_at = None, time.monotonic()
        trouble: ServerSilent | None = None
        while True:
            asked_at = time.monotonic()
            now = last
            try:
                now = await self._ledger.standing()
                trouble = None
            except ServerSilent as error:
                trouble = error  # The database may come back; until then nothing moves.
            if now is not None and trouble is None:
                tell(now)
                if done(now):
                    return
            if now != last:
                last, moved_at = now, time.monotonic()
            elif time.monotonic() - moved_at > self._stall_seconds:
                if is_repeated or trouble is not None:
                    raise ReplayStalled(await self._what_is_missing(now, trouble))
                is_repeated, moved_at = True, time.monotonic()
                await self._publisher.again((await self._account(now)).missing)
            await asyncio.sleep(max(POLL_SECONDS, POLL_SHARE * (time.monotonic() - asked_at)))

    async def _account(self, now: Standing | None) -> Account:
        dead = newly_dead(self._plan.standing, now) if now is not None else {}
        return settle(self._plan.sent, before=self._plan.before, stored=await self._ledger.stored(), dead=dead)

    async def _what_is_missing(self, now: Standing | None, trouble: ServerSilent | None) -> str:
        if trouble is not None:
            return f"{trouble}"
        account = await self._account(now)
        if account.missing:
            first = account.missing[0]
            return (
                f"{len(account.missing):,} of {account.sent:,} readings are neither stored nor dead-lettered, the "
                f"first is row {first.source.row} (device {first.key[0]}, seq {first.key[1]}). Check that "
                "ingest_bridge and timescale_sink run (`district status`, `district logs`), then replay into "
                f"the same lane again (--lane {self._plan.scope.lane}): what is stored stays as it is."
            )
        if now is not None and now.judged < now.stored and self._plan.scope.feed is Feed.WATER:
            return (
                f"all readings are stored, but {now.stored - now.judged:,} of {now.stored:,} have no class. Check that "
                "stream_processors and timescale_sink run (`district status`)."
            )
        return (
            "all readings are accounted for, but the sink has not seen this run's repeats of them. Check that "
            "ingest_bridge and timescale_sink run (`district status`)."
        )


async def _report(plan: _Plan, ledger: ReplayLedger) -> ReplayReport:
    now = await ledger.standing()
    dead = newly_dead(plan.standing, now)
    account = settle(plan.sent, before=plan.before, stored=await ledger.stored(), dead=dead)
    reasons = await ledger.reasons() if dead else {}
    qualities, codes = await ledger.qualities()
    is_water = plan.scope.feed is Feed.WATER
    return ReplayReport(
        lane=plan.scope.lane,
        boot_id=plan.scope.boot_id,
        rows=plan.recording.rows,
        account=account,
        comparison=compare(plan.sent, await ledger.classes()) if is_water else None,
        reasons=_by_reason(plan.sent, dead, reasons),
        qualities=qualities,
        codes=codes,
    )


def _by_reason(
    sent: Sequence[Outgoing], dead: Mapping[Key, str], reasons: Mapping[Key, tuple[str, str]]
) -> dict[str, int]:
    return dict(Counter(reasons[each.key][0] for each in sent if each.key in dead and each.key in reasons))


def replay_command(
    feed: Annotated[Feed, typer.Argument(help="The feed that the measurements belong to.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="CSV file; its format is known by its header.", show_default=False)],
    *,
    speed: Annotated[float, typer.Option(metavar="N", min=0, help="Times real time; 0 is as fast as possible.")] = 0.0,
    lane: Annotated[
        str | None, typer.Option(metavar="NAME", help="Lane of its own; by default replay:<feed>-<time>.")
    ] = None,
    register: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Station register; by default the one beside the file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Publish real measurements as if the stations sent them, and wait until each is stored or dead-lettered.

    The original times are kept, placeholders and dirt too. The same file in the same lane again changes nothing.
    """
    console = Console(stderr=as_json)
    access = find_access()
    try:
        report = asyncio.run(
            replay(feed, file, access=access, console=console, lane=lane, speed=speed or None, register=register)
        )
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    show(report, console)
    if as_json:
        sys.stdout.write(json.dumps(report.to_json(), ensure_ascii=False) + "\n")
    if report.account.missing:
        sys.exit(EXIT_UNBALANCED)
