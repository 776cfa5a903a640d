"""What one subscriber has before it: both topics through a consumer group of its own.

1. On assignment: go on where the group's commit says, or, without one, where the subscription begins.
2. Read no more than there is room for; hand each event to the line of its asset.
3. Once a second, or after a hundred events, commit the lowest unfinished offset of each partition, and what is finished
   beyond it.
4. When partitions go: let go of everything in hand, commit, and only then leave them to somebody else.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from schemas.topics import ALERT_ACTIONS, ALERTS
from services.alert_delivery.chains import Chains
from services.alert_delivery.delivering import Errand
from services.alert_delivery.errors import UndecodableEvent
from services.alert_delivery.events import Event, Shelf
from services.alert_delivery.progress import Progress, is_made_anew
from services.runtime.kafka import consumer
from services.runtime.settings import KafkaSettings

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


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which part of the log is read, and by which group."""

    group: str
    begin: datetime
    """Where a group that has committed nothing begins."""
    end: datetime | None = None
    """Records from then on are not read; None: for ever."""


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """How subscribers reach Kafka."""

    settings: KafkaSettings
    admin: AIOKafkaAdminClient
    """Started; asked for what groups have committed."""
    instance: str | None
    """Name of this process in the groups: with one it gets its partitions back at once when it was killed."""


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


@dataclass(slots=True)
class _Hold:
    """What is held of the log since the last assignment."""

    progress: dict[TopicPartition, Progress] = field(default_factory=dict)
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    committed: dict[TopicPartition, tuple[int, str]] = field(default_factory=dict)
    jumps: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    """Offset that was expected, and the one that came."""


