"""The memory of a device that stores and forwards, against a naive oracle: nothing kept is lost."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulators.outbox import Outbox, OutboxPolicy

POLICY = OutboxPolicy(capacity=8, patience_seconds=5.0)


class OutboxMachine(RuleBasedStateMachine):
    """A device, a broker that loses what it likes, and a bridge that takes readings in and gives receipts."""

    @initialize()
    def begin(self) -> None:
        self.outbox: Outbox[int] = Outbox("boot", POLICY)
        self.now = 0.0
        self.connected = False
        self.taken: set[int] = set()
        self.arrived: set[int] = set()

    def _receipt(self) -> int | None:
        upto = -1
        while upto + 1 in self.arrived:
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
            for kept in due:
                self.arrived |= set(range(kept.first, kept.last + 1))

    @precondition(lambda self: self._receipt() is not None)
    @rule()
    def hear(self) -> None:
        self.outbox.receipt("boot", self._receipt(), self.now)

    @rule(seq=st.integers(0, 100))
    def hear_of_another_boot(self, seq: int) -> None:
        before = len(self.outbox)
        self.outbox.receipt("another", seq, self.now)
        assert len(self.outbox) == before

    @invariant()
    def numbers_have_no_gap(self) -> None:
        assert self.taken == set(range(self.outbox.next_seq))

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
        for _ in range(6):
            self.now += 61
            for kept in self.outbox.due(self.now):
                self.arrived |= set(range(kept.first, kept.last + 1))
            self.outbox.receipt("boot", self._receipt(), self.now)
        assert self.arrived >= self.taken
        assert len(self.outbox) == 0


OutboxMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestOutbox = OutboxMachine.TestCase


# 0 s      add 0, 1; connected: both are sent
# 5 s      no receipt: both again; the next time only after 10 s
# 6 s      receipt of 0
# 11 s     five seconds after the receipt moved: 1 again
def test_a_stuck_receipt_makes_it_send_again_with_growing_patience() -> None:
    outbox: Outbox[str] = Outbox("boot", POLICY)
    outbox.add("a", 0.0)
    outbox.add("b", 0.0)
    outbox.connected(0.0)
    assert [kept.item for kept in outbox.due(0.0)] == ["a", "b"]
    assert outbox.due(4.9) == []
    assert [kept.item for kept in outbox.due(5.0)] == ["a", "b"]
    outbox.receipt("boot", 0, 6.0)
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
