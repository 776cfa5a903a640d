"""Rules that raise: the one reading or wake is passed over and told, and the rest is judged as if it were not there."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.plan.book import PlanBook
from services.stream_processors.engine.events import AlertOutput, Coordinates, Fate, JudgingFailed, Output
from services.stream_processors.engine.feed_rules import Entry, Figure, Said, Say, Wording
from services.stream_processors.engine.timeline_judge import TimelineJudge
from tests.unit.stream_processors.recorded import Item, Result, log_of, run
from tests.unit.stream_processors.test_timeline import (
    FULL,
    QUIET,
    ToyRules,
    ToyState,
    at,
    items,
    judge,
    policy,
    reading,
)

POISON = 666


class Fragile(ToyRules):
    """Raises at a count that cannot be, after it has changed the state; and at whatever else a test asks for."""

    poisoned_wake = ""
    broken = ""

    def with_book(self, book: PlanBook) -> Fragile:
        return Fragile(book, commutes=self.commutes)

    def entry(self, reading: Any) -> tuple[str, tuple[Any, ...]] | None:
        if self.broken == "entry" and reading.free_spaces == 7:
            raise ValueError("no entry")
        return super().entry(reading)

    def on_arrival(
        self,
        reading: Any,
        coordinates: Coordinates,  # noqa: ARG002
        fate: Fate,  # noqa: ARG002
        outputs: list[Output],
    ) -> None:
        if self.broken == "on_arrival" and reading.free_spaces == 7:
            outputs.append(None)  # type: ignore[arg-type]
            raise ValueError("no arrival")

    def apply(self, state: ToyState, entry: Entry, say: Say) -> None:
        if entry.payload[0] == POISON:
            state.heard.clear()
            state.sums.clear()
            raise OverflowError("a count that cannot be")
        super().apply(state, entry, say)

    def on_wake(self, state: ToyState, name: str, at_us: int, say: Say) -> None:
        if name == self.poisoned_wake:
            state.heard.clear()
            raise KeyError(name)
        super().on_wake(state, name, at_us, say)

    def wording(self, said: Said) -> Wording:
        if self.broken == "wording":
            raise RuntimeError("no words")
        return super().wording(said)


def fragile(*, commutes: bool = False, broken: str = "", poisoned_wake: str = "") -> TimelineJudge[Any]:
    book = PlanBook([policy()])
    rules = Fragile(book, commutes=commutes)
    rules.broken, rules.poisoned_wake = broken, poisoned_wake
    return TimelineJudge(rules, book)


def failures(result: Result) -> list[JudgingFailed]:
    return [output for output in result.outputs if isinstance(output, JudgingFailed)]


def without_poison(log: list[Item]) -> list[Item]:
    return [one for one in log if str(POISON).encode() not in one[0]]


LOGS: dict[str, list[Item]] = {
    "in order": [*items(reading(0, 0), reading(10, POISON), reading(20, 0), reading(30, 5), reading(40, 5)), at(400)],
    "the first of all": [*items(reading(0, POISON), reading(20, 0), reading(30, 0)), at(400)],
    "late": [*items(reading(0, 0)), at(500), *items(reading(490, 0), reading(5, POISON), reading(6, 0)), at(600)],
    "several": [
        *items(reading(0, 0), reading(1, POISON), reading(2, POISON, "b"), reading(3, 0), reading(4, POISON)),
        at(400),
    ],
    "dated ahead": [at(0), *items(reading(0, 0), reading(900, POISON), reading(901, 0), reading(902, 0)), at(950)],
}


@pytest.mark.parametrize("commutes", [False, True])
@pytest.mark.parametrize("name", LOGS)
def test_a_poisonous_reading_costs_itself_alone(name: str, commutes: bool) -> None:
    log = LOGS[name]
    result = run(fragile(commutes=commutes), log_of(log))
    clean = run(fragile(commutes=commutes), log_of(without_poison(log)))
    assert result.standing() == clean.standing()
    assert result.figures() == clean.figures()
    poisoned = [number for number, one in enumerate(log) if str(POISON).encode() in one[0]]
    assert [one.coordinates for one in failures(result)] == [Coordinates("readings", 0, number) for number in poisoned]
    assert all("a count that cannot be" in one.detail for one in failures(result))
    assert {(one.lane, one.key) for one in failures(result)} == {("live", "zone")}


def test_a_restart_goes_on_passing_it_over() -> None:
    log = [*items(*[reading(second, POISON if second == 5 else 0) for second in range(40)]), at(50)]
    log += [*items(reading(3.5, 5)), at(400)]
    whole, broken = run(fragile(), log_of(log)), run(fragile(), log_of(log), crashes=[20, 38])
    assert broken.standing() == whole.standing()
    assert whole.standing() == run(fragile(), log_of(without_poison(log))).standing()


def test_a_wake_that_raises_is_called_again_an_hour_later_and_the_rest_goes_on() -> None:
    log = [*items(reading(0, 5, "a"), reading(1, 5, "b")), at(400), at(400 + 3_600), at(400 + 7_200)]
    result = run(fragile(poisoned_wake="quiet/a"), log_of(log))
    assert f"{QUIET} b raised" in result.events()
    assert not any(" a " in event for event in result.events())
    assert [one.coordinates for one in failures(result)] == [None] * 3


def test_a_reading_that_cannot_be_entered_is_told() -> None:
    result = run(fragile(broken="entry"), log_of([*items(reading(0, 0), reading(5, 7), reading(10, 0))]))
    (failed,) = failures(result)
    assert failed.coordinates == Coordinates("readings", 0, 1)
    assert orjson.loads(failed.payload)["free_spaces"] == 7
    assert result.fates == {Fate.IN_ORDER: 2}
    assert result.events() == [f"{FULL} a raised"]


def test_what_is_said_on_arrival_is_all_or_nothing() -> None:
    result = run(fragile(broken="on_arrival"), log_of([*items(reading(0, 5), reading(5, 7))]))
    assert [one.coordinates for one in failures(result)] == [Coordinates("readings", 0, 1)]
    assert result.fates == {Fate.IN_ORDER: 1}
    assert None not in result.outputs


def test_an_alert_without_words_is_said_in_plain_ones() -> None:
    result = run(fragile(broken="wording"), log_of([*items(reading(0, 0), reading(10, 0))]))
    assert result.events() == [f"{FULL} a raised"]
    alert = result.alerts[0]
    assert alert.threshold.id == "toy.free"
    assert "toy.full: a" in alert.text.en
    assert "no words" in failures(result)[0].detail


def test_a_figure_that_is_not_plain_data_costs_itself_alone() -> None:
    class Odd(ToyRules):
        def apply(self, state: ToyState, entry: Entry, say: Say) -> None:
            super().apply(state, entry, say)
            if entry.payload[0] == 7:
                start_us, end_us = entry.at_us, entry.at_us + 1
                figure = Figure("toy.odd", "zone", start_us, end_us, 1.0, "1", "met", "", 1, 1.0, None, {"x": object()})  # type: ignore[arg-type]
                say.figure(figure)

    book = PlanBook([policy()])
    result = run(TimelineJudge(Odd(book, commutes=False), book), log_of(items(reading(0, 5), reading(5, 7))))
    assert ["toy.odd" in one.detail for one in failures(result)] == [True]
    assert any(isinstance(output, AlertOutput) for output in result.outputs) is False
    assert len(result.figures()) == 1


def test_much_poison_costs_itself_alone() -> None:
    # A row of 50 without one good reading would stop the feed: see the tests of the core's failures.
    log = [*items(*[reading(second, 5 if second % 40 == 0 else POISON) for second in range(280)]), at(400)]
    result = run(fragile(), log_of(log))
    assert len(failures(result)) == 273
    assert result.fates == {Fate.IN_ORDER: 7}
    assert run(judge(), log_of([at(1)])).events() == []
