"""Runs a drill: lanes opened, a scenario played, everything judged and stored, and the score.

1. Each feed of the scenario has its lane opened under the operator's account; a name that was used is refused.
2. All feeds are played in step (`simulators.world.playing`), within the bounds that leave room for live readings.
3. The lanes stay open for as long as people shall have to act, then they are closed; whatever happens, they are closed.
4. What was stored and refused is compared with what was sent, and the alerts of the lane with the truth.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from rich.console import Console

from schemas.fields import DISTRICT_ZONE, Feed
from services.district.drill.account import AlertSeen, DrillAccount, FeedAccount, Live
from services.district.drill.scoring import Heard, Scores, scored
from services.district.errors import LaneRefused, ServerSilent
from services.district.lane_account import LaneAccount
from services.district.lane_names import full_lane
from services.district.lane_topic import LaneTopic
from services.district.query import failures_said
from services.district.replay_judging import Judging
from services.district.replay_view import step
from services.district.settings import Access
from services.district.terminal import show as draw
from services.read_model.alert_story import history_of
from services.read_model.alerts import AlertFilter, AlertRow, Standing, alerts
from services.read_model.connection import Asked, Database
from services.read_model.deliveries import DeliveryFilter, deliveries
from services.read_model.drills import (
    RefusedRow,
    garbage_since,
    left_in_real_life,
    live_latency,
    run_keys,
    run_refused,
    run_stored,
)
from simulators.endpoint import parse_endpoint
from simulators.errors import SimulatorError
from simulators.gateway import Gateway
from simulators.replay.paced import PacedGateway
from simulators.replay.unreceipted import Unreceipted, receipts_of
from simulators.world.files import load_world
from simulators.world.library import load_for
from simulators.world.playing import GARBAGE, Cast, Play
from simulators.world.run import Order
from simulators.world.scenario import Scenario
from simulators.world.truth import Truth

WINDOW: Final = 2_000
RUNS_BEGIN_WITH: Final = "world-"
LATENCY_SPAN: Final = timedelta(seconds=60)
SETTLE_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.5
LEAVE_SECONDS: Final = 5.0
PAGE: Final = 1_000
WHOLE_DISTRICT: Final = 1.0
"""Emergency is played at full size at least: a tenth of it has two ambulances."""
ANSWER_WITHIN: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class HowToDrill:
    """What the operator chose besides the scenario."""

    seed: int = 1
    scale: float = 0.1
    speed: float | None = None
    """Times real time; None is as fast as live readings allow."""
    short: bool = False
    """Only the hours that the scenario names as enough."""
    hold_seconds: float = 0.0
    """How long the lanes stay open, at most, for people to acknowledge what was raised."""
    first: date | None = None
    """The first local day; None: the last time that the scenario's own day was over."""
    days: int | None = None
    feeds: tuple[Feed, ...] = ()
    """Only these; empty: those that the scenario is about."""
    lane: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is played, and where."""

    scenario: Scenario
    cast: tuple[Cast, ...]
    lane: str


def prepared(name: str, how: HowToDrill, now: datetime) -> Prepared:
    """Read the scenario and make its worlds.

    Raises:
        SimulatorError: there is no such scenario, or the district has no such place.
        LaneRefused: the lane is none of an exercise.
    """
    worlds = {how.scale: load_world(how.scale)}
    scenario = load_for(name, worlds[how.scale])
    drill = scenario.drill
    short = drill.short if how.short else None
    feeds = how.feeds or (short.feeds if short is not None else drill.feeds)
    days = how.days or drill.days
    first = how.first or _first_day(drill.begins, days, now)
    title = scenario.scenario.name
    lane = f"exercise:{title}-{now.astimezone(UTC):%Y%m%dt%H%M%Sz}" if how.lane is None else full_lane(how.lane)
    if not lane.startswith("exercise:"):
        raise LaneRefused(f"a drill is an exercise and its lane exercise:<name>, not {lane}; leave --lane out.")
    window = None if short is None else short.window
    cast = []
    for feed in feeds:
        scale = max(how.scale, WHOLE_DISTRICT) if feed is Feed.EMERGENCY else how.scale
        if scale not in worlds:
            worlds[scale] = load_world(scale)
            load_for(name, worlds[scale])
        cast.append(Cast(feed, worlds[scale], Order(how.seed, first, days, lane, feeds=(feed,), window=window)))
    return Prepared(scenario, tuple(cast), lane)


def _first_day(begins: str, days: int, now: datetime) -> date:
    """The last year in which a day of the year, and those behind it, were over."""
    today = now.astimezone(DISTRICT_ZONE).date()
    first = date.fromisoformat(f"{today.year}-{begins}")
    return first if first + timedelta(days=days) <= today else first.replace(year=first.year - 1)


async def drill(what: Prepared, how: HowToDrill, *, access: Access, console: Console) -> DrillAccount:
    """Play it, wait until everything is judged and stored, and score it.

    Raises:
        LaneRefused: the lane was used, or is not opened.
        ReplayStalled: judging stands still.
        QueryFailed: the database refuses.
        ServerSilent: a server is not named or does not answer.
        SimulatorError: the MQTT broker refuses something.
    """
    if access.mqtt_url is None or access.database_url is None:
        raise ServerSilent("set MQTT_URL and DATABASE_READER_URL, or start the district.")
    play, unreceipted = Play(what.scenario, what.cast), Unreceipted(RUNS_BEGIN_WITH)
    gateway = Gateway(
        parse_endpoint(access.mqtt_url.get_secret_value()),
        f"drill-{uuid.uuid4().hex[:8]}",
        window=WINDOW,
        filters=[receipts_of(feed) for feed in play.feeds],
        on_message=unreceipted.hear,
    )
    database = Database(access.database_url, name="district-drill", connections=1, answer_within=ANSWER_WITHIN)
    with failures_said():
        async with AsyncExitStack() as stack:
            judgings = {feed: await _judging(stack, access, feed, what.lane) for feed in play.feeds}
            await stack.enter_async_context(database)
            await stack.enter_async_context(gateway)
            await gateway.wait_connected()
            stage = PacedGateway(gateway, what.lane, unreceipted)
            begun, started = time.monotonic(), datetime.now(UTC)
            before = await live_latency(database, started - LATENCY_SPAN, started)
            closed: set[Feed] = set()
            try:
                await _perform(play, stage, how, console)
                played = datetime.now(UTC)
                for feed, judging in judgings.items():
                    judging.awaited = play.sent.readings[feed]
                    await judging.until_judged(console)
                await _hold(database, what.lane, how.hold_seconds, console)
                for feed, judging in judgings.items():
                    await judging.until_closed(console, lambda feed=feed: play.close(stage, feed))  # type: ignore[misc]
                    closed.add(feed)
            finally:
                await _leave(play, stage, closed, what.lane, console)
            known = await _settled(database, play, what.lane)
            seconds = time.monotonic() - begun
            during = await live_latency(database, started, played)
            return await _account(
                database,
                what,
                how,
                play,
                judgings,
                known=known,
                seconds=seconds,
                started=started,
                live=Live(before, during),
            )


async def _judging(stack: AsyncExitStack, access: Access, feed: Feed, lane: str) -> Judging:
    topic = await stack.enter_async_context(LaneTopic(access.kafka))
    before = LaneAccount(feed, lane)
    before.hear(await topic.everything())
    if before.is_open:
        raise LaneRefused(
            f"lane {lane} of {feed} is open: another drill plays in it, or one was left (`district lane close {feed} "
            f"{lane}`); wait, or choose another --lane."
        )
    if before.is_over:
        raise LaneRefused(f"lane {lane} of {feed} was used and closed; leave --lane out, or choose another name.")
    return Judging(topic, LaneAccount(feed, lane), awaited=0)


async def _perform(play: Play, stage: PacedGateway, how: HowToDrill, console: Console) -> None:
    minutes = (play.end - play.begin) // 60
    with step(console, "played, min", minutes) as played:

        def on_time(at: int) -> None:
            clock = datetime.fromtimestamp(at, DISTRICT_ZONE)
            played.at((at - play.begin) // 60, f"lane time {clock:%Y-%m-%d %H:%M}, {play.sent.messages:,} messages")

        await play.perform(stage, speed=how.speed, on_time=on_time)


async def _hold(database: Database, lane: str, seconds: float, console: Console) -> None:
    """Leave people time, until nothing of the lane is open that nobody has taken."""
    if seconds <= 0:
        return
    deadline, wanted = time.monotonic() + seconds, AlertFilter(lane=lane, standing=(Standing.OPEN,))
    draw(console, f"everything is judged; the lane stays open for up to {seconds:g} s for people to acknowledge")
    while time.monotonic() < deadline:
        page = await alerts(database, wanted, limit=1)
        if not page.items:
            return
        await asyncio.sleep(min(LOOK_SECONDS, max(0.0, deadline - time.monotonic())))


async def _leave(play: Play, stage: PacedGateway, closed: set[Feed], lane: str, console: Console) -> None:
    """Close what is still open, whatever happened: a lane that is left open keeps its memory."""
    for feed in play.feeds:
        if feed in closed:
            continue
        try:
            await asyncio.wait_for(play.close(stage, feed), LEAVE_SECONDS)
        except (TimeoutError, SimulatorError):
            draw(console, f"lane {lane} of {feed} could not be closed: `district lane close {feed} {lane}`")
        else:
            draw(console, f"lane {lane} of {feed} was closed; what was sent stays in it")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knew of the lane at one look."""

    stored: Mapping[Feed, int]
    refused: Sequence[RefusedRow]
    alerts: Sequence[AlertRow]

    @property
    def accounted(self) -> int:
        """Readings that are stored or refused."""
        return sum(self.stored.values()) + len({(row.feed, *_key(row)) for row in self.refused})


