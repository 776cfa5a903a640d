"""`district lane`: which lanes other than live are open, how far they are judged, and how to close one."""

from __future__ import annotations

import asyncio
import sys
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from schemas.clock import Tick
from schemas.fields import EARLIEST, Feed
from schemas.lane import LanePhase
from schemas.mqtt import ClockTopic
from services.district.errors import EXIT_INTERRUPTED, LaneRefused, ServerSilent
from services.district.lane_account import LaneAccount, accounts
from services.district.lane_names import full_lane
from services.district.lane_topic import LaneTopic
from services.district.replay_judging import Judging
from services.district.settings import Access, find_access
from services.district.terminal import add_row, console, say, say_json, show, table
from services.district.words import UNKNOWN, count, day_and_time
from simulators import wire
from simulators.endpoint import parse_endpoint
from simulators.errors import SimulatorError
from simulators.gateway import Gateway

lane: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Show and close lanes other than live: replays, exercises, what-ifs.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class OpenLane:
    """One lane of one feed that is open."""

    account: LaneAccount
    opened_at: datetime | None
    """When its first clock message was written; None where Kafka has it no longer."""
    lag: int

    def to_json(self) -> dict[str, Any]:
        """Return the object for machines."""
        account = self.account
        return {
            "feed": account.feed.value,
            "lane": account.lane,
            "opened_at": _utc(self.opened_at),
            "clock": _utc(account.furthest),
            "judged": account.judged,
            "judging_failed": account.refused,
            "lag": self.lag,
            "said_at": _utc(max(each.at for each in account.latest.values())),
        }


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


@lane.command("list")
def list_lanes(*, as_json: _Json = False) -> None:
    """Print the open lanes of all feeds: since when, their own time, how much is judged, what waits."""
    found = asyncio.run(open_lanes(find_access()))
    if as_json:
        say_json([each.to_json() for each in found])
        return
    if not found:
        say("no lane is open but live")
        return
    show(None, lane_table(found))


def lane_table(lanes: list[OpenLane]) -> Table:
    """Open lanes as a table for people; local time."""
    made = table("feed", "lane", "open since", "lane time", "judged", "waiting")
    for each in lanes:
        opened, clock = each.opened_at, each.account.furthest
        times = (day_and_time(at) if at is not None else UNKNOWN for at in (opened, clock))
        add_row(made, (each.account.feed, each.account.lane, *times, count(each.account.judged), count(each.lag)))
    return made


@lane.command("close")
def close_lane(
    feed: Annotated[Feed, typer.Argument(show_default=False, help="The feed that the lane belongs to.")],
    name: Annotated[str, typer.Argument(metavar="LANE", show_default=False, help="As `district lane list` has it.")],
) -> None:
    """Close a lane: what waits in it is judged, then it is forgotten. Its readings, alerts and figures stay."""
    try:
        account = asyncio.run(close(find_access(), feed, full_lane(name), console(stderr=True)))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    failed = f", {account.refused:,} of them failed (see v_dead_letters)" if account.refused else ""
    say(f"lane {account.lane} of {feed} is closed: {account.judged:,} readings judged{failed}")


async def open_lanes(access: Access) -> list[OpenLane]:
    """Ask Kafka for the open lanes.

    Raises:
        ServerSilent: Kafka does not answer.
    """
    async with LaneTopic(access.kafka) as topic:
        known = [each for each in accounts(await topic.everything()) if each.is_open]
        ends = {feed: await topic.ends(feed) for feed in {each.feed for each in known}}
        openings = [_opening(each) for each in known]
        opened = await topic.opened_at(openings)
    return [OpenLane(each, at, each.lag(ends[each.feed])) for each, at in zip(known, opened, strict=True)]


def _opening(account: LaneAccount) -> tuple[Feed, int, int]:
    """Feed, partition and offset of the clock message that opened it, in the first partition that holds it open."""
    first = min(each.partition for each in account.latest.values() if each.phase is LanePhase.OPEN)
    return account.feed, first, account.latest[first].opened_offset


async def close(access: Access, feed: Feed, name: str, shown_on: Console) -> LaneAccount:
    """Close a lane and wait until everything of it is judged.

    Raises:
        LaneRefused: it is not open.
        ReplayStalled: judging stands still.
        ServerSilent: a server is not named or does not answer.
    """
    if access.mqtt_url is None:
        raise ServerSilent("set MQTT_URL, or start the district.")
    async with LaneTopic(access.kafka) as topic:
        account = LaneAccount(feed, name)
        account.hear(await topic.everything())
        if not account.is_open:
            raise LaneRefused(f"lane {name} of {feed} is not open; `district lane list` shows those that are.")
        tick = Tick(lane=name, at=account.furthest or EARLIEST, closes=True)
        endpoint = parse_endpoint(access.mqtt_url.get_secret_value())
        try:
            async with Gateway(endpoint, f"district-lane-{uuid.uuid4().hex[:8]}") as gateway:
                await gateway.wait_connected()

                async def send() -> None:
                    payload, topic_name = tick.model_dump_json().encode(), str(ClockTopic(feed, name))
                    gateway.publish(wire.publish_head(topic_name, len(payload)), wire.publish_body(payload))
                    await gateway.drain()

                await Judging(topic, account, awaited=account.judged).until_closed(shown_on, send)
        except SimulatorError as error:
            raise LaneRefused(str(error)) from error
    return account
