"""Which batch continues what is stored: a jump proves nothing until it answers a seek."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.topics import PLAN
from services.timescale_sink.progress import (
    Gap,
    Hole,
    Known,
    Log,
    Onward,
    Placement,
    Why,
    before_a_hole,
    onward,
    passed_over,
)

TOPIC = "readings.ev"
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
LOG = Log(0, 300, AT)


@dataclass
class FakeRecord:
    offset: int


def records(*offsets: int) -> list[Any]:
    return [FakeRecord(offset) for offset in offsets]


@pytest.mark.parametrize(
    ("topic", "offset", "log", "sought", "found"),
    [
        pytest.param(TOPIC, 50, LOG, False, Onward.GOES_ON, id="the next one"),
        pytest.param(TOPIC, 49, LOG, True, Onward.READ_AGAIN, id="it was fetched before the seek"),
        pytest.param(TOPIC, 200, LOG, False, Onward.READ_AGAIN, id="the client went on elsewhere"),
        pytest.param(PLAN, 200, LOG, False, Onward.READ_AGAIN, id="of a compacted topic as well"),
        pytest.param(PLAN, 200, LOG, True, Onward.GOES_ON, id="compaction left a hole"),
        pytest.param(TOPIC, 200, LOG, True, Onward.GONE, id="Kafka has them no more"),
        pytest.param(
            TOPIC, 200, Log(51, 300, AT), True, Onward.READ_AGAIN, id="the log begins later, placing names it"
        ),
    ],
)
def test_a_jump_counts_only_as_the_answer_to_a_seek(
    topic: str, offset: int, log: Log, sought: bool, found: Onward
) -> None:
    assert onward(topic, 50, offset, log, sought=sought) is found


def test_what_lies_behind_a_hole_in_a_batch_is_asked_for_again() -> None:
    assert before_a_hole(TOPIC, records(5, 6, 7)) == records(5, 6, 7)
    assert before_a_hole(TOPIC, records(5, 6, 9, 10)) == records(5, 6)
    assert before_a_hole(TOPIC, records(5, 7)) == records(5)
    assert before_a_hole(PLAN, records(5, 7)) == records(5, 7)


def test_a_hole_is_a_gap_unless_another_sink_has_gone_on_meanwhile() -> None:
    hole = Hole(50, 60, AT)
    gap = Gap(50, 60, Why.REMOVED, 5, AT)
    assert passed_over(Known(50, 300, 5), hole) == Placement(60, (gap,))
    assert passed_over(Known(57, 300, 5), hole) == Placement(57)
