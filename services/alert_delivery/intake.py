"""What one subscriber has before it: both topics through a consumer group of its own.

1. On assignment: go on where the group's commit says, or, without one, where the subscription begins.
2. Read no more than there is room for; hand each event to the line of its asset.
3. Once a second, or after a hundred events, commit the lowest unfinished offset of each partition, and what is finished
   beyond it.
4. When partitions go: let go of everything in hand, commit, and only then leave them to somebody else.

A topic that was made anew, or has lost its end, is read from its beginning: its events are new though its offsets are
known, and a subscriber knows a repeat by its id.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Protocol

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from schemas.topics import ALERT_ACTIONS, ALERTS
from services.alert_delivery.chains import Chains
from services.alert_delivery.delivering import Errand
from services.alert_delivery.errors import UndecodableEvent
from services.alert_delivery.events import Event, Shelf
from services.alert_delivery.placing import Bounds, Hold, KafkaAccess, ends_of, hold_of
from services.alert_delivery.progress import Progress
from services.runtime.kafka import consumer
from services.runtime.log_faults import LogFaults
from services.runtime.log_follower import LogFollower

log = structlog.stdlib.get_logger()

TOPICS: Final = (ALERTS, ALERT_ACTIONS)
COMMIT_SECONDS: Final = 1.0
COMMIT_EVENTS: Final = 100
"""Sooner when so many are finished: a kill repeats no more, whatever the pace."""
LETTING_GO_SECONDS: Final = 3.0
"""So long an attempt that is under way may take when the service stops or partitions go."""
FETCH_BYTES: Final = 128 * 1024
"""Of a partition at a time: two hundred subscribers must fit into memory."""
POLL_MILLISECONDS: Final = 500
_NO_END: Final = 2**63
_NEVER_IDLE: Final = 2_000_000_000
"""Milliseconds: a subscriber that is down for days does not lose its place, however long nothing is read for it."""
_READ: Final[dict[str, Any]] = {
    "fetch_max_wait_ms": 200,
    "max_partition_fetch_bytes": FETCH_BYTES,
    "max_poll_interval_ms": _NEVER_IDLE,
    "session_timeout_ms": 15_000,
    "auto_offset_reset": "earliest",
    # By ranges: who has a partition of one topic has the same one of the other, and so all of an asset.
    "partition_assignment_strategy": (RangePartitionAssignor,),
}


class Carrier(Protocol):
    """What becomes of events."""

    def wants(self, event: Event) -> bool:
        """Whether there is anything to do about an event."""

    async def carry(self, errand: Errand) -> None:
        """Return when nothing is to be done about it any more."""

    async def let_go(self, seconds: float) -> None:
        """Begin nothing new, and wait a little for what is under way."""

    def go_on(self) -> None:
        """Begin again."""


class Intake(ConsumerRebalanceListener):  # type: ignore[misc] # the client has no types
    """Reads for one subscriber until it is cancelled, or for one redelivery until its end is reached."""

    def __init__(
        self,
        kafka: KafkaAccess,
        shelf: Shelf,
        bounds: Bounds,
        *,
        carrier: Carrier,
        faults: LogFaults,
        capacity: int,
        asked_at: datetime | None = None,
    ) -> None:
        """See the class.

        Args:
            faults: Told when a log was made anew.
            capacity: Events in hand.
            asked_at: When the redelivery was asked for; None: it is none.
        """
        self._kafka = kafka
        self._shelf = shelf
        self._bounds = bounds
        self._carrier = carrier
        self._faults = faults
        self._asked_at = asked_at
        self._lines: Chains[Errand] = Chains(self._work, capacity)
        self._hold: Hold | None = None
        self._uncommitted = 0
        self._commit_soon = asyncio.Event()
        self._committed: set[TopicPartition] = set()
        """Partitions in which the group has a place by us."""
        self._records: Any = None
        self._follower: LogFollower

    @property
    def in_hand(self) -> int:
        """Events that were read and are not finished."""
        return self._lines.in_hand

    async def run(self) -> None:
        """Read and hand over; return at the end, if there is one.

        Raises:
            Exception: what carrying an event has raised.
        """
        options = _READ | {"group_instance_id": self._kafka.instance}
        async with consumer(self._kafka.settings, self._bounds.group, (), self._bounds.group, **options) as records:
            self._go_by(records)
            records.subscribe(TOPICS, listener=self)
            committing = asyncio.create_task(self._commit_often(), name=f"commit {self._bounds.group}")
            try:
                while not await self._is_at_end():
                    await self._read_some(await self._lines.room())
            finally:
                committing.cancel()
                await asyncio.wait({committing})
                await self._let_go()

    def _go_by(self, records: Any) -> None:
        self._records, self._follower = records, LogFollower(records)

    async def on_partitions_revoked(self, revoked: object) -> None:  # noqa: ARG002 - all of them go each time
        """Leave everything as somebody else can take it over."""
        await self._let_go()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Go on where the group is; Kafka that does not answer is asked again."""
        self._carrier.go_on()
        hold = await self._placed(assigned)
        hold.follow(self._follower)
        self._hold = hold
        for partition in hold.lost:
            self._faults.say(partition, self._bounds.lost)

    async def _placed(self, assigned: Iterable[TopicPartition]) -> Hold:
        while True:
            try:
                return await hold_of(self._kafka, self._bounds, self._records, assigned, self._committed)
            except KafkaError as error:
                log.warning(
                    "Kafka does not say where to go on", action="place", group=self._bounds.group, error=str(error)
                )
                await asyncio.sleep(COMMIT_SECONDS)

    async def _read_some(self, most: int) -> None:
        found = await self._follower.poll(timeout_ms=POLL_MILLISECONDS, max_records=most)
        hold = self._hold
        if hold is None:
            return
        for partition, why in found.anew.items():
            hold.begin_anew(partition)
            self._faults.made_anew(partition, why)
        hold.prove(self._follower)
        if hold.ends and found.anew:
            hold.ends |= await ends_of(self._records, self._bounds, found.anew)
            if self._hold is not hold:
                return
        # Both topics in the order of their times, as far as they were read together.
        for record in heapq.merge(*found.batches.values(), key=attrgetter("timestamp")):
            place = TopicPartition(record.topic, record.partition)
            if record.offset < hold.ends.get(place, _NO_END):
                self._take(record, hold.progress[place])

    def _take(self, record: Any, progress: Progress) -> None:
        tried = progress.begin(record.offset)
        if tried is None:
            return
        try:
            arrival = self._shelf.arrival(record)
        except UndecodableEvent as error:
            where = f"{record.topic}/{record.partition}/{record.offset}"
            log.warning("a record is no event and is passed over", action="pass_over", place=where, error=str(error))
            progress.finish(record.offset)
            return
        if self._carrier.wants(arrival.event):
            self._lines.put(arrival.event.asset, Errand(arrival, progress, tried, self._asked_at))
        else:
            progress.finish(record.offset)

    async def _work(self, errand: Errand) -> None:
        await self._carrier.carry(errand)
        errand.progress.finish(errand.arrival.place.offset)
        self._uncommitted += 1
        if self._uncommitted >= COMMIT_EVENTS:
            self._commit_soon.set()

    async def _is_at_end(self) -> bool:
        hold = self._hold
        if self._bounds.end is None or hold is None or self._lines.in_hand:
            return False
        return await self._follower.is_through(hold.ends)

    async def _let_go(self) -> None:
        hold, self._hold = self._hold, None  # what is read from now on is nobody's
        await self._carrier.let_go(LETTING_GO_SECONDS)
        await self._lines.cancel()
        await self._commit(hold)
        self._follower.clear()

    async def _commit_often(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_SECONDS):
                    await self._commit_soon.wait()
            self._commit_soon.clear()
            await self._commit(self._hold)

    async def _commit(self, hold: Hold | None) -> None:
        """Say how far we are; one that fails is made up by the next."""
        self._uncommitted = 0
        changed = {} if hold is None else hold.changed()
        if hold is None or not changed:
            return
        try:
            await self._records.commit(changed)
        except KafkaError as error:
            log.info("an offset was not committed", action="commit", group=self._bounds.group, error=str(error))
        else:
            hold.committed |= changed
            self._committed |= changed.keys()
