"""The memory of a device that stores and forwards, against a naive oracle: nothing kept is lost."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulators.outbox import Kept, Outbox, OutboxPolicy

POLICY = OutboxPolicy(capacity=8, window=3, patience_seconds=5.0)


class OutboxMachine(RuleBasedStateMachine):
    """A device, a broker that loses what it likes, and a bridge that takes readings in, gives receipts and forgets."""

    @initialize()
    def begin(self) -> None:
        self.outbox: Outbox[int] = Outbox("boot", POLICY)
        self.now = 0.0
        self.connected = False
        self.taken: set[int] = set()
        self.arrived: set[int] = set()
        self.known: set[int] = set()

    def _arrive(self, due: Sequence[Kept[int]]) -> None:
        for kept in due:
            self.arrived |= set(range(kept.first, kept.last + 1))
            self.known |= set(range(kept.first, kept.last + 1))
            if kept.base is not None:
                self.known |= set(range(kept.base))

    def _receipt(self) -> int | None:
        upto = -1
        while upto + 1 in self.known:
            upto += 1
        return upto if upto >= 0 else None

    @rule(count=st.integers(1, 3))
    def measure(self, count: int) -> None:
        first = self.outbox.next_seq
        was_full = self.outbox.is_full
        if self.outbox.add(first, self.now, count):
            self.taken |= set(range(first, first + count))
        else:
            assert was_full
            assert self.outbox.next_seq == first

    @rule()
    def connect(self) -> None:
        self.connected = True
        self.outbox.connected(self.now)

    @rule()
    def disconnect(self) -> None:
        self.connected = False
        self.outbox.disconnected()

    @rule(seconds=st.floats(0.1, 70), lost=st.booleans())
    def send(self, seconds: float, lost: bool) -> None:
        self.now += seconds
        due = self.outbox.due(self.now)
        assert self.connected or not due
        assert [kept.first for kept in due] == sorted(kept.first for kept in due)
        if not lost:
            self._arrive(due)

    @rule()
    def hear(self) -> None:
        self.outbox.receipt("boot", self._receipt(), self.now)

    @rule()
    def the_bridge_forgets(self) -> None:
        self.known = set()

    @rule(seq=st.integers(0, 100))
    def hear_of_another_boot(self, seq: int) -> None:
        before = len(self.outbox)
        self.outbox.receipt("another", seq, self.now)
        assert len(self.outbox) == before

    @invariant()
    def numbers_have_no_gap(self) -> None:
        assert self.taken == set(range(self.outbox.next_seq))

    @invariant()
    def no_more_than_the_window_is_on_its_way(self) -> None:
        assert self.outbox._cursor <= POLICY.window

    @invariant()
    def what_is_not_safe_is_kept(self) -> None:
        kept = {seq for each in self.outbox._kept for seq in range(each.first, each.last + 1)}
        assert self.taken - set(range(self.outbox.safe_upto + 1)) <= kept
        assert len(self.outbox) <= POLICY.capacity

    def teardown(self) -> None:
        """Whatever happened, a broker that stays and a bridge that answers bring everything in."""
        if not hasattr(self, "outbox"):
            return
        self.outbox.connected(self.now)
        for _ in range(12):
            self.now += 61
            self._arrive(self.outbox.due(self.now))
            self.outbox.receipt("boot", self._receipt(), self.now)
        assert self.arrived >= self.taken, self.taken - self.arrived
        assert len(self.outbox) == 0


OutboxMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestOutbox = OutboxMachine.TestCase


# 0 s      add 0, 1; connected: both are sent
# 5 s      not one receipt: the first again, to find out; the next time only after 10 s
# 6 s      receipt of 0: somebody is there, so the rest goes again
# 11 s     five seconds after the receipt moved: 1 again
def test_a_stuck_receipt_makes_it_send_again_with_growing_patience() -> None:
    outbox: Outbox[str] = Outbox("boot", POLICY)
    outbox.add("a", 0.0)
    outbox.add("b", 0.0)
    outbox.connected(0.0)
    assert [kept.item for kept in outbox.due(0.0)] == ["a", "b"]
    assert outbox.due(4.9) == []
    assert [kept.item for kept in outbox.due(5.0)] == ["a"]
    assert outbox.due(5.1) == []
    outbox.receipt("boot", 0, 6.0)
    assert [kept.item for kept in outbox.due(6.0)] == ["b"]
    assert outbox.due(10.9) == []
    assert [kept.item for kept in outbox.due(11.0)] == ["b"]
    assert outbox.due(20.9) == []
    assert [kept.item for kept in outbox.due(21.0)] == ["b"]
    assert outbox.repeated == 4


def test_a_full_outbox_turns_away_without_a_gap() -> None:
    outbox: Outbox[int] = Outbox("boot", OutboxPolicy(capacity=2))
    assert [outbox.add(n, 0.0) for n in range(3)] == [True, True, False]
    assert (outbox.next_seq, outbox.turned_away) == (2, 1)
    outbox.receipt("boot", 0, 1.0)
    assert outbox.add(3, 1.0)
    assert outbox.next_seq == 3


def test_what_an_earlier_life_of_the_same_boot_delivered_is_not_sent_again() -> None:
    outbox: Outbox[int] = Outbox("ledger", POLICY)
    outbox.connected(0.0)
    outbox.receipt("ledger", 4, 0.0)
    assert all(outbox.add(n, 1.0) for n in range(6))
    assert [kept.first for kept in outbox.due(1.0)] == [5]


def test_an_hour_without_a_bridge_puts_the_window_and_some_sixty_repeats_on_the_way() -> None:
    """One reading in five seconds; nobody answers. All are kept, and sent within two windows once somebody does."""
    outbox: Outbox[int] = Outbox("boot", OutboxPolicy(capacity=1_000, window=100))
    outbox.connected(0.0)
    sent = 0
    for number in range(720):
        assert outbox.add(number, 5.0 * number)
        sent += len(outbox.due(5.0 * number))
    assert (len(outbox), outbox.turned_away) == (720, 0)
    assert sent <= 100 + 65
    for second in range(3_600, 3_616):
        arrived = outbox.due(float(second))
        outbox.receipt("boot", arrived[-1].last if arrived else None, float(second))
    assert len(outbox) == 0


def test_the_oldest_of_what_is_sent_again_says_from_where_the_device_still_knows() -> None:
    """0..9 have their receipt; the bridge forgets; 10 and 11 are sent, and again with the base 10."""
    outbox: Outbox[int] = Outbox("boot", OutboxPolicy())
    outbox.connected(0.0)
    for number in range(10):
        outbox.add(number, 0.0)
    assert {kept.base for kept in outbox.due(0.0)} == {None}
    outbox.receipt("boot", 9, 1.0)
    outbox.add(10, 1.0)
    outbox.add(11, 1.0)
    assert [(kept.first, kept.base) for kept in outbox.due(1.0)] == [(10, None), (11, None)]
    outbox.receipt("boot", None, 2.0)
    assert [(kept.first, kept.base) for kept in outbox.due(6.0)] == [(10, 10), (11, None)]
    outbox.disconnected()
    outbox.connected(7.0)
    assert [(kept.first, kept.base) for kept in outbox.due(7.0)] == [(10, 10), (11, None)]


def test_what_was_dropped_on_the_way_is_sent_again_in_smaller_portions_that_grow_with_the_receipts() -> None:
    """Eight are sent and dropped: four go again, then two; when receipts move, more go again."""
    outbox: Outbox[int] = Outbox("boot", OutboxPolicy(window=8))
    outbox.connected(0.0)
    for number in range(20):
        outbox.add(number, 0.0)
    assert len(outbox.due(0.0)) == 8
    outbox.receipt("boot", None, 1.0)
    assert [kept.first for kept in outbox.due(5.0)] == [0, 1, 2, 3]
    outbox.receipt("boot", None, 6.0)
    assert [kept.first for kept in outbox.due(15.0)] == [0, 1]
    outbox.receipt("boot", 1, 16.0)
    assert [kept.first for kept in outbox.due(16.0)] == [2, 3, 4, 5]
    outbox.receipt("boot", 5, 17.0)
    assert [kept.first for kept in outbox.due(17.0)] == list(range(6, 14))