class Intake(ConsumerRebalanceListener):  # type: ignore[misc] # the client has no types
    """Reads for one subscriber until it is cancelled, or for one redelivery until its end is reached."""

    def __init__(
        self,
        kafka: KafkaAccess,
        shelf: Shelf,
        bounds: Bounds,
        *,
        carrier: Carrier,
        capacity: int,
        asked_at: datetime | None = None,
    ) -> None:
        """See the class.

        Args:
            capacity: Events in hand.
            asked_at: When the redelivery was asked for; None: it is none.
        """
        self._kafka = kafka
        self._shelf = shelf
        self._bounds = bounds
        self._carrier = carrier
        self._asked_at = asked_at
        self._lines: Chains[Errand] = Chains(self._work, capacity)
        self._hold: _Hold | None = None
        self._uncommitted = 0
        self._commit_soon = asyncio.Event()
        self._records: AIOKafkaConsumer = None

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
            self._records = records
            records.subscribe(TOPICS, listener=self)
            committing = asyncio.create_task(self._commit_often(), name=f"commit {self._bounds.group}")
            try:
                while not await self._is_at_end():
                    await self._read_some(await self._lines.room())
            finally:
                committing.cancel()
                await asyncio.wait({committing})
                await self._let_go()

    async def on_partitions_revoked(self, revoked: object) -> None:  # noqa: ARG002 - all of them go each time
        """Leave everything as somebody else can take it over."""
        await self._let_go()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Go on where the group is; Kafka that does not answer is asked again."""
        self._carrier.go_on()
        hold, partitions = _Hold(), list(assigned)
        while True:
            try:
                await self._place(hold, partitions)
            except KafkaError as error:
                log.warning(
                    "Kafka does not say where to go on", action="place", group=self._bounds.group, error=str(error)
                )
                await asyncio.sleep(COMMIT_SECONDS)
            else:
                break
        self._hold = hold

    async def _place(self, hold: _Hold, partitions: list[TopicPartition]) -> None:
        known = await self._kafka.admin.list_consumer_group_offsets(self._bounds.group)
        starts, ends = await self._log_of(partitions)
        begins = await self._offsets_at(self._bounds.begin, ends)
        if self._bounds.end is not None:
            hold.ends = await self._offsets_at(self._bounds.end, ends)
        for partition in partitions:
            before = known.get(partition)
            if before is not None and is_made_anew(before.offset, ends[partition]):
                self._begin_anew(hold, partition, before.offset, starts[partition], ends[partition])
            elif before is not None and before.offset >= 0:
                hold.progress[partition] = Progress.restored(before.offset, before.metadata or "")
                hold.committed[partition] = (before.offset, before.metadata or "")
            else:
                hold.progress[partition] = Progress(begins[partition])
            self._records.seek(partition, hold.progress[partition].position)

    async def _log_of(
        self, partitions: list[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        """Where the logs begin and end."""
        if not partitions:
            return {}, {}
        starts: dict[TopicPartition, int] = await self._records.beginning_offsets(partitions)
        ends: dict[TopicPartition, int] = await self._records.end_offsets(partitions)
        return starts, ends

    def _begin_anew(self, hold: _Hold, partition: TopicPartition, expected: int, start: int, end: int) -> None:
        log.error(
            "The log ends before what was read of it: it was made anew or has lost its end, and is read from its "
            "beginning; subscribers know repeats by their ids",
            action="log_made_anew",
            group=self._bounds.group,
            topic=partition.topic,
            partition=partition.partition,
            expected=expected,
            end=end,
        )
        hold.progress[partition] = Progress(start)
        hold.committed.pop(partition, None)

    async def _made_anew(self, hold: _Hold, batches: Mapping[TopicPartition, list[Any]]) -> set[TopicPartition]:
        """Records before the place where reading goes on: repeats, or another log, which is read from its beginning."""
        found = set()
        earlier = [
            place
            for place, records in batches.items()
            if place in hold.progress and records[0].offset < hold.progress[place].read_to
        ]
        starts, ends = await self._log_of(earlier)
        for place in earlier:
            expected = hold.progress[place].read_to
            if is_made_anew(expected, ends[place]):
                self._begin_anew(hold, place, expected, starts[place], ends[place])
                self._records.seek(place, starts[place])
                found.add(place)
        return found

    async def _offsets_at(self, at: datetime, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Offsets of the first records from a time on; where there are none, the end of the partition."""
        if not ends:
            return {}
        found = await self._records.offsets_for_times(dict.fromkeys(ends, int(at.timestamp() * 1000)))
        return {each: end if found.get(each) is None else found[each].offset for each, end in ends.items()}

    async def _read_some(self, most: int) -> None:
        hold = self._hold
        batches: dict[Any, list[Any]] = await self._records.getmany(timeout_ms=POLL_MILLISECONDS, max_records=most)
        if self._hold is not hold or hold is None:
            self._read_again()
            return
        asked_again = await self._made_anew(hold, batches)
        if self._hold is not hold:
            self._read_again()
            return
        # Both topics in the order of their times, as far as they were read together.
        for record in heapq.merge(*batches.values(), key=attrgetter("timestamp")):
            place = TopicPartition(record.topic, record.partition)
            progress = hold.progress.get(place)
            if progress is None or record.offset >= hold.ends.get(place, _NO_END):
                continue
            if record.offset > progress.read_to and hold.jumps.get(place) != (progress.read_to, record.offset):
                # Gone by retention, or fetched before a seek: whoever asks again knows.
                hold.jumps[place] = (progress.read_to, record.offset)
                asked_again.add(place)
                self._records.seek(place, progress.read_to)
            if place not in asked_again:
                self._take(record, progress)

    def _read_again(self) -> None:
        """Partitions have changed hands while they were read: what came may be of before or of after."""
        if self._hold is not None:
            for partition, progress in self._hold.progress.items():
                self._records.seek(partition, progress.read_to)

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
        if self._bounds.end is None or self._hold is None or self._lines.in_hand:
            return False
        for partition, end in list(self._hold.ends.items()):
            if partition not in self._records.assignment() or await self._records.position(partition) < end:
                return False
        return True

    async def _let_go(self) -> None:
        await self._carrier.let_go(LETTING_GO_SECONDS)
        await self._lines.cancel()
        await self._commit()
        self._hold = None

    async def _commit_often(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_SECONDS):
                    await self._commit_soon.wait()
            self._commit_soon.clear()
            await self._commit()

    async def _commit(self) -> None:
        """Say how far we are; one that fails is made up by the next."""
        hold, self._uncommitted = self._hold, 0
        if hold is None:
            return
        new = {place: (each.position, each.metadata()) for place, each in hold.progress.items()}
        changed = {place: said for place, said in new.items() if hold.committed.get(place) != said}
        if not changed:
            return
        try:
            await self._records.commit(changed)
        except KafkaError as error:
            log.info("an offset was not committed", action="commit", group=self._bounds.group, error=str(error))
        else:
            hold.committed |= changed
