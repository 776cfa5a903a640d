"""The state of a key as parts: what is written when, what is read, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from services.stream_processors.engine.event_time import MICROSECONDS, to_us
from services.stream_processors.engine.events import Coordinates, Output
from services.stream_processors.engine.feed_rules import unpacked
from services.stream_processors.engine.judge import Moment
from services.stream_processors.engine.key_state import KeyState
from services.stream_processors.engine.parts import PIECE_BYTES
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.errors import UnreadableStateError
from services.stream_processors.registry import RULES, build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.test_timeline import START, ToyRules, judge, reading


def moment(second: float, spare: int = 0) -> Moment:
    return Moment("live", to_us(START) + round(second * MICROSECONDS), None, "readings", 0, spare=spare)


class Stored:
    """A key and the parts that were given of it."""

    def __init__(self, chosen: TimelineJudge[Any]) -> None:
        self.judge = chosen
        self.state: KeyState[Any] = chosen.new_state("zone", "live")
        self.parts: dict[str, bytes] = {}
        self.offset = 0

    def take(self, first: int, last: int, late: float | None = None) -> None:
        outputs: list[Output] = []
        for second in range(first, last):
            self.read(reading(second, lot="ab"[second % 2]), second)
        if late is not None:
            self.read(reading(late, 0, "a"), last)
        self.judge.on_time(self.state, moment(last), outputs)

    def read(self, one: Any, clock: float) -> None:
        self.offset += 1
        self.judge.on_reading(self.state, one, Coordinates("readings", 0, self.offset), moment(clock), [])

    def write(self) -> dict[str, bytes | None]:
        changed = self.judge.changes(self.state)
        for name, raw in changed.items():
            if raw is None:
                del self.parts[name]
            else:
                self.parts[name] = raw
        return changed


def test_what_has_not_changed_is_not_written_again() -> None:
    stored = Stored(judge())
    stored.take(0, 700)
    first = stored.write()
    assert {"head", "said", "w", "w:0"} <= first.keys()
    assert stored.write() == {}
    stored.take(700, 702)
    again = stored.write()
    assert "head" in again
    assert not [name for name in again if name.startswith("w:")]
    assert not [name for name in again if name.startswith("cp:") and name in first]


def test_a_key_comes_back_without_judging_anything_again() -> None:
    stored = Stored(judge())
    stored.take(0, 3_000, late=100.5)
    stored.write()
    fresh = judge()
    again = fresh.restore("zone", "live", stored.parts)
    rules = fresh.rules
    assert isinstance(rules, ToyRules)
    assert rules.applied == 0
    assert fresh.changes(again) == {}
    assert list(again.line.window) == list(stored.state.line.window)
    assert again.line.head.position == stored.state.line.head.position
    assert again.line.head.state == stored.state.line.head.state
    assert again.line.head.figures == stored.state.line.head.figures
    assert again.line.waits()


def test_what_is_written_after_a_restart_completes_what_was_written_before() -> None:
    stored = Stored(judge())
    stored.take(0, 2_000, late=100.5)
    stored.write()
    stored.state = stored.judge.restore("zone", "live", stored.parts)
    stored.take(2_000, 2_300)
    stored.judge.settle(stored.state, moment(2_301), [])
    stored.write()
    again = stored.judge.restore("zone", "live", stored.parts)
    assert list(again.line.window) == list(stored.state.line.window)
    assert not again.line.waits()
    assert again.line.head.state == stored.state.line.head.state
    assert again.book == stored.state.book
    assert again.published == stored.state.published


def test_a_part_that_is_too_large_is_cut_and_joined() -> None:
    class Heavy(ToyRules):
        weight = 3 * PIECE_BYTES

        def pack(self, state: Any) -> bytes:
            raw = super().pack(state)
            # Bytes that do not compress.
            noise = b"".join(number.to_bytes(8, "big") for number in _noise(self.weight // 8))
            return len(raw).to_bytes(4, "big") + raw + noise

        def unpack(self, raw: bytes, version: int, key: str, lane: str) -> Any:
            return super().unpack(raw[4 : 4 + int.from_bytes(raw[:4], "big")], version, key, lane)

    chosen = judge()
    chosen.rules.__class__ = Heavy
    stored = Stored(chosen)
    stored.take(0, 3)
    stored.write()
    assert {"head", "head/1", "head/2"} <= stored.parts.keys()
    assert max(len(raw) for raw in stored.parts.values()) <= PIECE_BYTES
    assert chosen.restore("zone", "live", stored.parts).line.head.state == stored.state.line.head.state
    Heavy.weight = 8
    stored.take(3, 5)
    stored.write()
    assert "head/1" not in stored.parts
    assert chosen.restore("zone", "live", stored.parts).line.head.state == stored.state.line.head.state


def _noise(count: int) -> list[int]:
    found, number = [], 1
    for _ in range(count):
        number = number * 6_364_136_223_846_793_005 % 2**64
        found.append(number)
    return found


@pytest.mark.parametrize(
    "harm", ["head is gone", "head is damaged", "a checkpoint is gone", "the rules know no such version"]
)
def test_a_state_that_cannot_be_read_says_what_to_do(harm: str) -> None:
    stored = Stored(judge())
    stored.take(0, 300)
    stored.write()
    match harm:
        case "head is gone":
            del stored.parts["head"]
        case "head is damaged":
            stored.parts["head"] = stored.parts["head"][:-20]
        case "a checkpoint is gone":
            del stored.parts[next(name for name in stored.parts if name.startswith("cp:"))]
        case _:
            stored.judge.rules.state_version = 99
            stored.write()
            stored.take(300, 301)
            stored.write()
    with pytest.raises(UnreadableStateError, match="accept the loss"):
        judge().restore("zone", "live", stored.parts)


@pytest.mark.parametrize("feed", sorted(RULES))
@pytest.mark.parametrize("beyond", [0, 1, 99])
def test_a_version_of_a_state_that_was_never_released_is_refused_for_each_feed(feed: str, beyond: int) -> None:
    (chosen,) = build_judges([feed], ProcessorSettings())
    assert isinstance(chosen, TimelineJudge)
    rules = chosen.rules
    version = rules.state_version + beyond if beyond else 0
    raw = rules.pack(rules.new_state("key", "live"))
    assert rules.pack(unpacked(rules, raw, rules.state_version, "key", "live")) == raw
    with pytest.raises(ValueError, match=f"version {version} of the state of feed {feed}"):
        unpacked(rules, raw, version, "key", "live")
