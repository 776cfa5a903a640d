"""Waits until each reading of a replay is stored or dead-lettered; what is missing is sent once more, then given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rich.console import Console

from schemas.fields import Feed
from services.district.errors import ReplayStalled, ServerSilent
from services.district.replay_account import Account, awaited_by_sink, settle
from services.district.replay_judging import Judging
from services.district.replay_ledger import ReplayLedger, Standing
from services.district.replay_view import step
from services.read_model.replays import ReplayScope
from simulators.replay.files import Recording
from simulators.replay.numbering import Key, Outgoing
from simulators.replay.publisher import ReplayPublisher

POLL_SECONDS: Final = 0.3
POLL_SHARE: Final = 4
"""Pause between two questions, in times of how long the answer took, when that is more than the above."""


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What is replayed, where, and what was there before."""

    recording: Recording
    scope: ReplayScope
    sent: Sequence[Outgoing]
    keys: frozenset[Key]
    before: frozenset[Key]
    standing: Standing


async def planned(
    recording: Recording, scope: ReplayScope, sent: Sequence[Outgoing], ledger: ReplayLedger
) -> ReplayPlan:
    """Look up what the lane has of these readings already.

    Raises:
        ServerSilent: the database does not answer.
    """
    return ReplayPlan(
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


class StorageWait:
    """Waits for the sink and the bridge.

    Args:
        judging: Looked at meanwhile; None when nobody waits for it.
        stall_seconds: Time without any progress after which what is missing is sent again, then given up.
    """

    def __init__(
        self,
        plan: ReplayPlan,
        ledger: ReplayLedger,
        publisher: ReplayPublisher,
        *,
        judging: Judging | None,
        stall_seconds: float,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._publisher = publisher
        self._judging = judging
        self._stall_seconds = stall_seconds

    async def until_settled(self, console: Console) -> None:
        """Return when each reading is accounted for.

        Raises:
            ReplayRefused: the lane was not opened.
            ReplayStalled: nothing moves any more and something is missing.
            GatewayRefused: the MQTT broker refuses something.
        """
        with step(console, "stored", len(self._plan.keys)) as stored:
            await self._until(self._is_settled, lambda now: stored.at(self._settled(now), self._judging_words(now)))

    async def until_classed(self, console: Console) -> None:
        """Return when each stored sample has its class in the database, where the file's publisher gave one.

        Raises:
            ReplayStalled: nothing moves any more and some have none.
        """
        plan = self._plan
        if plan.scope.feed is not Feed.WATER or all(each.source.label is None for each in plan.sent):
            return
        awaited = (await self._ledger.standing()).stored
        with step(console, "classed", awaited) as classed:
            await self._until(lambda now: now.classed >= now.stored, lambda now: classed.at(now.classed))

    def reach_judging(self, now: Standing) -> int:
        """How many readings of the replay come to be judged: all that the bridge did not refuse."""
        return awaited_by_sink(self._plan.sent, newly_dead(self._plan.standing, now))

    def _judging_words(self, now: Standing) -> str:
        if self._judging is None:
            return ""
        self._judging.awaited = self.reach_judging(now)
        return self._judging.words()

    def _settled(self, now: Standing) -> int:
        return now.stored + len(newly_dead(self._plan.standing, now))

    def _is_settled(self, now: Standing) -> bool:
        seen = now.seen - self._plan.standing.seen
        return self._settled(now) >= len(self._plan.keys) and seen >= self.reach_judging(now)

    def _progress(self, now: Standing | None) -> Standing | None:
        """What moves by this replay alone.

        The sink also sees the readings of others: that counts only when the rest is there and repeats are waited for.
        """
        if now is None or self._settled(now) >= len(self._plan.keys):
            return now
        return replace(now, seen=0)

    async def _until(self, done: Callable[[Standing], bool], tell: Callable[[Standing], None]) -> None:
        is_repeated = False
        last, moved_at = None, time.monotonic()
        trouble: ServerSilent | None = None
        while True:
            asked_at = time.monotonic()
            now = last
            try:
                now = await self._ledger.standing()
                if self._judging is not None:
                    await self._judging.look()
                trouble = None
            except ServerSilent as error:
                trouble = error  # The server may come back; until then nothing moves.
            if now is not None and trouble is None:
                tell(now)
                if done(now):
                    return
            if self._progress(now) != self._progress(last):
                moved_at = time.monotonic()
            last = now
            if time.monotonic() - moved_at > self._stall_seconds:
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
                f"the same lane again while it is open (--lane {self._plan.scope.lane}): what is stored stays as it is."
            )
        if now is not None and now.classed < now.stored and self._plan.scope.feed is Feed.WATER:
            return (
                f"all readings are stored and judged, but {now.stored - now.classed:,} of {now.stored:,} have no class "
                "in the database. Check that timescale_sink runs (`district status`)."
            )
        return (
            "all readings are accounted for, but the sink has not seen this run's repeats of them. Check that "
            "ingest_bridge and timescale_sink run (`district status`)."
        )
