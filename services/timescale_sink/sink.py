"""The loops: go on from the database's own progress, consume, write; one a topic, over one consumer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime import metrics
from services.runtime.consuming import Membership, Positions, keep_membership
from services.runtime.errors import TransientError
from services.runtime.lifecycle import Lifetime
from services.runtime.log_look import LOOK_SECONDS, LogLook, OpenReader, Trail
from services.runtime.offsets import Offsets
from services.runtime.same_log import Anew
from services.timescale_sink.errors import TooMuchRefused, TopicFaulty, TopicUnreadable
from services.timescale_sink.kafka_faults import reading_errors
from services.timescale_sink.placing import logs_of
from services.timescale_sink.progress import Gap, Hole, Log, LogEnd, Onward, Place, before_a_hole, onward
from services.timescale_sink.settings import SinkSettings
from services.timescale_sink.shares import LANES_AT_ONCE, TOPICS, Share, share_of
from services.timescale_sink.standstill import Part, Standing
from services.timescale_sink.writer import Writer

FAULT_SECONDS: Final = 60.0
"""Longest pause of a topic that cannot be read or written for a fault that waiting is not known to mend."""
FAULT_SHOWN_SECONDS: Final = 5.0
"""A fault of one partition stays in health for so long after it was last met."""
LOOK_BACK_SECONDS: Final = 5.0
"""How often the sink sees whether the database still knows what was written: a copy may have been put back."""


@dataclass(frozen=True, slots=True)
class Source:
    """Kafka as the sink reads it."""

    consumer: AIOKafkaConsumer
    """Started, of a group, and subscribed to nothing yet."""
    open_reader: OpenReader
    """Reads single records beside the group."""


async def move_all(
    source: Source,
    writer: Callable[[], Writer],
    settings: SinkSettings,
    lifetime: Lifetime,
    standings: Mapping[str, Standing],
) -> None:
    """Run a loop a topic, each with a writer of its own, until the service is asked to stop; then commit.

    Args:
        standings: How far each topic is, for those who watch.
    """
    consumer, look = source.consumer, LogLook(source.consumer, source.open_reader)
    offsets, turns = Offsets(consumer, lifetime), asyncio.Semaphore(LANES_AT_ONCE)
    positions = Positions(consumer)
    membership = Membership(positions)
    consumer.subscribe(TOPICS, listener=membership)
    shares = [share_of(topic, settings.batch_records) for topic in TOPICS]
    lifetime.health.ready()
    async with asyncio.TaskGroup() as loops:
        for share in shares:
            turn = turns if share.takes_turns else nullcontext()
            reading = Reading(consumer, positions, membership, offsets, look)
            sink = Sink(reading, writer(), settings, lifetime, share, turn, standings[share.topic])
            loops.create_task(sink.run(), name=f"sink {share.topic}")
        loops.create_task(offsets.run(), name="commit offsets")
    await offsets.commit()


@dataclass(frozen=True, slots=True)
class Reading:
    """The member of the group that all loops read from."""

    consumer: AIOKafkaConsumer
    positions: Positions
    membership: Membership
    offsets: Offsets
    look: LogLook


@dataclass(slots=True)
class Sink:
    """Moves the records of one topic from Kafka to the database until it is asked to stop.

    What delays it (a backlog, rows that the database does not take just now) delays no other topic: the consumer gives
    each loop the records of its own partitions, and goes on fetching for the others.
    """

    reading: Reading
    writer: Writer
    settings: SinkSettings
    lifetime: Lifetime
    share: Share
    turn: AbstractAsyncContextManager[Any]
    """Held while a round is written."""
    standing: Standing
    """How far each partition is and what is being done, for those who watch."""
    _next: dict[TopicPartition, int] = field(default_factory=dict)
    """Where reading goes on: what lies before is in the database. A partition that is missing here has to be placed."""
    _trails: dict[TopicPartition, Trail] = field(default_factory=dict)
    """By what each log is known again."""
    _looking: tuple[dict[TopicPartition, Trail], asyncio.Task[dict[TopicPartition, Anew]]] | None = None
    """What is being asked for, beside the reading."""
    _looked_at: float = 0.0
    _sought: dict[TopicPartition, int] = field(default_factory=dict)
    """Where the consumer was sent: what comes first is the answer to it."""
    _changes: int = 0
    """Changes of the group when these were put down."""
    _faulty_until: float = 0.0
    """Until then a fault stays in health, though other partitions of the topic give their records."""
    _looked_back_at: float = 0.0

    async def run(self) -> None:
        """Consume until the service is asked to stop, or most rows are refused: then this topic stops, and no other.

        While a server does not take part, what is in hand is let go and read again from where the database is. Only
        what no topic can go on with is raised.

        Raises:
            FatalError: the tables are of another version, a server refuses the log-in, or the client has ended.
        """
        try:
            await self._move()
        finally:
            if self._looking is not None:
                self._looking[1].cancel()

    async def _move(self) -> None:
        wait, pace = self.settings.retry_first_seconds, self.share.pace
        while not self.lifetime.stopping:
            try:
                records = await self._round()
            except TooMuchRefused as error:
                self._stop(error)
                return
            except TransientError as error:
                self._trouble(error, wait)
                if isinstance(error, TopicUnreadable):  # its other partitions go on where they are
                    self._faulty_until = time.monotonic() + FAULT_SHOWN_SECONDS
                    self._forget_unanswered()
                else:
                    self._forget_all()
                await self._keep_membership(wait)
                faulty = isinstance(error, TopicFaulty)
                wait = min(wait * 2, FAULT_SECONDS if faulty else self.settings.retry_longest_seconds)
                continue
            if time.monotonic() >= self._faulty_until:
                self.lifetime.health.well(self._part)
            if records:
                wait = self.settings.retry_first_seconds
            if (pause := pace.pause(records)) > 0:
                await asyncio.sleep(pause)

    async def _round(self) -> int:
        """Place what is new, fetch, write; returns how many records."""
        self.standing.begin(Part.PLACING, time.monotonic())
        if self._changes != self.reading.membership.changes:
            self._forget_all()
        await self._look_back()
        await self._look()
        await self._place()
        self.standing.begin(Part.FETCHING, time.monotonic())
        mine = self._mine()
        if not mine:  # asked for none, the consumer would give those of all
            await self.lifetime.pause(self.settings.poll_ms / 1000)
            return 0
        with reading_errors():
            fetched: dict[TopicPartition, list[Any]] = await self.reading.consumer.getmany(
                *mine, timeout_ms=self.settings.poll_ms, max_records=self.share.round_records
            )
            epoch = self.reading.positions.epoch
        try:
            batches = await self._in_order(self.reading.positions.current(fetched, epoch))
        except TransientError:  # what was fetched is let go
            self._forget_all()
            raise
        if not batches:
            return 0
        self.standing.begin(Part.TURN, time.monotonic())
        async with self.turn:
            self.standing.begin(Part.WRITING, time.monotonic())
            since: dict[Place, int] = {place: self._next[place] for place in batches}
            await self.writer.write(batches, since, self._logs(batches))
        for place, records in batches.items():
            self._next[place] = records[-1].offset + 1
            self._trails[place].read(records[-1].offset, records[-1].timestamp)
            self.reading.offsets.done(place, self._next[place])
        self.standing.reached(self._next)
        return sum(map(len, batches.values()))

    def _mine(self) -> list[TopicPartition]:
        """Partitions of the topic that are ours; none while the group has not said it."""
        if not self.reading.membership.settled:
            return []
        return [place for place in self.reading.consumer.assignment() if place.topic == self.share.topic]

    @property
    def _part(self) -> str:
        return f"writing {self.share.topic}"

    async def _look_back(self) -> None:
        """Forget places of which the database knows less than was written."""
        if time.monotonic() - self._looked_back_at < LOOK_BACK_SECONDS or not self._next:
            return
        for place in await self.writer.went_back(dict(self._next)):
            self.lifetime.log.warning(
                "the database knows less than was written, a copy of it was put back: reading from where it is",
                action="went_back",
                topic=place[0],
                partition=place[1],
            )
            self._forget(TopicPartition(*place))
        self._looked_back_at = time.monotonic()

    async def _place(self) -> None:
        """Go to where the database is in partitions that came to us; name what Kafka no longer has."""
        mine = self._mine()
        for place in [place for place in self._next if place not in mine]:
            self._forget(place)
        wanted = [place for place in mine if place not in self._next]
        if not wanted:
            return
        logs = await logs_of(self.reading.consumer, wanted)
        placements = await self.writer.place(dict(logs))
        for place in wanted:
            self._say(place, placements[place].gaps, anew=placements[place].anew)
        trails = {place: Trail(placements[place].proof) for place in wanted}
        with reading_errors():
            others = await self.reading.look.look(trails)
        for place in wanted:
            next_offset = placements[place].next_offset
            if place in others:  # it is placed again in the next round
                await self._begin_again(place, trails[place], next_offset)
            elif self._changes == self.reading.membership.changes:
                self._next[place] = self._sought[place] = next_offset
                self._trails[place], self._looked_at = trails[place], 0.0
                self.reading.positions.seek(place, next_offset)
        self.standing.reached(self._next)

    async def _look(self) -> None:
        """See now and then whether the logs are those that were read; asked beside the reading, which does not wait."""
        if self._looking is None:
            moved = {place: trail for place, trail in self._trails.items() if trail.has_moved}
            if moved and time.monotonic() - self._looked_at >= LOOK_SECONDS:
                self._looked_at = time.monotonic()
                self._looking = moved, asyncio.create_task(self.reading.look.look(moved), name="look at the logs")
            return
        trails, looking = self._looking
        if not looking.done():
            return
        self._looking = None
        try:
            with reading_errors():
                others = looking.result()
        except TransientError as error:  # what is read goes on, and is looked at next time
            self.lifetime.log.info("the logs were not looked at", action="look_failed", detail=str(error))
            return
        for place in others:
            if self._trails.get(place) is trails[place]:
                await self._begin_again(place, trails[place], self._next[place])

    async def _begin_again(self, place: TopicPartition, trail: Trail, next_offset: int) -> None:
        """A log proved to be another one; it is placed in the next round."""
        asked = trail.asked()
        if asked is not None:
            log: Log = (await logs_of(self.reading.consumer, [place]))[place]
            one = await self.writer.begin_again(place, log, next_offset=next_offset, proof=asked.mark)
            self._say(place, one.gaps, anew=one.anew)
        self._forget(place)

    async def _in_order(self, fetched: Mapping[TopicPartition, Sequence[Any]]) -> dict[TopicPartition, Sequence[Any]]:
        """What continues the database; everything else was fetched before its partition was placed, and comes again."""
        found: dict[TopicPartition, Sequence[Any]] = {}
        for place, records in fetched.items():
            if place not in self._next:
                continue
            if await self._continues(place, records[0]):
                found[place] = before_a_hole(place.topic, records)
        return found

    async def _continues(self, place: TopicPartition, first: Any) -> bool:
        """Whether a batch is what comes next; what is gone before it is named, what is not is read again."""
        expected = self._next[place]
        if first.offset == expected:
            return True
        log: Log = (await logs_of(self.reading.consumer, [place]))[place]
        found = onward(place.topic, expected, first.offset, log, sought=self._sought.get(place) == expected)
        if found is Onward.GONE:
            hole = Hole(expected, first.offset, datetime.fromtimestamp(first.timestamp / 1000, UTC))
            one = await self.writer.pass_over(place, log, hole)
            self._say(place, one.gaps, anew=False)
            if one.next_offset == first.offset:
                self._next[place] = first.offset
                return True
        if found is Onward.GOES_ON:
            return True
        self._forget(place)
        return False

    def _say(self, place: TopicPartition, gaps: Sequence[Gap], *, anew: bool) -> None:
        where = {"topic": place.topic, "partition": place.partition}
        if anew:
            self.lifetime.log.warning(
                "not the log that was read before: the topic was made anew or lost its end, reading from its start",
                action="begin_again",
                **where,
            )
        for gap in gaps:
            metrics.RECORDS_UNSTORED.labels(place.topic).inc(gap.before_offset - gap.first_offset)
            self.lifetime.log.error(
                "records were gone from Kafka before they were stored",
                action="gap",
                first=gap.first_offset,
                last=gap.before_offset - 1,
                why=gap.why,
                **where,
            )

    def _forget(self, place: TopicPartition) -> None:
        self.reading.positions.forget(place)
        for known in (self._next, self._trails, self._sought):
            known.pop(place, None)

    def _forget_unanswered(self) -> None:
        """Forget what was sought and has given nothing: what it gave may have been lost with another one's fault."""
        for place in [place for place, offset in self._sought.items() if self._next.get(place) == offset]:
            self._forget(place)

    def _forget_all(self) -> None:
        for place in list(self._next):
            self._forget(place)
        self._changes = self.reading.membership.changes

    def _logs(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> dict[Place, LogEnd]:
        """Where each partition ends, as the last answer of Kafka had it, and by what it is known again."""
        found: dict[Place, LogEnd] = {}
        for place, records in batches.items():
            end = self.reading.consumer.highwater(place) if place in self.reading.consumer.assignment() else None
            end = None if end is None else max(end, records[-1].offset + 1)
            found[place.topic, place.partition] = LogEnd(end, self._trails[place].proof)
        return found

    def _trouble(self, error: TransientError, wait: float) -> None:
        metrics.DATABASE_RETRIES.inc()
        self.lifetime.health.trouble(self._part, str(error))
        self.lifetime.log.warning(
            "rows cannot be moved just now, waiting with them",
            action="retry",
            topic=self.share.topic,
            error=type(error).__name__,
            detail=str(error),
            seconds=wait,
        )

    def _stop(self, error: TooMuchRefused) -> None:
        self.standing.begin(Part.STOPPED, time.monotonic())
        self.lifetime.health.trouble(self._part, str(error))
        self.lifetime.log.error(str(error), action="stop_topic", topic=self.share.topic, error=type(error).__name__)

    async def _keep_membership(self, seconds: float) -> None:
        """Wait, and poll without taking records, so that the group does not think we are stuck."""
        await self.lifetime.pause(seconds)
        await keep_membership(self.reading.consumer, self.share.topic)
