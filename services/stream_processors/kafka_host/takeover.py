"""Taking partitions over and giving them up, so that no reading is passed over and no heartbeat is missed.

What aiokafka 0.14 allows: its assignors are eager, in each rebalance every member gives up all it has before anybody
gets anything, and while `on_partitions_assigned` runs no heartbeat goes out. So

- the callback only pauses the new partitions; the work is done beside it, by a task that a next rebalance ends;
- a partition that comes back to us (the sticky assignor sees to it that most do) is *kept* meanwhile, with its worker
  and its writer: if the writer was not fenced nobody else has had it, and we go on where we were;
- any other one is taken over cold:
    1. open the writer: from here on the old owner's states are refused, so what is read next is the last one;
    2. read the state, decode it in slices;
    3. read where the log begins and ends, and whether it is the state's: after the state, or an old owner could have
       written both in between;
    4. seek, and drop what was fetched before (see `polling`).

A partition whose state cannot be read and whose log is no longer whole stands still, says so, and is looked at again
until the operator has given its state up. Ending the process would not help: the next one would come to the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import orjson
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from schemas.loss_acceptance import ACCEPT_KEY
from services.runtime.consuming import Membership, Positions
from services.runtime.log_faults import LogFaults
from services.runtime.log_look import LogLook, Trail
from services.runtime.same_log import Anew
from services.stream_processors.engine.changelog import Restore, Restored
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.worker import Worker
from services.stream_processors.errors import FencedError, StateLostError, UnreadableStateError
from services.stream_processors.kafka_host.holdings import Holding
from services.stream_processors.kafka_host.log_trail import trail_in
from services.stream_processors.kafka_host.loss_watch import LossWatch
from services.stream_processors.kafka_host.losses import HOST_KEYS, LOG_KEY, OWNER_KEY, is_accepted, losses_in
from services.stream_processors.kafka_host.polling import Poller
from services.stream_processors.kafka_host.starting_point import (
    StartingPoint,
    StartReason,
    starting_point,
    without_state,
)
from services.stream_processors.kafka_host.state_topic import StateTopic, StateWriter
from services.stream_processors.kafka_host.storing import Storing
from services.stream_processors.kafka_host.surroundings import Surroundings

S = TypeVar("S")
log = structlog.stdlib.get_logger()

_SLICE_SECONDS: Final = 0.01
"""So long is a state decoded before judging and heartbeats get their turn."""
_RETAKE_SECONDS: Final = 5.0
"""A fenced owner that the group still takes for the owner takes over again after so long: by then a member that was
put out, and fenced us without knowing it, has heard of it at its heartbeat."""
_LOOK_AGAIN_SECONDS: Final = 6.0
"""So often is a lost state looked at again; sooner than a partition that stands still is trouble of its own."""


@dataclass(frozen=True, slots=True)
class Log:
    """What is known of a partition's log."""

    start: int
    end: int
    trail: Trail
    """Of the state, up to date where it is the same log."""
    anew: Anew | None
    """Proof that it is another log than the state's."""


@dataclass(frozen=True, slots=True)
class Reach(Generic[S]):
    """What a new owner starts with."""

    judge: Judge[S]
    state: StateTopic
    look: LogLook
    owner: str
    """Name of this process, for whoever reads the state topic."""


