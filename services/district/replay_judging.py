"""Waits until what a replay sent has been judged, and says where judging stands meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from services.district.errors import ReplayRefused, ReplayStalled, ServerSilent
from services.district.lane_account import Ends, LaneAccount
from services.district.lane_topic import LaneTopic
from services.district.replay_view import step

LOOK_SECONDS: Final = 0.3
STALL_SECONDS: Final = 60.0
"""Judging of other lanes has the lowest priority on a machine, and says how far it is once a second."""
LOOK_AT: Final = "look at processor-lanes (`district status`, `district logs processor-lanes`)"


@dataclass(slots=True)
class Judging:
    """How far the judging of one lane is, from the moment the topic was opened."""

    topic: LaneTopic
    account: LaneAccount
    awaited: int
    """Readings of this replay that will be judged, as far as is known."""
    stall_seconds: float = STALL_SECONDS

    async def look(self) -> None:
        """Hear what is new.

        Raises:
            ReplayRefused: the lane was not opened.
            ServerSilent: Kafka does not answer.
        """
        self.account.hear(await self.topic.news())
        refusal = self.account.refusal
        if refusal is not None:
            raise ReplayRefused(
                f"{refusal.rstrip('.')}. `district lane list` shows the lanes that are open; close one that is done "
                f"(`district lane close {self.account.feed} LANE`) and replay again."
            )

    def words(self) -> str:
        """Say where judging stands."""
        clock = self.account.clock
        lane_time = f", lane time {clock:%Y-%m-%d %H:%M}" if clock is not None else ""
        return f"judged {min(self.account.judged, self.awaited):,} of {self.awaited:,}{lane_time}"

    async def until_judged(self, console: Console) -> None:
        """Return when everything that is in Kafka now has been judged, as far as the lane's clock has come.

        Raises:
            ReplayRefused: the lane was not opened.
            ReplayStalled: judging stands still.
        """
        ends = await self.topic.ends(self.account.feed)
        await self._until(lambda: self.account.is_judged(ends), ends, console)

    async def until_closed(self, console: Console, close: Callable[[], Awaitable[None]]) -> None:
        """Close the lane, and return when everything of it has been judged and it is forgotten.

        Args:
            close: Sends the message that closes it.

        Raises:
            ReplayRefused: the lane was not opened.
            ReplayStalled: judging stands still.
        """
        ends = await self.topic.ends(self.account.feed)
        await close()
        await self._until(lambda: self.account.is_closed(ends), ends, console)

    async def _until(self, done: Callable[[], bool], ends: Ends, console: Console) -> None:
        moved_at, before = time.monotonic(), ""
        trouble: ServerSilent | None = None
        with step(console, "judged", self.awaited) as judged:
            while True:
                try:
                    await self.look()
                    trouble = None
                except ServerSilent as error:
                    trouble = error  # Kafka may come back; until then nothing moves.
                is_done = done()
                judged.at(self.awaited if is_done else min(self.account.judged, self.awaited), self.words())
                if is_done:
                    return
                now = repr(self.account)
                if now != before:
                    before, moved_at = now, time.monotonic()
                elif time.monotonic() - moved_at > self.stall_seconds:
                    raise ReplayStalled(str(trouble) if trouble is not None else self.where_it_stands(ends))
                await asyncio.sleep(LOOK_SECONDS)

    def where_it_stands(self, ends: Ends) -> str:
        """Say what is judged, what is not, and which service should be doing it."""
        account = self.account
        stored = "all readings are accounted for, but judging stands still"
        if not account.latest:
            return f"{stored}: nothing was said of lane {account.lane} at all; {LOOK_AT}."
        if not account.is_open:
            return (
                f"lane {account.lane} was closed by somebody else at {self.words()}: what came behind is stored and "
                "not judged (see v_dead_letters); replay into a lane of another name."
            )
        behind = [
            f"partition {partition} at {account.latest[partition].next_offset if partition in account.latest else 0:,} "
            f"of {end:,}"
            for partition, end in ends.items()
            if partition not in account.latest or account.latest[partition].next_offset <= end
        ]
        return f"{stored} at {self.words()} ({', '.join(behind) or 'not closed'}); {LOOK_AT}."
