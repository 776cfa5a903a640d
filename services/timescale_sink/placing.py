"""Where the sink goes on in each partition: by its own progress in the database, and by what Kafka still has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import partial

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime.same_log import Mark
from services.timescale_sink.errors import ProgressWentBack
from services.timescale_sink.kafka_faults import reading_errors
from services.timescale_sink.progress import (
    Hole,
    Known,
    Log,
    Place,
    Placement,
    begun_again_as_proved,
    passed_over,
    placement,
)
from services.timescale_sink.queries import SQL
from services.timescale_sink.readings import Connection


async def logs_of(consumer: AIOKafkaConsumer, places: Collection[TopicPartition]) -> dict[TopicPartition, Log]:
    """What Kafka has of each partition.

    Raises:
        FatalError, TransientError: as `reading_errors` names them.
    """
    with reading_errors():
        first = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
        times = await consumer.offsets_for_times(dict.fromkeys(places, 0))
    found = {}
    for place in places:
        record = times[place]
        first_at = None if record is None else datetime.fromtimestamp(record.timestamp / 1000, UTC)
        found[place] = Log(first[place], ends[place], first_at)
    return found


async def known_progress(connection: Connection, cluster_id: str, places: Collection[Place]) -> dict[Place, Known]:
    """What the database knows of these partitions; locks them for the transaction, those that are new included."""
    listed = sorted(places)
    keys = cluster_id, [topic for topic, _ in listed], [partition for _, partition in listed]
    rows = await connection.fetch(SQL["next_offsets"], *keys)
    if len(rows) < len(listed):
        await connection.execute(SQL["open_partitions"], *keys)
        rows = await connection.fetch(SQL["next_offsets"], *keys)
    return {
        (row["topic"], row["partition"]): Known(
            row["next_offset"],
            row["end_offset"],
            row["last_timestamp"],
            None if row["proof_offset"] is None else Mark(row["proof_offset"], row["proof_timestamp"]),
        )
        for row in rows
    }


async def take_places(
    pool: asyncpg.Pool[asyncpg.Record], cluster_id: str, logs: Mapping[Place, Log]
) -> dict[Place, Placement]:
    """Say where to go on; what is gone is noted in the same transaction."""
    return await _place(pool, cluster_id, logs, placement)


async def take_anew(
    pool: asyncpg.Pool[asyncpg.Record], cluster_id: str, place: Place, log: Log, *, next_offset: int, proof: Mark
) -> Placement:
    """Go on at the beginning of a log that proved to be another one.

    Args:
        next_offset: Where reading was to go on.
        proof: The record that is not there any more; if the database has other ones by now, nothing is done.
    """
    decide = partial(begun_again_as_proved, next_offset=next_offset, proof=proof)
    return (await _place(pool, cluster_id, {place: log}, decide))[place]


async def take_hole(
    pool: asyncpg.Pool[asyncpg.Record], cluster_id: str, place: Place, log: Log, hole: Hole
) -> Placement:
    """Go on behind a hole in the middle of a log; what is gone is noted in the same transaction."""
    return (await _place(pool, cluster_id, {place: log}, lambda _, known, __: passed_over(known, hole)))[place]


async def _place(
    pool: asyncpg.Pool[asyncpg.Record],
    cluster_id: str,
    logs: Mapping[Place, Log],
    decide: Callable[[str, Known, Log], Placement],
) -> dict[Place, Placement]:
    async with pool.acquire() as connection, connection.transaction():
        known = await known_progress(connection, cluster_id, logs)
        found = {place: decide(place[0], known[place], log) for place, log in logs.items()}
        for place, one in found.items():
            if one.next_offset != known[place].next_offset or one.anew:
                await connection.execute(SQL["place"], cluster_id, *place, one.next_offset, logs[place].end_offset)
            for gap in one.gaps:
                await connection.execute(
                    SQL["gap"],
                    cluster_id,
                    *place,
                    gap.first_offset,
                    gap.before_offset,
                    gap.why,
                    gap.since_timestamp,
                    gap.until,
                )
    return found


async def went_back(pool: asyncpg.Pool[asyncpg.Record], cluster_id: str, reached: Mapping[Place, int]) -> list[Place]:
    """Partitions of which the database knows less than was written: a copy of it was put back, or it was emptied.

    Args:
        reached: Offset behind what was written, by partition.
    """
    places = list(reached)
    keys = [topic for topic, _ in places], [partition for _, partition in places]
    rows = await pool.fetch(SQL["progress"], cluster_id, *keys)
    known = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    return [place for place in places if known.get(place, 0) < reached[place]]


def refuse_going_back(known: Mapping[Place, Known], since: Mapping[Place, int]) -> None:
    """See that the database knows everything before the records in hand.

    Args:
        since: Offset from which the records of each partition were read on.

    Raises:
        ProgressWentBack: it does not.
    """
    for place, offset in since.items():
        if place in known and known[place].next_offset < offset:
            raise ProgressWentBack(
                f"{place[0]} {place[1]}: the database knows records up to {known[place].next_offset}, not"
                f" up to {offset}: an older copy of it was put back; reading again from there"
            )