def _key(row: RefusedRow) -> tuple[str, str, int]:
    return row.device_id, row.boot_id, row.seq


async def _settled(database: Database, play: Play, lane: str) -> _Known:
    """What is known when every reading is accounted for and no further alert comes, or nothing moves for a minute."""
    moved_at, before = time.monotonic(), -1
    while True:
        known = _Known(
            {feed: await run_stored(database, feed, lane, RUNS_BEGIN_WITH) for feed in play.feeds},
            await run_refused(database, lane, RUNS_BEGIN_WITH),
            await _alerts_of(database, lane),
        )
        now = known.accounted + len(known.alerts)
        if now != before:
            moved_at, before = time.monotonic(), now
        quiet = time.monotonic() - moved_at
        if (known.accounted >= len(play.sent.keys) and quiet >= QUIET_SECONDS) or quiet >= SETTLE_SECONDS:
            return known
        await asyncio.sleep(LOOK_SECONDS)


async def _alerts_of(asked: Asked, lane: str) -> list[AlertRow]:
    found: list[AlertRow] = []
    cursor: str | None = None
    while True:
        page = await alerts(asked, AlertFilter(lane=lane), limit=PAGE, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


async def _account(
    database: Database,
    what: Prepared,
    how: HowToDrill,
    play: Play,
    judgings: Mapping[Feed, Judging],
    *,
    known: _Known,
    seconds: float,
    started: datetime,
    live: Live,
) -> DrillAccount:
    rows = sorted(known.alerts, key=lambda row: (row.raised_at, row.alert_id))
    garbage = await garbage_since(database, started, GARBAGE)
    feeds = [
        await _feed_account(
            database, one, play, judgings[one.feed].account, known, garbage_refused=garbage.get(one.feed, 0)
        )
        for one in what.cast
    ]
    page = await deliveries(database, DeliveryFilter(lane=what.lane), limit=PAGE)
    head = what.scenario.scenario
    return DrillAccount(
        scenario=head.name,
        title_zh=head.title_zh,
        title_en=head.title,
        about=head.about,
        lane=what.lane,
        seed=how.seed,
        is_short=how.short,
        begin=datetime.fromtimestamp(play.begin, UTC),
        end=datetime.fromtimestamp(play.end, UTC),
        seconds=seconds,
        feeds=feeds,
        scores={one.feed: _scores(one, rows, play.truth(one.feed), (play.begin, play.end)) for one in what.cast},
        alerts=[await _seen(database, row) for row in rows],
        deliveries=len(page.items),
        boots_in_live=await left_in_real_life(database, play.boots),
        live=live,
    )


def _scores(one: Cast, rows: Sequence[AlertRow], truth: Sequence[Truth], span: tuple[float, float]) -> Scores:
    own = [row for row in rows if row.feed == one.feed]
    withdrawn = {row.alert_id for row in own if row.standing is Standing.RETRACTED}
    ended = {row.alert_id: row.ended_at for row in own if row.ended_at is not None}
    members = {row.alert_id: {(rule, asset) for rule, asset in row.members} for row in own}
    return scored(Heard(tuple(own), withdrawn, ended, *span, members, is_live=False), truth, one.feed, one.world)


async def _feed_account(
    asked: Asked, one: Cast, play: Play, judged: LaneAccount, known: _Known, *, garbage_refused: int
) -> FeedAccount:
    feed, stored = one.feed, known.stored[one.feed]
    own = [row for row in known.refused if row.feed == feed]
    keys = {key[1:] for key in play.sent.keys if key[0] is feed}
    gone = {_key(row) for row in own}
    missing: list[str] = []
    if stored + len(gone) < len(keys):
        lost = sorted(keys - gone - await run_keys(asked, feed, one.order.lane, RUNS_BEGIN_WITH))
        missing = [f"{device} {boot} {seq}" for device, boot, seq in lost]
    return FeedAccount(
        feed=feed,
        devices=sum(each.feed is feed for each in one.world.district.devices()),
        sent=len(keys),
        repeats=play.sent.repeats[feed],
        garbage=play.sent.garbage[feed],
        stored=stored,
        refused=dict(Counter(row.reason for row in own)),
        garbage_refused=garbage_refused,
        missing=missing,
        judged=judged.judged,
        judging_failed=judged.refused,
    )


async def _seen(asked: Asked, row: AlertRow) -> AlertSeen:
    after: float | None = None
    if row.acknowledged_at is not None:
        history = await history_of(asked, row.alert_id)
        after = (row.acknowledged_at - min(event.stored_at for event in history)).total_seconds() if history else None
    return AlertSeen(
        alert_id=row.alert_id,
        feed=row.feed,
        rule=row.rule,
        asset=row.asset,
        name_zh=row.asset_name_zh or row.asset,
        name_en=row.asset_name_en or row.asset,
        severity=row.severity,
        started_at=row.started_at,
        raised_at=row.raised_at,
        ended_at=row.ended_at,
        withdrawn=row.standing is Standing.RETRACTED,
        text_zh=row.text_zh,
        text_en=row.text_en,
        acknowledged_by=row.acknowledged_by_name or row.acknowledged_by,
        acknowledged_after=after,
    )