class TakeOver(Generic[S]):
    """Holds what the group gives.

    Args:
        ready: Called when all that the group gave is held.
    """

    def __init__(
        self,
        around: Surroundings[S],
        reach: Reach[S],
        *,
        poller: Poller,
        storing: Storing[S],
        losses: LossWatch[S],
        faults: LogFaults,
        ready: Callable[[], None],
    ) -> None:
        self._duty = around.duty
        self._consumer = around.consumer
        self._holdings = around.holdings
        self._reach = reach
        self._poller = poller
        self._storing = storing
        self._losses = losses
        self._faults = faults
        self._ready = ready
        self._beat = around.beat
        self._health = around.health
        self._lost: dict[int, str] = {}
        """Partitions that stand still until the operator gives their state up, and what to say of each."""
        self._looking: asyncio.TimerHandle | None = None
        self._kept: dict[int, Holding[S]] = {}
        """Given up, and perhaps coming back."""
        self._wanted: set[int] = set()
        self._asked = asyncio.Event()
        self._taking: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self.steps = 0
        """Counts up while take-overs come further."""

    async def run(self) -> None:
        """Take over what is asked for, for ever.

        Raises:
            TransientError: Kafka does not answer.
        """
        try:
            while True:
                await self._asked.wait()
                self._asked.clear()
                if self._failure is not None:
                    raise self._failure
                self._taking = asyncio.create_task(self._take(set(self._wanted)), name="take over")
                await asyncio.wait([self._taking])
                if not self._taking.cancelled():
                    self._taking.result()
        finally:
            await self._stop_taking()

    def fail(self, error: Exception) -> None:
        """Something went wrong in a callback, where aiokafka would swallow it."""
        self._failure = error
        self._asked.set()

    def on_assigned(self, partitions: Iterable[int]) -> None:
        """The group gives these: they stand still until their state is there."""
        self._wanted = set(partitions)
        self._poller.hold(map(self._place, self._wanted))
        self._asked.set()

    def is_lost(self, partition: int) -> bool:
        """Whether a partition stands still until the operator has given its state up."""
        return partition in self._lost

    async def on_revoked(self) -> None:
        """The group takes everything away; what comes back is gone on with."""
        self._wanted.clear()
        if self._looking is not None:
            self._looking.cancel()  # or it would give up in the middle of the rebalance what is kept
        await self._stop_taking()
        for partition in list(self._lost):
            self._found(partition)
        self._holdings.leave()
        async with self._holdings.lock:
            ours = self._holdings.all()
            for holding in ours:
                self._holdings.drop(holding.partition)
                self._kept[holding.partition] = holding
            self._storing.collect(ours)
        await self._storing.write(ours)

    def fenced(self, holding: Holding[S]) -> None:
        """Another process writes the partition's state: it is not ours, whatever the group says."""
        if self._holdings.get(holding.partition) is holding:
            self._holdings.drop(holding.partition)
        self._kept[holding.partition] = holding
        log.warning("another process has taken the partition over", action="fenced", partition=holding.partition)
        asyncio.get_running_loop().call_later(_RETAKE_SECONDS, self._asked.set)

    async def close(self) -> None:
        """Give the writers back."""
        await self._stop_taking()
        ours = [*self._holdings.all(), *self._kept.values()]
        await asyncio.gather(*(holding.writer.close() for holding in ours))

    async def _stop_taking(self) -> None:
        if self._taking is not None and not self._taking.done():
            self._taking.cancel()
            await asyncio.wait([self._taking])

    async def _take(self, wanted: set[int]) -> None:
        await self._forget([holding for partition, holding in self._kept.items() if partition not in wanted])
        kept = list(self._kept.values())
        for holding, ours in zip(kept, await asyncio.gather(*map(self._is_still_ours, kept)), strict=True):
            if ours:
                self._go_on(holding, holding.worker.next_offset)
                log.info("partition goes on", action="kept", partition=holding.partition)
            else:
                await self._forget([holding])
        await self._take_cold(sorted(partition for partition in wanted if self._holdings.get(partition) is None))
        self._ready()
        if self._lost:
            self._look_again()

    def _look_again(self) -> None:
        """Once for all that is lost, or each look would bring as many."""
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.get_running_loop().call_later(_LOOK_AGAIN_SECONDS, self._asked.set)

    async def _is_still_ours(self, holding: Holding[S]) -> bool:
        """Ask the only one who knows: a write of a former owner is refused."""
        try:
            await holding.writer.write({OWNER_KEY: self._owner_record()})
        except FencedError:
            return False
        return True

    async def _forget(self, holdings: Iterable[Holding[S]]) -> None:
        for holding in list(holdings):
            del self._kept[holding.partition]
            self._losses.forget(holding)
            await holding.writer.close()

    async def _take_cold(self, partitions: list[int]) -> None:
        if not partitions:
            return
        writers: dict[int, StateWriter] = {}

        async def open_writer(partition: int) -> None:
            writers[partition] = await self._reach.state.writer(partition)
            self._step()

        try:
            await asyncio.gather(*map(open_writer, partitions))
            states = await self._reach.state.read(partitions, self._step)
            places = list(map(self._place, partitions))
            starts = await self._consumer.beginning_offsets(places)
            ends = await self._consumer.end_offsets(places)
            trails = {place: trail_in(states[place.partition]) for place in places}
            anew = await self._reach.look.look(trails)
            for place in places:
                partition: int = place.partition
                log_has = Log(starts[place], ends[place], trails[place], anew.get(place))
                try:
                    holding = await self._restored(partition, writers[partition], states.pop(partition), log_has)
                except StateLostError as error:
                    self._stand_still(partition, str(error))
                    continue
                self._found(partition)
                if self._go_on(holding, holding.worker.next_offset):
                    del writers[partition]
        finally:
            await asyncio.gather(*(writer.close() for writer in writers.values()))

    def _stand_still(self, partition: int, why: str) -> None:
        if self._lost.get(partition) != why:
            log.error(why, action=StartReason.STATE_LOST, topic=self._duty.topic, partition=partition)
        self._lost[partition] = why
        self._health.trouble(self._lost_part(partition), why)

    def _found(self, partition: int) -> None:
        """The state is there, was given up, or is another process's affair."""
        if self._lost.pop(partition, None) is not None:
            self._health.well(self._lost_part(partition))

    def _lost_part(self, partition: int) -> str:
        return f"state_lost.{self._duty.name}.{partition}"

    async def _restored(
        self, partition: int, writer: StateWriter, records: dict[bytes, bytes], log_has: Log
    ) -> Holding[S]:
        """What is known of a partition."""
        place, accepted = self._place(partition), is_accepted(records, datetime.now(UTC))
        restored, unreadable = None, ""
        try:
            restored = await self._decoded(partition, records)
        except UnreadableStateError as error:
            unreadable = str(error)
        start = (
            without_state(log_has.start, accepted=accepted)
            if unreadable
            else starting_point(
                None if restored is None else restored.next_offset,
                log_has.start,
                log_has.end,
                anew=log_has.anew,
                known_end=log_has.trail.end,
            )
        )
        self._tell(partition, start, unreadable)
        worker = Worker(
            self._reach.judge,
            place.topic,
            partition,
            restored if start.keep_state else None,
            live=self._duty.live,
        )
        worker.next_offset = start.offset
        holding = Holding(place, worker, writer, stored_trail=records.get(LOG_KEY))
        if start.reason is StartReason.LOG_RECREATED:
            self._faults.made_anew(place, log_has.anew or Anew.SHORTER)
        elif start.keep_state:
            holding.trail = log_has.trail
        if not start.keep_state:
            # Keys of the old state must not come back beside those of the new one.
            holding.pending |= dict.fromkeys(key for key in records if key not in HOST_KEYS)
        if ACCEPT_KEY in records:
            holding.pending[ACCEPT_KEY] = None
        holding.losses = [] if accepted else losses_in(records)
        self._losses.take(holding, start.loss, accepted=accepted)
        return holding

    async def _decoded(self, partition: int, records: Mapping[bytes, bytes]) -> Restored[S] | None:
        engines = {key: value for key, value in records.items() if key not in HOST_KEYS}
        restore = Restore(self._reach.judge, engines, self._duty.topic, partition)
        begun = time.monotonic()
        for _ in restore.steps():
            if time.monotonic() - begun > _SLICE_SECONDS:
                self._step()
                await asyncio.sleep(0)
                begun = time.monotonic()
        self._step()
        return restore.result()

    def _tell(self, partition: int, start: StartingPoint, unreadable: str) -> None:
        """Say from where the partition is judged.

        Raises:
            StateLostError: nobody but the operator can say how to go on.
        """
        duty = self._duty
        if start.reason is StartReason.STATE_LOST:
            raise StateLostError(
                f"{unreadable}. The log of {duty.topic} partition {partition} begins at offset {start.offset}, so it "
                f"cannot be judged again from its beginning: the partition stands still until one of the two is done"
            )
        as_expected = start.reason in {StartReason.RESUMED, StartReason.NO_STATE}
        note = log.info if as_expected else log.warning
        note(
            "partition taken over",
            action=start.reason,
            topic=duty.topic,
            partition=partition,
            offset=start.offset,
            **({"unreadable": unreadable} if unreadable else {}),
        )

    def _go_on(self, holding: Holding[S], offset: int) -> bool:
        """Judge the partition from here on; false when the group has taken it away meanwhile."""
        try:
            holding.since = self._poller.seek(holding.place, offset)
        except IllegalStateError:
            return False
        self._kept.pop(holding.partition, None)
        self._holdings.add(holding)
        return True

    def _owner_record(self) -> bytes:
        return orjson.dumps({"owner": self._reach.owner, "at": datetime.now(UTC)})

    def _place(self, partition: int) -> TopicPartition:
        return TopicPartition(self._duty.topic, partition)

    def _step(self) -> None:
        self.steps += 1
        self._beat()


class Rebalance(Membership):
    """Tells the take-over what the group gives and takes; aiokafka swallows errors, so they are kept."""

    def __init__(self, positions: Positions, takeover: TakeOver[Any]) -> None:
        super().__init__(positions)
        self._takeover = takeover

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Everything is taken away."""
        super().on_partitions_revoked(revoked)
        try:
            await self._takeover.on_revoked()
        except Exception as error:  # noqa: BLE001 - handed to the host, which stops
            self._takeover.fail(error)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """This is ours."""
        super().on_partitions_assigned(assigned)
        try:
            self._takeover.on_assigned([place.partition for place in assigned])
        except Exception as error:  # noqa: BLE001 - handed to the host, which stops
            self._takeover.fail(error)
