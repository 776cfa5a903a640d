"""A log of each feed by a worker that lives, and by workers that are lost again and again: the same is said.

What is restored is less than what was there (of the checkpoints only the base is written), so a state that says
another thing from there on shows a rule, or the engine, that concludes from the way it has come.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from zlib import crc32

import pytest

from schemas.clock import KIND_HEADER, KIND_TICK
from schemas.fields import Feed
from services.stream_processors.engine.events import AlertOutput, IndicatorOutput, Output
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.recorded import Process, Record
from tests.unit.stream_processors.same_log import closing, script

LANE = "replay:same"
COUNT = 4_000
PARTITIONS = 3
BROKER_MS = int(datetime(2026, 11, 25, tzinfo=UTC).timestamp()) * 1_000


def partition_of(feed: Feed, number: int) -> list[Record]:
    records: list[Record] = []
    for _, value, key in [*script(feed, LANE, COUNT), closing(feed, LANE, COUNT)]:
        if key is None or crc32(key) % PARTITIONS == number:
            headers = [(KIND_HEADER, KIND_TICK)] if key is None else []
            records.append(Record(len(records), value, headers, BROKER_MS + len(records)))
    return records


def words_of(outputs: list[Output]) -> set[bytes]:
    """Without repeats; what indicators say is written only now, as it is on its way to Kafka."""
    said = {output.alert.model_dump_json().encode() for output in outputs if type(output) is AlertOutput}
    return said | {output.encode() for output in outputs if type(output) is IndicatorOutput}


@pytest.mark.parametrize("number", range(PARTITIONS))
@pytest.mark.parametrize("feed", list(Feed))
def test_workers_that_are_lost_say_the_same_of_the_same_log(feed: Feed, number: int) -> None:
    dice = random.Random(f"{feed} {number}")
    (judge,) = build_judges([feed], ProcessorSettings())
    records = partition_of(feed, number)
    living, lost = Process(judge, "readings", live=False), Process(judge, "readings", live=False)
    expected = words_of(living.worker.judge(records)[0])
    said: set[bytes] = set()
    place = 0
    while place < len(records):
        stretch = records[place : place + dice.randrange(1, 60)]
        said |= words_of(lost.worker.judge(stretch)[0])
        place += len(stretch)
        fortune = dice.random()
        if fortune < 0.4:
            lost.store()
        elif fortune < 0.6:
            lost.kill()
            place = lost.worker.next_offset
    assert len(expected) > 10
    assert sorted(said - expected) == []
    assert sorted(expected - said) == []
