"""What a replay has between itself and Kafka: bounded by receipts, in even slices, its lane opened first."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import Feed
from simulators.replay import paced as paced_module
from simulators.replay.numbering import Outgoing
from simulators.replay.paced import WINDOW
from simulators.replay.publisher import ReplayPublisher
from simulators.replay.source import SourceReading
from simulators.replay.unreceipted import Unreceipted, receipts_of

NOON = datetime(2020, 5, 8, 12, tzinfo=UTC)
LANE = "replay:may"


def receipt(book: Unreceipted, device: str, seq: int | None, boot: str = "b1") -> None:
    book.hear(f"jianghan/ev/site/{device}/receipt".encode(), json.dumps({"boot_id": boot, "seq": seq}).encode())


def test_a_receipt_covers_what_was_sent_up_to_it_of_its_own_device_and_boot() -> None:
    book = Unreceipted("b1")
    for seq in range(5):
        book.sent("ev-1", seq)
    book.sent("ev-2", 0)
    receipt(book, "ev-1", None)
    receipt(book, "ev-1", 4, boot="of the device itself")
    receipt(book, "ev-3", 9)
    book.hear(b"jianghan/ev/site/ev-1/reading", b'{"boot_id":"b1","seq":9}')
    book.hear(b"jianghan/ev/site/ev-1/receipt", b"\xff")
    assert book.count == 6
    receipt(book, "ev-1", 2)
    assert book.count == 3
    receipt(book, "ev-1", 1)
    assert book.count == 3
    book.write_off()
    assert book.count == 0
    receipt(book, "ev-1", 4)
    assert book.count == 0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.booleans())))
def test_the_count_is_never_below_what_no_receipt_covers(events: list[tuple[str, int, bool]]) -> None:
    book, sent, covered = Unreceipted("b1"), {"a": 0, "b": 0}, {"a": -1, "b": -1}
    for device, seq, is_receipt in events:
        if is_receipt:
            receipt(book, device, seq)
            covered[device] = max(covered[device], min(seq, sent[device] - 1))
        else:
            book.sent(device, sent[device])
            sent[device] += 1
    assert book.count == sum(sent[each] - 1 - covered[each] for each in "ab")


class FakeGateway:
    """Takes packets; says what it was given."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.room = 1_000_000

    def publish(self, head: bytes, body: bytes) -> None:
        self.packets.append(head + b"|" + body)

    def flush(self) -> None:
        pass

    def raise_failure(self) -> None:
        pass

    async def drain(self) -> None:
        pass


def outgoing(count: int) -> list[Outgoing]:
    found = []
    for seq in range(count):
        source = SourceReading(seq + 1, "ev-1", "site", NOON, "", {})
        found.append(
            Outgoing(source, ("ev-1", seq), "jianghan/ev/site/ev-1/reading", b"{}", NOON + timedelta(hours=seq))
        )
    return found


def ticks(gateway: FakeGateway) -> list[dict[str, Any]]:
    return [json.loads(each.split(b"|\x00", 1)[1]) for each in gateway.packets if b"/clock/" in each]


async def published(readings: list[Outgoing], **options: Any) -> tuple[FakeGateway, ReplayPublisher]:
    gateway = FakeGateway()
    publisher = ReplayPublisher(gateway, Feed.EV, LANE, Unreceipted("b1"), pace=1e9, **options)  # type: ignore[arg-type]
    await publisher.publish(readings)
    return gateway, publisher


async def test_the_lane_is_opened_before_its_first_reading_and_closed_where_its_clock_stands() -> None:
    gateway, publisher = await published(outgoing(2))
    await publisher.close()
    said = ticks(gateway)
    assert [(tick["at"], tick["closes"], tick["spare"]) for tick in said] == [
        ("2020-05-08T11:59:00Z", False, 0),
        ("2020-05-08T12:00:00Z", False, 0),
        ("2020-05-08T14:00:00Z", False, 0),
        ("2020-05-08T14:00:00Z", True, 0),
    ]
    assert f"jianghan/ev/clock/{LANE}".encode() in gateway.packets[0]


async def test_a_reading_that_the_bridge_refuses_for_its_time_moves_no_clock() -> None:
    times = [datetime(14, 1, 1, tzinfo=UTC), NOON, NOON + timedelta(days=90), datetime(9999, 12, 31, tzinfo=UTC)]
    source = SourceReading(1, "ev-1", "site", NOON, "", {})
    readings = [Outgoing(source, ("ev-1", n), "jianghan/ev/site/ev-1/reading", b"{}", at) for n, at in enumerate(times)]
    gateway, _ = await published(readings, latest=NOON + timedelta(days=31))
    assert [tick["at"] for tick in ticks(gateway)] == ["2020-05-08T11:59:00Z", "2020-05-08T13:00:00Z"]


async def test_readings_without_a_receipt_are_bounded_and_a_receipt_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paced_module, "LOOK_SECONDS", 0.0)
    book, gateway = Unreceipted("b1"), FakeGateway()
    publisher = ReplayPublisher(gateway, Feed.EV, LANE, book, pace=1e9)  # type: ignore[arg-type]
    running = asyncio.create_task(publisher.publish(outgoing(2 * WINDOW)))
    for _ in range(3 * WINDOW):
        await asyncio.sleep(0)
        assert book.count <= WINDOW
    assert not running.done()
    receipt(book, "ev-1", WINDOW - 1)
    for _ in range(3 * WINDOW):
        await asyncio.sleep(0)
    assert book.count == WINDOW
    receipt(book, "ev-1", 2 * WINDOW)
    await running


async def test_without_any_receipt_a_trickle_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge that knows these readings already, or topics that get no receipt, must not stop a replay for ever."""
    monkeypatch.setattr(paced_module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(paced_module, "RECEIPT_PATIENCE_SECONDS", 0.0)
    gateway, _ = await published(outgoing(2 * WINDOW))
    assert sum(b"/reading" in each for each in gateway.packets) == 2 * WINDOW


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


# 50 readings leave at once, then a slice each 0.05 s; the gateway stands still for 2 s before the tenth slice
async def test_a_replay_leaves_in_even_slices_and_makes_up_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(paced_module, "time", clock)
    monkeypatch.setattr(paced_module, "asyncio", clock)
    left: list[float] = []

    class Slow(FakeGateway):
        def publish(self, head: bytes, body: bytes) -> None:
            super().publish(head, body)
            if b"/reading" in head:
                left.append(clock.now - 100.0)
                clock.now += 2.0 if len(left) == 500 else 0.0

    publisher = ReplayPublisher(Slow(), Feed.EV, LANE, Unreceipted("b1"), pace=1_000)  # type: ignore[arg-type]
    await publisher.publish(outgoing(1_000))
    assert [round(left[each], 3) for each in (0, 49, 50, 100, 499)] == [0.0, 0.0, 0.05, 0.1, 0.45]
    assert [round(left[each], 3) for each in (500, 549, 550, 999)] == [2.45, 2.45, 2.5, 2.9]


def test_receipts_of_a_feed_are_heard_by_one_filter() -> None:
    assert receipts_of(Feed.EV) == "jianghan/ev/+/+/receipt"
