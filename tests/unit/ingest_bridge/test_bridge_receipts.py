"""The receipt book against a naive oracle: a set of numbers."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.ingest_bridge.receipts import MAX_RANGES, BootLedger, ReceiptBook

TOPIC: Final = b"jianghan/ev/site-1/ev-1/receipt"
DAY: Final = 86_400.0


def book(boots: int = 2) -> ReceiptBook:
    return ReceiptBook(boots_per_device=boots, forget_after_seconds=DAY, repeat_seconds=10.0)


def told(receipts: ReceiptBook, now: float) -> dict[tuple[str, str], int | None]:
    return {(each.device_id, each.boot_id): each.receipt for each in receipts.due(now)}


def prefix(numbers: set[int]) -> int | None:
    upto = -1
    while upto + 1 in numbers:
        upto += 1
    return upto if upto >= 0 else None


@settings(max_examples=300)
@given(st.lists(st.integers(0, 60)))
def test_the_receipt_is_the_prefix_of_what_is_safe(numbers: list[int]) -> None:
    ledger, safe = BootLedger("ev-1", "b1", TOPIC), set[int]()
    for number in numbers:
        assert ledger.add(number) is (number not in safe)
        safe.add(number)
        assert ledger.receipt == prefix(safe)
        known = {n for first, last in [(0, ledger.upto), *ledger.ranges] for n in range(first, last + 1)}
        assert known == safe
        assert ledger.ranges == sorted(ledger.ranges)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), max_size=12))
def test_runs_add_up_like_their_numbers(runs: list[tuple[int, int]]) -> None:
    ledger, safe = BootLedger("ev-1", "b1", TOPIC), set[int]()
    for first, more in runs:
        ledger.add_run(first, first + more)
        safe.update(range(first, first + more + 1))
        known = {n for a, b in [(0, ledger.upto), *ledger.ranges] for n in range(a, b + 1)}
        assert known == safe


@given(st.lists(st.integers(0, 2_000), min_size=200, max_size=400))
def test_too_many_gaps_are_forgotten_from_the_top_and_nothing_is_invented(numbers: list[int]) -> None:
    ledger, safe = BootLedger("ev-1", "b1", TOPIC), set[int]()
    for number in numbers:
        ledger.add(number)
        safe.add(number)
        assert len(ledger.ranges) <= MAX_RANGES
        claimed = {n for first, last in [(0, ledger.upto), *ledger.ranges] for n in range(first, last + 1)}
        assert claimed <= safe
    for number in range(2_001):
        ledger.add(number)
    assert ledger.receipt == 2_000


class Devices(RuleBasedStateMachine):
    """Two devices, several boots, saving and starting again at any time; the oracle keeps every number for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.book = book(boots=3)
        self.safe: dict[tuple[str, str], set[int]] = {}
        self.saved: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self.heard: dict[tuple[str, str], int] = {}
        self.now = 0.0

    @rule(device=st.sampled_from("ab"), boot=st.sampled_from("xyz"), seqs=st.lists(st.integers(0, 12), max_size=6))
    def readings_arrive(self, device: str, boot: str, seqs: list[int]) -> None:
        self.now += 1
        self.book.confirm([(device, boot, seq, TOPIC) for seq in seqs], self.now)
        if seqs:
            self.safe.setdefault((device, boot), set()).update(seqs)

    @rule(device=st.sampled_from("ab"), boot=st.sampled_from("xyz"), number=st.integers(0, 12))
    def a_device_says_its_base(self, device: str, boot: str, number: int) -> None:
        """It still keeps `number` and sends it again."""
        self.now += 1
        self.book.confirm([(device, boot, number, TOPIC)], self.now)
        self.book.begin_at([(device, boot, number, TOPIC)], self.now)
        self.safe.setdefault((device, boot), set()).update(range(number + 1))

    @rule()
    def save_and_tell(self) -> None:
        due = self.book.due(self.now)
        for ledger in self.book.unsaved():
            first = [(0, ledger.upto)] if ledger.upto >= 0 else []
            self.saved[ledger.device_id, ledger.boot_id] = [*first, *ledger.ranges]
        for ledger in due:
            if ledger.receipt is not None:
                self.heard[ledger.device_id, ledger.boot_id] = ledger.receipt

    @rule()
    def kill_and_start_again(self) -> None:
        self.book = book(boots=3)
        for (device, boot), runs in self.saved.items():
            self.book.restore(device, boot, TOPIC, runs, self.now)
            self.safe[device, boot] = {n for first, last in runs for n in range(first, last + 1)}
        self.safe = {key: numbers for key, numbers in self.safe.items() if key in self.saved}

    @invariant()
    def never_claims_more_than_is_safe_nor_less_than_was_told(self) -> None:
        self.book.hear_again(0)
        for ledger in self.book.due(self.now):
            key = (ledger.device_id, ledger.boot_id)
            assert ledger.receipt == prefix(self.safe[key])
            assert (ledger.receipt if ledger.receipt is not None else -1) >= self.heard.get(key, -1)
        self.book.hear_again(0)


