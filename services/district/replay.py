"""`district replay`: publish a recording as if its stations sent it, and wait until all of it is stored and judged.

1. Read the file, number its readings; look up what the lane has of them already. One that was closed is refused.
2. Open the lane and publish in event-time order, the lane's clock behind the readings, within the bounds that keep
   live readings on time (`simulators.replay.publisher`).
3. Wait until each reading is stored or dead-lettered and the sink has seen all. When nothing moves, what is missing is
   sent once more, then the replay fails and says what to check.
4. Close the lane and wait until everything of it is judged; for water until each labelled sample has its class.
5. Add up, compare with the published classes, print.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from schemas.fields import Feed
from services.district.errors import EXIT_INTERRUPTED, ReplayRefused, ServerSilent, SettingRefused
from services.district.lane_account import LaneAccount
from services.district.lane_names import full_lane
from services.district.lane_topic import LaneTopic
from services.district.replay_account import compare, settle
from services.district.replay_judging import Judging
from services.district.replay_ledger import ReplayLedger, scope_of
from services.district.replay_view import ReplayReport, show, step
from services.district.replay_wait import ReplayPlan, StorageWait, newly_dead, planned
from services.district.settings import Access, find_access
from services.district.terminal import console, say_json
from services.district.terminal import show as draw
from simulators.endpoint import parse_endpoint
from simulators.errors import SimulatorError
from simulators.gateway import Gateway
from simulators.replay.files import Recording, read_recording
from simulators.replay.numbering import Key, Outgoing, boot_id_of, outgoing
from simulators.replay.publisher import ReplayPublisher
from simulators.replay.unreceipted import Unreceipted, receipts_of

STALL_SECONDS: Final = 30.0
GATEWAY_WINDOW: Final = 2_000
"""Packets that the MQTT broker has not acknowledged."""
REFUSED_BEYOND: Final = timedelta(days=31)
"""The bridge refuses readings dated so far ahead; they drive no clock."""
EXIT_UNBALANCED: Final = 1


class Ending(StrEnum):
    """What a replay does when all is stored."""

    CLOSE = "close"
    """Close the lane, wait until it is judged and forgotten."""
    KEEP_OPEN = "keep-open"
    """Wait until all is judged that the lane's clock has come to; the lane stays open for more."""
    NO_WAIT = "no-wait"
    """Return; the lane stays open until somebody closes it, or for an hour without news."""


@dataclass(frozen=True, slots=True)
class HowToReplay:
    """What the operator chose besides feed and file."""

    lane: str | None = None
    speed: float | None = None
    """Times real time; None is as fast as possible."""
    register: Path | None = None
    ending: Ending = Ending.CLOSE
    stall_seconds: float = STALL_SECONDS
    """Time without any progress after which what is missing is sent again, then given up."""


def chosen_lane(feed: Feed, lane: str | None, now: datetime) -> str:
    """Return the lane of a replay; a name without a kind is `replay:<name>`.

    Raises:
        LaneRefused: it is no lane, or the lane of real life.
    """
    return f"replay:{feed}-{now.astimezone(UTC):%Y%m%dt%H%M%Sz}" if lane is None else full_lane(lane)


async def replay(feed: Feed, file: Path, how: HowToReplay, *, access: Access, console: Console) -> ReplayReport:
    """Replay a file and wait until each of its readings is accounted for, and judged unless told otherwise.

    Raises:
        ReplayRefused: the file, the feed, the lane or the MQTT broker does not fit, or the lane was not opened.
        ReplayStalled: some readings are neither stored nor dead-lettered, or judging stands still.
        ServerSilent: a server is not named or does not answer.
    """
    now = datetime.now(UTC)
    chosen = chosen_lane(feed, how.lane, now)
    if access.mqtt_url is None or access.database_url is None:
        raise ServerSilent("set MQTT_URL and DATABASE_READER_URL, or start the district.")
    try:
        recording = _recording(feed, file, how.register)
        boot_id = boot_id_of(feed, recording.readings, chosen)
        sent = outgoing(feed, recording.readings, chosen, boot_id)
        scope, unreceipted = scope_of(feed, chosen, boot_id, sent), Unreceipted(boot_id)
        gateway = Gateway(
            parse_endpoint(access.mqtt_url.get_secret_value()),
            f"{boot_id}-{uuid.uuid4().hex[:6]}",
            window=GATEWAY_WINDOW,
            filters=(receipts_of(feed),),
            on_message=unreceipted.hear,
        )
        async with AsyncExitStack() as stack:
            ledger = await stack.enter_async_context(ReplayLedger(access.database_url, scope))
            judging = await _judging(stack, access, feed, chosen, how.ending)
            await stack.enter_async_context(gateway)
            await gateway.wait_connected()
            plan = await planned(recording, scope, sent, ledger)
            with step(console, "published", len(sent)) as published:
                publisher = ReplayPublisher(
                    gateway,
                    feed,
                    chosen,
                    unreceipted,
                    speed=how.speed,
                    latest=now + REFUSED_BEYOND,
                    on_progress=published.at,
                )
                await publisher.publish(sent)
            wait = StorageWait(plan, ledger, publisher, judging=judging, stall_seconds=how.stall_seconds)
            await wait.until_settled(console)
            if sent and judging is not None:
                if how.ending is Ending.CLOSE:
                    await judging.until_closed(console, publisher.close)
                else:
                    await judging.until_judged(console)
                await wait.until_classed(console)
            return await _report(plan, ledger, judging)
    except SimulatorError as error:
        raise ReplayRefused(str(error)) from error


