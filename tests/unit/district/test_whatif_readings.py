"""Stored readings in the order in which the processors met them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from schemas.fields import Feed
from schemas.readings import MODELS
from services.district.errors import JudgingBrokeOff
from services.district.whatif_judging import judged
from services.district.whatif_readings import Arrived, Tally, in_order_of_arrival, line_of
from services.read_model.readings import StoredReading

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def reading(minute: float, *, came: float = 0.0, seq: int = 0, partition: int = 0, **own: Any) -> StoredReading:
    at = BEGIN + timedelta(minutes=minute)
    received = at + timedelta(minutes=came)
    return StoredReading("d", "g", "b", seq, at, "good", (), "live", own, received, received, partition, seq)


async def given(readings: list[StoredReading]) -> AsyncIterator[StoredReading]:
    for each in readings:
        yield each


def arrived(readings: list[StoredReading], tally: Tally, lateness: timedelta | None) -> list[int]:
    async def all_of_them() -> list[int]:
        ends = BEGIN + timedelta(minutes=100)
        found = in_order_of_arrival(
            given(readings), tally, feed=Feed.PARKING, lane="whatif:x", lateness=lateness, ends=ends
        )
        seen = [(at, orjson.loads(line)["seq"]) async for at, line in found]
        assert [at for at, _ in seen] == sorted(at for at, _ in seen)
        return [seq for _, seq in seen]

    return asyncio.run(all_of_them())


def test_a_late_reading_comes_when_it_came() -> None:
    tally = Tally()
    rows = [reading(0, seq=0, came=25), reading(10, seq=1), reading(20, seq=2), reading(30, seq=3)]
    assert arrived(rows, tally, timedelta(hours=1)) == [1, 2, 0, 3]
    assert (tally.read, tally.late) == (4, 1)


def test_what_live_could_not_take_is_left_out_unless_it_is_a_ledger() -> None:
    rows = [reading(0, seq=0, came=70), reading(1, seq=1, came=150), reading(2, seq=2)]
    bounded, ledger = Tally(), Tally()
    assert arrived(rows, bounded, timedelta(hours=1)) == [2]
    assert (bounded.too_late, bounded.after_the_end) == (2, 0)
    assert arrived(rows, ledger, None) == [2, 0]
    assert (ledger.too_late, ledger.after_the_end) == (0, 1)


def test_imported_readings_count_as_come_when_they_were_measured() -> None:
    tally = Tally()
    rows = [reading(0, seq=0, came=1e6, partition=-1), reading(1, seq=1)]
    assert arrived(rows, tally, timedelta(hours=1)) == [0, 1]
    assert tally.imported == 1


def test_a_reading_dated_ahead_waits_until_the_clock_is_near() -> None:
    rows = [reading(0, seq=0), reading(10, seq=1), reading(30, seq=2, came=-30), reading(40, seq=3)]
    assert arrived(rows, Tally(), timedelta(hours=1)) == [0, 1, 2, 3]


def test_readings_in_order_do_not_pile_up() -> None:
    tally = Tally()
    rows = [reading(n / 60, seq=n) for n in range(3_000)]
    assert arrived(rows, tally, timedelta(hours=1)) == list(range(3_000))
    assert tally.held_most <= 302


def test_a_line_is_what_the_device_sent_in_another_lane() -> None:
    own = {
        "building_id": "b-1", "building_name": None, "receipt_id": "r-1", "entry": "payment", "tax_kind": "other",
        "tax_period": "2026-10", "amount_cny": Decimal("1000.50"),
    }  # fmt: skip
    read = MODELS[Feed.TAX].model_validate_json(line_of(Feed.TAX, reading(0, **own), "whatif:x"))
    assert read.lane == "whatif:x"
    assert read.observed_at == BEGIN
    assert getattr(read, "amount_cny") == Decimal("1000.50")  # noqa: B009 - of one feed alone


def told(script: str) -> Any:
    async def nothing() -> AsyncIterator[Arrived]:
        yield BEGIN, b"{}"

    return asyncio.run(judged(b"{}\n", nothing(), BEGIN, command=(sys.executable, "-c", script)))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; sys.stderr.write('the plan lacks x'); sys.exit(2)", "the plan lacks x"),
        ("pass", "status 0"),
        ("import os; os.kill(os.getpid(), 9)", "status -9"),
    ],
)
def test_judging_that_breaks_off_is_no_answer(script: str, said: str) -> None:
    with pytest.raises(JudgingBrokeOff, match=said):
        told(script)
