"""The engine under rules made for it: counting, silence, a deadline across assets, a parent, a group, sums."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alert import AlertEventType, Severity
from schemas.fields import Feed
from schemas.indicator import IndicatorStatus
from schemas.parking import ParkingReading
from schemas.plan.book import PlanBook
from schemas.plan.documents import PolicyHead, WindowPolicy
from schemas.plan.policy import Limit, Maintenance, PolicyDocument, RulePolicy, SeverityAt
from schemas.verdict import Comparator
from services.stream_processors.engine.counting import (
    CALM,
    Debounce,
    Episode,
    Peak,
    Run,
    Sample,
    advance,
    dump_run,
    load_run,
)
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start, to_us
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Figure, Said, Say, Wording
from services.stream_processors.engine.frame import PASSED, Frame, Voice
from services.stream_processors.engine.timeline_judge import TimelineJudge
from tests.unit.stream_processors.in_order import play
from tests.unit.stream_processors.recorded import Item, Record, item, log_of, publication, run, tick

START = datetime(2026, 11, 24, tzinfo=UTC)
MINUTE_US = 60 * MICROSECONDS
FULL, QUIET, DARK, DEADLINE = "toy.full", "toy.quiet", "toy.dark", "toy.deadline"


def rule(rule_id: str, **values: Any) -> RulePolicy:
    body: dict[str, Any] = {
        "id": rule_id,
        "name": rule_id,
        "name_zh": rule_id,
        "severity": [SeverityAt(level=1, severity=Severity.BLUE), SeverityAt(level=2, severity=Severity.YELLOW)],
        "advice_zh": "看",
        "advice_en": "look",
    }
    return RulePolicy.model_validate({**body, **values})


def policy(version: str = "1", valid_from: str = "2021-01-01", limit: float = 1, **changes: Any) -> PolicyDocument:
    rules = {
        FULL: rule(FULL, limit="toy.free", raise_after=2, clear_after=2, **changes.pop("full", {})),
        QUIET: rule(QUIET, **changes.pop("quiet", {})),
        DARK: rule(DARK, inhibits=[QUIET], inhibit_grace_seconds=120),
        DEADLINE: rule(DEADLINE),
    }
    return PolicyDocument(
        feed=Feed.PARKING,
        policy=PolicyHead.model_validate(
            {"id": "toy", "version": version, "name": "toy", "owner": "desk", "valid_from": valid_from}
        ),
        window=WindowPolicy(lateness_seconds=7_200, samples_max=5_000),
        limit=(
            Limit(
                id="toy.free", name="free", name_zh="空位", value=limit, unit="1", comparator=Comparator.GE, scope="lot"
            ),
        ),
        rule=tuple(rules.values()),
        **changes,
    )


@dataclass
class ToyState:
    key: str
    runs: dict[str, Run] = field(default_factory=dict)
    heard: dict[str, tuple[int, int]] = field(default_factory=dict)
    quiet: dict[str, Episode] = field(default_factory=dict)
    sums: dict[int, tuple[int, int]] = field(default_factory=dict)
    waiting: dict[str, tuple[int, int, bool]] = field(default_factory=dict)
    """Lots whose count must change before a deadline: since when, the offset, whether the deadline was called."""


class ToyRules:
    """Less than the limit free: full. Nothing for five minutes: quiet. 13 must change within three minutes."""

    feed = Feed.PARKING
    state_version = 1
    lateness = timedelta(hours=2)
    window_max = 5_000
    quiet_us = 5 * MINUTE_US
    gone_us = 60 * MINUTE_US
    deadline_us = 3 * MINUTE_US

    def __init__(self, book: PlanBook, *, commutes: bool) -> None:
        self.book = book
        self.commutes = commutes
        self.policies = book.policies(Feed.PARKING)
        self.applied = 0

    def with_book(self, book: PlanBook) -> ToyRules:
        return ToyRules(book, commutes=self.commutes)

    def decode(self, raw: bytes) -> ParkingReading:
        return ParkingReading.model_validate_json(raw)

    def entry(self, reading: Any) -> tuple[str, tuple[Any, ...]] | None:
        return reading.device_id, (reading.free_spaces,)

    def on_arrival(self, reading: Any, coordinates: Coordinates, fate: Fate, outputs: list[Output]) -> None:
        pass

    def new_state(self, key: str, lane: str) -> ToyState:  # noqa: ARG002
        return ToyState(key)

    def copy(self, state: ToyState) -> ToyState:
        return ToyState(
            state.key,
            state.runs.copy(),
            state.heard.copy(),
            state.quiet.copy(),
            state.sums.copy(),
            state.waiting.copy(),
        )

    def apply(self, state: ToyState, entry: Entry, say: Say) -> None:
        self.applied += 1
        free = entry.payload[0]
        self._count(state, entry, free, say)
        self._hear(state, entry, say)
        waiting = state.waiting.pop(entry.asset, None)
        if waiting is not None:
            since_us, offset, is_late = waiting
            late_us = since_us + self.deadline_us
            say.no_wake(f"deadline/{entry.asset}")
            if is_late:  # it does not look at its own time: the engine calls what lies before a reading
                peak = Peak(late_us, 1, 13.0, ())
                say.episode(
                    DEADLINE,
                    entry.asset,
                    Episode(late_us, late_us, 1, peak, (offset, entry.offset), entry.at_us, entry.at_us),
                )
        if free == 13:
            state.waiting[entry.asset] = (entry.at_us, entry.offset, False)
            say.wake(f"deadline/{entry.asset}", entry.at_us + self.deadline_us)
        hour_us = local_period_start(entry.at_us, 3_600 * MICROSECONDS)
        n, total = state.sums.get(hour_us, (0, 0))
        state.sums[hour_us] = (n + 1, total + free)
        say.figure(
            Figure(
                "toy.mean",
                state.key,
                hour_us,
                hour_us + 3_600 * MICROSECONDS,
                (total + free) / (n + 1),
                "1",
                IndicatorStatus.CANNOT_SAY,
                "shown",
                n + 1,
                1.0,
                None,
                status_reason_zh="仅展示",
            )
        )

    def _count(self, state: ToyState, entry: Entry, free: int, say: Say) -> None:
        policy = self.policies.at(entry.at_us)
        if policy is None:
            return
        limit = policy.limit[0].value
        level = 0 if free >= limit else 2 if free < -5 else 1
        counted, episode = advance(
            state.runs.get(entry.asset, CALM),
            Sample(entry.at_us, level, float(free), entry.offset),
            Debounce.of(policy.rule_policy(FULL)),
        )
        state.runs[entry.asset] = counted
        if episode is not None:
            say.episode(FULL, entry.asset, episode)

    def _hear(self, state: ToyState, entry: Entry, say: Say) -> None:
        last = state.heard.get(entry.asset)
        state.heard[entry.asset] = (entry.at_us, entry.offset)
        opened = state.quiet.pop(entry.asset, None)
        if last is not None and entry.at_us - last[0] > self.quiet_us:
            begun = opened or self._silent(last)
            say.episode(
                QUIET,
                entry.asset,
                Episode(
                    begun.started_us, begun.raised_us, 1, begun.peak, (last[1], entry.offset), entry.at_us, entry.at_us
                ),
            )
        say.wake(f"quiet/{entry.asset}", entry.at_us + self.quiet_us)

    def _silent(self, last: tuple[int, int]) -> Episode:
        raised_us = last[0] + self.quiet_us
        return Episode(last[0], raised_us, 1, Peak(raised_us, 1, None, ()), (last[1],))

    def on_wake(self, state: ToyState, name: str, at_us: int, say: Say) -> None:  # noqa: ARG002
        kind, asset = name.split("/")
        if kind == "quiet":
            state.quiet[asset] = episode = self._silent(state.heard[asset])
            say.episode(QUIET, asset, episode)
        else:
            since_us, offset, _ = state.waiting[asset]
            state.waiting[asset] = (since_us, offset, True)
            late_us = since_us + self.deadline_us
            say.episode(DEADLINE, asset, Episode(late_us, late_us, 1, Peak(late_us, 1, 13.0, ()), (offset,)))

    def forget(self, state: ToyState, horizon_us: int) -> bool:
        state.runs = {asset: run for asset, run in state.runs.items() if run != CALM}
        for hour_us in [hour_us for hour_us in state.sums if hour_us + 7_200 * MICROSECONDS < horizon_us]:
            del state.sums[hour_us]
        return False

    def dump(self, state: ToyState) -> Any:
        return [
            {asset: dump_run(one) for asset, one in state.runs.items()},
            state.heard,
            {asset: (e.started_us, e.raised_us, e.offsets) for asset, e in state.quiet.items()},
            {str(hour): both for hour, both in state.sums.items()},
            state.waiting,
        ]

    def load(self, dumped: Any, key: str, lane: str) -> ToyState:  # noqa: ARG002
        runs, heard, quiet, sums, waiting = dumped
        return ToyState(
            key,
            {asset: load_run(one) for asset, one in runs.items()},
            {asset: tuple(both) for asset, both in heard.items()},
            {
                asset: Episode(start, raised, 1, Peak(raised, 1, None, ()), tuple(offsets))
                for asset, (start, raised, offsets) in quiet.items()
            },
            {int(hour): tuple(both) for hour, both in sums.items()},
            {asset: tuple(both) for asset, both in waiting.items()},
        )

    def pack(self, state: ToyState) -> bytes:
        return msgspec.msgpack.encode(self.dump(state))

    def unpack(self, raw: bytes, version: int, key: str, lane: str) -> ToyState:  # noqa: ARG002 - there is one version
        return self.load(msgspec.msgpack.decode(raw), key, lane)

    def wording(self, said: Said) -> Wording:
        document = self.policies.at(said.episode.started_us)
        assert document is not None
        severity = document.rule_policy(said.rule).severity_of(said.episode.level)
        return Wording(said.asset, severity, "1", document.threshold("toy.free"), "满", "full")

    def rule_policy(self, rule_id: str, at_us: int) -> RulePolicy | None:
        document = self.policies.at(at_us)
        return None if document is None else document.rule_policy(rule_id)


def judge(document: PolicyDocument | None = None, *, commutes: bool = False) -> TimelineJudge[Any]:
    book = PlanBook([document or policy()])
    return TimelineJudge(ToyRules(book, commutes=commutes), book)


def reading(second: float, free: int = 5, lot: str = "a", seq: int | None = None, lane: str = "live") -> ParkingReading:
    return ParkingReading(
        feed=Feed.PARKING,
        device_id=lot,
        group_id="zone",
        boot_id="b",
        seq=int(second * 10) if seq is None else seq,
        observed_at=START + timedelta(seconds=second),
        lane=lane,
        total_spaces=100,
        free_spaces=free,
    )


def at(second: float, spare: int = 1_000_000) -> Item:
    return tick(START + timedelta(seconds=second), spare=spare)


def items(*readings: ParkingReading) -> list[Item]:
    return [item(one) for one in readings]


@st.composite
def readings(draw: st.DrawFn) -> list[ParkingReading]:
    """Up to 40 readings of three lots within 90 minutes, bunched so that many are close together."""
    found: dict[tuple[str, int], ParkingReading] = {}
    for seq in range(draw(st.integers(1, 40))):
        lot = draw(st.sampled_from("abc"))
        second = draw(st.integers(0, 9)) * 540 + draw(st.integers(0, 30))
        free = draw(st.sampled_from([5, 5, 0, 0, -9, 13]))
        found[lot, seq] = reading(second, free, lot, seq)
    return list(found.values())


CLOSE = 140 * 60
"""Everything has happened and nothing has left the lateness bound."""


@settings(deadline=None, max_examples=60)
@given(readings(), st.data(), st.booleans())
def test_any_order_any_delay_and_any_crash_end_in_the_same(
    found: list[ParkingReading], data: st.DataObject, commutes: bool
) -> None:
    in_order = sorted(found, key=lambda one: (one.observed_at, one.device_id, one.seq))
    plain = run(judge(commutes=commutes), log_of([*items(*in_order), at(CLOSE)]))
    arrivals = [*found, *data.draw(st.lists(st.sampled_from(found), max_size=5))]
    delayed = sorted(
        (to_us(one.observed_at) + data.draw(st.integers(0, 3_000)) * MICROSECONDS, number, item(one))
        for number, one in enumerate(arrivals)
    )
    log: list[Item] = []
    clock, spare = 0, data.draw(st.sampled_from([0, 3, 1_000_000]))
    for arrived_us, _, one in delayed:
        passed = (arrived_us - to_us(START)) // MICROSECONDS
        if passed > clock and data.draw(st.booleans()):
            clock = passed
            log.append(at(clock, spare))
        log.append(one)
    log.append(at(CLOSE))
    crashes = data.draw(st.lists(st.integers(1, len(log)), max_size=3))
    whole = run(judge(commutes=commutes), log_of(log))
    broken = run(judge(commutes=commutes), log_of(log), crashes=crashes)

    assert whole.standing() == plain.standing()
    assert whole.figures() == plain.figures()
    assert broken.standing() == whole.standing()
    assert {a.event_id: a for a in broken.alerts} == {a.event_id: a for a in whole.alerts}
    assert {(i.id, i.period_start, i.revision): i for i in broken.indicators} == {
        (i.id, i.period_start, i.revision): i for i in whole.indicators
    }


@settings(deadline=None, max_examples=40)
@given(readings())
def test_the_engine_agrees_with_the_rules_played_in_order(found: list[ParkingReading]) -> None:
    book = PlanBook([policy()])
    told = play(ToyRules(book, commutes=False), found, to_us(START) + CLOSE * MICROSECONDS)
    said = run(judge(), log_of([*items(*found), at(CLOSE)])).standing()
    assert {(a["rule"], a["asset"], to_us(a["started_at"])) for a in said.values()} == set(told.episodes)


def test_a_reading_in_order_is_applied_once() -> None:
    chosen = judge()
    run(chosen, log_of(items(*[reading(second) for second in range(1_000)])))
    rules = chosen.rules
    assert isinstance(rules, ToyRules)
    assert rules.applied == 1_000


def test_two_hours_at_once_are_judged_once_at_the_next_tick() -> None:
    chosen = judge()
    steady = items(*[reading(second, lot="b") for second in range(0, 7_000, 10)])
    offline = items(*[reading(second, 0, lot="a") for second in range(0, 5_000, 30)])
    result = run(chosen, log_of([*steady[:-1], at(6_990), *offline, steady[-1], at(7_000)]))
    rules = chosen.rules
    assert isinstance(rules, ToyRules)
    assert rules.applied < 3 * (len(steady) + len(offline))
    assert result.events()[0] == f"{FULL} a raised"
    assert result.fates[Fate.LATE] == len(offline)


def test_a_wake_behind_readings_that_were_applied_already_comes_at_its_own_time() -> None:
    log = [*items(reading(0, 13)), at(0.5), *items(reading(178, 5, "b"), reading(181, 5, "b")), at(181)]
    result = run(judge(), log_of(log))
    assert result.events() == [f"{DEADLINE} a raised"]
    assert result.alerts[0].started_at == START + timedelta(seconds=180)


#   lot a   13 at 0 ------- deadline 180 ---- 5 at 190 (takes the wake back)
#   clock   0.5 ...................................... 200
@pytest.mark.parametrize("commutes", [False, True])
@pytest.mark.parametrize("others", [0, 40])
def test_a_wake_that_a_reading_behind_it_took_back_before_the_clock_came_is_called(commutes: bool, others: int) -> None:
    between = items(*[reading(181 + n / 10, 5, "b") for n in range(others)])
    log = [*items(reading(0, 13)), at(0.5), *between, *items(reading(190, 5)), at(200)]
    result = run(judge(commutes=commutes), log_of(log))
    assert result.events() == [f"{DEADLINE} a raised", f"{DEADLINE} a resolved"]
    assert result.alerts[-1].ended_at == START + timedelta(seconds=190)


def test_a_wake_that_a_reading_asked_for_behind_itself_may_be_taken_back_by_it() -> None:
    frame: Frame[None] = Frame(None)
    voice = Voice(frame, 0)
    voice.reads(100)
    voice.wake("a", 80)
    voice.no_wake("a")
    voice.wake("b", 90)
    voice.wake("b", 95)
    assert frame.wakes == {"b": 95}
    voice.reads(96)
    voice.wake("b", 97)
    assert frame.wakes == {"b": 97, PASSED: 95}


def test_what_comes_exactly_at_the_deadline_is_in_time() -> None:
    log = [*items(reading(0, 13)), at(180), *items(reading(180, 5)), at(200)]
    assert run(judge(), log_of(log)).events() == []


def test_a_deadline_passed_long_ago_is_said_at_the_next_tick() -> None:
    log = [at(600), *items(reading(0, 13)), at(601)]
    assert f"{DEADLINE} a raised" in run(judge(), log_of(log)).events()


def test_severity_steps_up_and_down() -> None:
    log = log_of(items(*[reading(10 * n, free) for n, free in enumerate([0, 0, -9, 0, 5, 5])]))
    result = run(judge(), log)
    assert [a.event for a in result.alerts] == [
        AlertEventType.RAISED,
        AlertEventType.ESCALATED,
        AlertEventType.ESCALATED,
        AlertEventType.RESOLVED,
    ]
    assert [a.severity for a in result.alerts] == [Severity.BLUE, Severity.YELLOW, Severity.BLUE, Severity.BLUE]


def test_a_late_reading_amends_and_retracts() -> None:
    first, second, third = reading(0, 0), reading(20, 0), reading(40, 0)
    between = reading(10, 5)
    log = log_of([*items(first, second), *items(between)])
    assert [a.event for a in run(judge(), log).alerts] == [AlertEventType.RAISED, AlertEventType.RETRACTED]
    log = log_of([*items(first, third, reading(30, -9))])
    assert [a.event for a in run(judge(), log).alerts] == [AlertEventType.RAISED, AlertEventType.AMENDED]


def test_a_late_breach_between_two_good_samples_is_raised_late() -> None:
    log = log_of(items(reading(0), reading(60), reading(20, 0), reading(25, 0), reading(70)))
    result = run(judge(), log)
    assert result.events() == [f"{FULL} a raised", f"{FULL} a resolved"]
    assert result.alerts[-1].ended_at == START + timedelta(seconds=60)


def test_a_future_reading_waits_and_moves_no_time() -> None:
    ahead = reading(4_000, 0)
    log = [at(0), *items(reading(1), ahead, ahead, reading(2, 0), reading(3, 0)), at(10)]
    result = run(judge(), log_of(log))
    assert result.fates[Fate.FUTURE] == 1
    assert result.fates[Fate.REPEATED] == 1
    assert result.events() == [f"{FULL} a raised"]
    assert result.alerts[0].started_at == START + timedelta(seconds=2)
    later = run(judge(), log_of([*log, at(3_800), *items(reading(4_010, 5))]))
    assert (
        later.figures()[("live", "toy.mean", "zone", START + timedelta(hours=1), START + timedelta(hours=2), None)]["n"]
        == 2
    )


def test_in_a_replay_time_belongs_to_whoever_drives_it() -> None:
    log = [
        tick(START, "replay:x"),
        item(reading(4_000, 0, lane="replay:x")),
        item(reading(4_010, 0, lane="replay:x", seq=9)),
    ]
    result = run(judge(), log_of(log))
    assert result.fates == {Fate.IN_ORDER: 2}
    assert [a.lane for a in result.alerts] == ["replay:x"]


def test_beyond_the_lateness_bound_nothing_changes() -> None:
    log = [at(0), *items(reading(0), reading(1)), at(7_300), at(7_200 + 3_600), *items(reading(5, 0), reading(6, 0))]
    result = run(judge(), log_of(log))
    assert result.fates[Fate.TOO_LATE] == 2
    assert f"{FULL} a raised" not in result.events()


def test_a_parent_says_it_for_its_children() -> None:
    class Dark(ToyRules):
        def with_book(self, book: PlanBook) -> Dark:
            return Dark(book, commutes=self.commutes)

        def on_wake(self, state: ToyState, name: str, at_us: int, say: Say) -> None:
            if name == "dark/all":
                say.episode(DARK, state.key, Episode(at_us, at_us, 1, Peak(at_us, 1, None, ()), ()))
                return
            super().on_wake(state, name, at_us, say)

        def apply(self, state: ToyState, entry: Entry, say: Say) -> None:
            if entry.at_us - to_us(START) >= 1_000 * MICROSECONDS:
                begun = to_us(START) + 250 * MICROSECONDS
                end_us = to_us(START) + 1_000 * MICROSECONDS
                say.episode(DARK, state.key, Episode(begun, begun, 1, Peak(begun, 1, None, ()), (), end_us, end_us))
            super().apply(state, entry, say)
            if entry.at_us < to_us(START) + 10 * MICROSECONDS:
                say.wake("dark/all", to_us(START) + 250 * MICROSECONDS)

    book = PlanBook([policy()])
    chosen = TimelineJudge(Dark(book, commutes=False), book)
    lots = [f"lot{n}" for n in range(40)]
    log = [*items(*[reading(n / 100, lot=lot) for n, lot in enumerate(lots)]), at(260), at(900)]
    result = run(chosen, log_of(log))
    assert result.events()[0] == f"{DARK} zone raised"
    assert {event.split()[0] for event in result.events()} == {DARK}
    assert len(result.alerts[-1].members) == 40
    back = [*log, *items(*[reading(1_000 + n, lot=lot) for n, lot in enumerate(lots[:39])]), at(1_050)]
    result = run(chosen, log_of(back))
    assert {event.split()[0] for event in result.events()} == {DARK}
    result = run(chosen, log_of([*back, at(1_121)]))
    assert result.events()[-1] == f"{QUIET} lot39 raised"


def test_many_with_one_cause_are_one_alert_of_the_group() -> None:
    chosen = judge(policy(quiet={"group_min": 3}))
    lots = "abcd"
    log = [*items(*[reading(n, lot=lot) for n, lot in enumerate(lots)]), at(302), at(400)]
    result = run(chosen, log_of(log))
    group = [a for a in result.alerts if a.asset == "zone"]
    assert group[0].event is AlertEventType.RAISED
    assert [asset for _, asset in group[-1].members] == list("abcd")
    suppressed = [a for a in result.standing().values() if a["suppression"] is not None]
    assert {a["asset"] for a in suppressed} <= {"a", "b", "c"}
    assert not any(a.asset == "d" for a in result.alerts)


def test_a_maintenance_window_silences_and_says_so() -> None:
    window = Maintenance(
        id="works-7",
        starts=START,
        ends=START + timedelta(minutes=10),
        reason="new cable",
        owner="desk",
        assets=("a",),
        groups=("zone",),
    )
    chosen = judge(policy(maintenance=(window,)))
    log = [at(1), *items(reading(10, 0), reading(20, 0), reading(10, 0, "b"), reading(20, 0, "b"))]
    result = run(chosen, log_of(log))
    marked = {a.asset: a.suppression for a in result.alerts}
    assert marked["b"] is None
    assert marked["a"] is not None
    assert (marked["a"].by, marked["a"].until) == ("works-7", window.ends)
    outlasted = run(chosen, log_of([*log, *items(reading(500, 0)), at(601)]))
    last = [a for a in outlasted.alerts if a.asset == "a" and a.rule == FULL][-1]
    assert (last.event, last.suppression) == (AlertEventType.UPDATED, None)


def test_another_version_judges_again_from_its_date_on() -> None:
    stricter = policy(version="2", valid_from="2026-11-24", limit=6)
    log = [*items(reading(0), reading(10)), publication(stricter), *items(reading(20)), publication(stricter)]
    result = run(judge(), log_of(log))
    assert result.events() == [f"{FULL} a raised"]
    assert result.alerts[0].threshold.source.version == "2"
    before = START - timedelta(days=1)
    old = reading(0, seq=1).model_copy(update={"observed_at": before})
    older = reading(0, seq=2).model_copy(update={"observed_at": before + timedelta(seconds=1)})
    assert run(judge(), log_of([publication(stricter), *items(old, older)])).events() == []


def test_a_document_of_another_feed_changes_nothing() -> None:
    other = policy(version="2", limit=6).model_copy(update={"feed": Feed.EV})
    assert run(judge(), log_of([publication(other), *items(reading(0), reading(10))])).events() == []


def test_a_window_that_overflows_is_final_before_its_time() -> None:
    chosen = judge()
    rules = chosen.rules
    assert isinstance(rules, ToyRules)
    rules.window_max = 100
    many: list[Item] = []
    for second in range(1_000):
        many += [*items(reading(second)), *([at(second)] if second % 100 == 0 else [])]
    log = [*many, at(1_000), *items(reading(0.5, 0, seq=99_999)), *items(reading(995.5, 0, seq=99_998))]
    result = run(chosen, log_of(log))
    assert (result.fates[Fate.TOO_LATE], result.fates[Fate.LATE]) == (1, 1)


@pytest.mark.parametrize("commutes", [False, True])
def test_a_snapshot_restores_the_same(commutes: bool) -> None:
    log = log_of(
        [at(0), *items(*[reading(n, (n * 7) % 5 - 2, "abc"[n % 3]) for n in range(300)]), at(300), at(700), at(4_000)]
    )
    assert isinstance(log[0], Record)
    whole = run(judge(commutes=commutes), log)
    broken = run(judge(commutes=commutes), log, crashes=[50, 150, 301])
    assert {a.event_id: a for a in broken.alerts} == {a.event_id: a for a in whole.alerts}