def _recording(feed: Feed, file: Path, register: Path | None) -> Recording:
    recording = read_recording(file, register)
    if recording.format.feed is not feed:
        raise ReplayRefused(
            f"{file.name} holds {recording.format.feed} readings ({recording.format.title}), not {feed}; "
            f"say `district replay {recording.format.feed} {file}`."
        )
    return recording


async def _judging(stack: AsyncExitStack, access: Access, feed: Feed, lane: str, ending: Ending) -> Judging | None:
    """Listen to what is said of the lane from now on: what was said before the replay does not count.

    Raises:
        ReplayRefused: the lane is over.
    """
    if access.kafka is None:
        if ending is Ending.NO_WAIT:
            return None
        raise ServerSilent("set KAFKA_BOOTSTRAP to see what has been judged, or say --no-wait.")
    topic = await stack.enter_async_context(LaneTopic(access.kafka))
    before = LaneAccount(feed, lane)
    before.hear(await topic.everything())
    if before.is_over:
        raise ReplayRefused(
            f"lane {lane} of {feed} was replayed and closed. What is judged in it anew would begin with revision 0, "
            "and the database keeps the higher revisions of before; choose another name, or leave --lane out. Several "
            "files go into one lane with --keep-open."
        )
    return None if ending is Ending.NO_WAIT else Judging(topic, LaneAccount(feed, lane), awaited=0)


async def _report(plan: ReplayPlan, ledger: ReplayLedger, judging: Judging | None) -> ReplayReport:
    now = await ledger.standing()
    dead = newly_dead(plan.standing, now)
    account = settle(plan.sent, before=plan.before, stored=await ledger.stored(), dead=dead)
    reasons = await ledger.reasons() if dead else {}
    qualities, codes = await ledger.qualities()
    is_classed = plan.scope.feed is Feed.WATER and judging is not None
    return ReplayReport(
        lane=plan.scope.lane,
        boot_id=plan.scope.boot_id,
        rows=plan.recording.rows,
        account=account,
        comparison=compare(plan.sent, await ledger.classes()) if is_classed else None,
        reasons=_by_reason(plan.sent, dead, reasons),
        qualities=qualities,
        codes=codes,
        judged=judging.account.judged if judging is not None else None,
        judging_failed=judging.account.refused if judging is not None else 0,
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
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Return when all is stored; the lane stays open, nothing is compared.")
    ] = False,
    keep_open: Annotated[
        bool, typer.Option("--keep-open", help="Wait for the judging, but leave the lane open for more files.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Publish real measurements as if the stations sent them, and wait until all is stored or refused, and judged.

    The original times are kept, placeholders and dirt too. At the end the lane is closed: what waits in it is judged,
    and its memory is given back. A lane that is left open takes more files; the same one again is not stored twice. It
    is closed by `district lane close`, or by itself when nobody has driven its clock for an hour. One that was closed
    is not opened again.
    """
    if no_wait and keep_open:
        raise SettingRefused("--no-wait leaves the lane open anyway; say it or --keep-open, not both.")
    ending = Ending.NO_WAIT if no_wait else Ending.KEEP_OPEN if keep_open else Ending.CLOSE
    chosen = chosen_lane(feed, lane, datetime.now(UTC))
    how = HowToReplay(lane=chosen, speed=speed or None, register=register, ending=ending)
    shown_on = console(stderr=as_json)
    access = find_access()
    try:
        report = asyncio.run(replay(feed, file, how, access=access, console=shown_on))
    except KeyboardInterrupt:
        draw(
            shown_on,
            f"interrupted; if lane {chosen} was opened it stays so for an hour: `district lane close {feed} {chosen}`",
        )
        sys.exit(EXIT_INTERRUPTED)
    show(report, shown_on)
    if as_json:
        say_json(report.to_json())
    if report.account.missing:
        sys.exit(EXIT_UNBALANCED)