TestDevices = Devices.TestCase
TestDevices.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


def test_a_device_is_told_once_after_readings_and_again_after_a_repeat() -> None:
    receipts = book()
    assert receipts.confirm([("a", "x", 0, TOPIC), ("a", "x", 1, TOPIC)], 1.0)
    assert told(receipts, 1.0) == {("a", "x"): 1}
    assert told(receipts, 2.0) == {}
    assert not receipts.confirm([("a", "x", 0, TOPIC)], 3.0)
    assert told(receipts, 3.0) == {("a", "x"): 1}
    assert len(receipts.unsaved()) == 1
    assert receipts.unsaved() == []


def test_a_receipt_that_is_stuck_is_said_again_until_the_gap_closes() -> None:
    """0 s: seq 1 without seq 0.  9 s: silence.  10 s: said again.  11 s: the gap closes.  30 s: silence."""
    receipts = book()
    receipts.confirm([("a", "x", 1, TOPIC)], 0.0)
    assert told(receipts, 0.0) == {("a", "x"): None}
    assert told(receipts, 9.0) == {}
    assert told(receipts, 10.0) == {("a", "x"): None}
    receipts.confirm([("a", "x", 0, TOPIC)], 11.0)
    assert told(receipts, 11.0) == {("a", "x"): 1}
    assert told(receipts, 30.0) == {}


def test_the_boots_longest_unheard_are_forgotten() -> None:
    receipts = book()
    for at, boot in enumerate("xyxz"):
        receipts.confirm([("a", boot, 0, TOPIC)], float(at))
    assert receipts.forgotten() == [("a", "y")]
    assert told(receipts, 9.0) == {("a", "x"): 0, ("a", "z"): 0}


def test_silent_devices_are_forgotten() -> None:
    receipts = book()
    receipts.confirm([("a", "x", 0, TOPIC)], 0.0)
    receipts.confirm([("b", "x", 0, TOPIC)], DAY)
    receipts.sweep(DAY + 1)
    assert receipts.forgotten() == [("a", "x")]
    assert len(receipts) == 1


def test_surplus_devices_are_forgotten_longest_silent_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest_bridge.receipts.MAX_DEVICES", 2)
    receipts = book()
    for at, device in enumerate("cab"):
        receipts.confirm([(device, "x", 0, TOPIC)], float(at))
    receipts.sweep(5.0)
    assert receipts.forgotten() == [("c", "x")]


def test_restoring_keeps_the_latest_boots_and_a_tombstone_takes_one_back() -> None:
    receipts = book()
    receipts.restore("a", "z", TOPIC, [(0, 9)], 3.0)
    receipts.restore("a", "y", TOPIC, [(0, 4), (7, 8)], 2.0)
    receipts.restore("a", "y", TOPIC, [(5, 6)], 2.0)
    receipts.restore("a", "x", TOPIC, [(0, 1)], 1.0)
    receipts.hear_again(0.0)
    assert told(receipts, 4.0) == {("a", "z"): 9, ("a", "y"): 8}
    receipts.drop("a", "y")
    receipts.drop("nobody", "y")
    receipts.hear_again(0.0)
    assert told(receipts, 4.0) == {("a", "z"): 9}


def test_a_boot_that_was_forgotten_goes_on_from_the_base_that_its_device_says() -> None:
    """0..4 are safe; two boots later they are forgotten; 5 waits for 0, until the device says that 5 is its base."""
    receipts = book(boots=2)
    receipts.confirm([("a", "x", seq, TOPIC) for seq in range(5)], 1.0)
    receipts.confirm([("a", "y", 0, TOPIC), ("a", "z", 0, TOPIC)], 2.0)
    assert receipts.forgotten() == [("a", "x")]
    receipts.unsaved()
    receipts.confirm([("a", "x", 5, TOPIC)], 3.0)
    assert told(receipts, 3.0)["a", "x"] is None
    receipts.confirm([("a", "x", 5, TOPIC)], 4.0)
    receipts.begin_at([("a", "x", 5, TOPIC)], 4.0)
    assert told(receipts, 4.0) == {("a", "x"): 5}
    assert [(ledger.boot_id, ledger.upto, ledger.ranges) for ledger in receipts.unsaved()] == [("x", 5, [])]
    receipts.begin_at([("a", "x", 3, TOPIC)], 5.0)
    assert receipts.unsaved() == []
    assert told(receipts, 5.0) == {}
