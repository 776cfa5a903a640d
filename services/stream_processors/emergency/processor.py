"""The feed emergency bound to the engine. Pure.

Steps of a call make its timeline; position reports and states of units make the coverage. Deadlines are wakes, so a
breach is known at its moment even when no message comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from schemas.emergency import EmergencyReading, Step, UnitState
from schemas.fields import Feed
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.readings import Reading
from schemas.verdict import Threshold
from services.stream_processors.emergency.calls import MISSING, Call, Tally
from services.stream_processors.emergency.coverage import Cell, Grid, Post, best_move, joined, metres_between
from services.stream_processors.emergency.figures import coverage_day_figure, coverage_figure, response_figures
from services.stream_processors.emergency.policy import (
    AT_RISK,
    BREACH,
    COVERAGE_LOW,
    INDICATOR,
    NOT_DISPATCHED,
    RESPONSE_LIMIT,
    ClockStart,
    InForce,
    TravelSettings,
    policies_in_force,
)
from services.stream_processors.emergency.state import (
    NO_LEGS,
    Cover,
    DistrictState,
    Legs,
    Unit,
    dump_state,
    load_state,
)
from services.stream_processors.emergency.wording import word
from services.stream_processors.engine.counting import CALM, Episode, Peak, Sample, advance
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start, to_us
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Said, Say, Wording
from services.stream_processors.engine.periods import DAY_US, Period, local_day, local_month

FIGURES: Final = "figures"
MIDNIGHT: Final = "midnight"

_HOUR_US: Final = 3_600 * MICROSECONDS
_MINUTE_US: Final = 60 * MICROSECONDS
_NO_POLICY_LATENESS: Final = timedelta(hours=6)
_NO_POLICY_WINDOW: Final = 100_000
_LOST_NAMED: Final = 10


class EmergencyRules:
    """Rules of the feed emergency (see `services.stream_processors.engine.feed_rules.FeedRules`).

    Args:
        cells: Population grid of the district that the policy names; empty: coverage is not said.
        posts: Where a unit may be sent to.

    Raises:
        PlanFileError: a version of the policy lacks what the rules need.
    """

    feed = Feed.EMERGENCY
    commutes = False

    def __init__(self, book: PlanBook, cells: Sequence[Cell] = (), posts: Sequence[Post] = ()) -> None:
        self._policies = policies_in_force(book)
        self._targets = book.targets(INDICATOR)
        self._cells, self._posts = tuple(cells), tuple(posts)
        self._grid = Grid(self._cells)
        windows = [version.content.document.window for version in self._policies.all]
        self.lateness = max((window.lateness for window in windows), default=_NO_POLICY_LATENESS)
        self.window_max = max((window.samples_max for window in windows), default=_NO_POLICY_WINDOW)

    def with_book(self, book: PlanBook) -> EmergencyRules:
        """The same rules under other documents."""
        return EmergencyRules(book, self._cells, self._posts)

    def decode(self, raw: bytes) -> Reading:
        """A step of a call or a position report from its bytes.

        Raises:
            pydantic.ValidationError: the bytes are not one.
        """
        return EmergencyReading.model_validate_json(raw)

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """The call (or the unit), and what was told; see `_Step` and `_Report`."""
        assert isinstance(reading, EmergencyReading)  # noqa: S101 - `decode` made it
        unit = reading.unit_id
        place = None if reading.longitude is None or reading.latitude is None else (reading.longitude, reading.latitude)
        state = None if reading.unit_state is None else reading.unit_state.value
        if reading.incident_id is None:
            return (unit or reading.device_id), (None, unit, state, place)
        times = tuple(
            None if at is None else to_us(at)
            for at in (
                reading.call_received_at,
                reading.call_entered_at,
                reading.dispatched_at,
                reading.on_scene_at,
                reading.available_at,
            )
        )
        step = None if reading.step is None else reading.step.value
        return reading.incident_id, (step, unit, state, place, reading.unit_type, reading.street, times)

    def on_arrival(self, reading: Reading, coordinates: Coordinates, fate: Fate, outputs: list[Output]) -> None:
        """Nothing follows from one reading alone."""

    def new_state(self, key: str, lane: str) -> DistrictState:  # noqa: ARG002 - the same in every lane
        """A district of which nothing is known."""
        return DistrictState(key)

    def copy(self, state: DistrictState) -> DistrictState:
        """A copy that does not change when the state does."""
        return state.copy()

    def apply(self, state: DistrictState, entry: Entry, say: Say) -> None:
        """A step of a call, or a unit's report."""
        policy = self._policies.at(entry.at_us)
        if policy is None:
            return
        if len(entry.payload) > 4:
            self._step(state, entry, policy, say)
        self._unit(state, entry, policy, say)
        if state.midnight_us is None:
            state.midnight_us = local_day(entry.at_us).end_us
            say.wake(MIDNIGHT, state.midnight_us)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _step(self, state: DistrictState, entry: Entry, policy: InForce, say: Say) -> None:
        _, unit, _, _, unit_type, street, (received, entered, dispatched, on_scene, available) = entry.payload
        name = entry.asset
        call = state.calls.get(name)
        if call is None:
            start = entered if policy.settings.clock_starts is ClockStart.CALL_ENTERED else received
            if start is None:
                return
            call = Call(start, entry.offset)
            self._expect(name, call, entry.at_us, policy, say)
        call = call._replace(street=call.street or street).with_unit(unit, available is not None)
        if (
            on_scene is not None
            and policy.counts(unit_type)
            and (call.arrived_us == MISSING or on_scene < call.arrived_us)
        ):
            call = call._replace(arrived_us=on_scene, arrived_offset=entry.offset)
        first = dispatched if dispatched is not None else on_scene
        if first is not None and (call.dispatched_us == MISSING or first < call.dispatched_us):
            call = call._replace(dispatched_us=first)
        if available is not None:
            call = call._replace(closed_us=max(call.closed_us, available))
        state.calls[name] = self._judged(state, name, call, entry, say)

    def _expect(self, name: str, call: Call, at_us: int, policy: InForce, say: Say) -> None:
        """Ask to be woken at the call's deadlines."""
        limit = self._limit(call.started_us)
        if limit is not None:
            say.wake(f"deadline/{name}", call.started_us + _limit_us(limit))
        say.wake(f"risk/{name}", call.started_us + policy.risk_us)
        say.wake(f"dispatch/{name}", call.started_us + policy.dispatch_us)
        say.wake(f"age/{name}", max(at_us, call.started_us) + policy.age_us)

    def _judged(self, state: DistrictState, name: str, call: Call, entry: Entry, say: Say) -> Call:
        """End or open what the reading decides, and count the call in its day and month."""
        call = self._breached(name, call, entry.offset, say)
        if call.risk and (call.arrived_us != MISSING or call.is_closed):
            self._end_risk(name, call, entry.at_us, say)
        if call.waiting and (call.dispatched_us != MISSING or call.is_closed):
            self._end_waiting(name, call, entry.at_us, say)
            call = call._replace(waiting=False)
        return self._count(state, call, entry.at_us, say)

    def _breached(self, name: str, call: Call, offset: int, say: Say) -> Call:
        """The breach as it stands: open at the deadline, ended by the arrival or the close of the call."""
        limit = self._limit(call.started_us)
        if limit is None:
            return call
        deadline_us = call.started_us + _limit_us(limit)
        late = call.arrived_us > deadline_us
        if call.breach and call.arrived_us != MISSING and not late:
            say.no_episode(BREACH, name, deadline_us)
            return call._replace(breach=False)
        if not call.breach and not late:
            return call
        end_us = call.arrived_us if late else max(call.closed_us, deadline_us) if call.is_closed else None
        took_us = (end_us or deadline_us) - call.started_us
        peak = Peak(end_us or deadline_us, 1, round(took_us / _MINUTE_US, 6), (call.street, late))
        offsets = {call.offset} if end_us is None else {call.offset, call.arrived_offset if late else offset}
        say.episode(BREACH, name, Episode(deadline_us, deadline_us, 1, peak, tuple(sorted(offsets)), end_us, end_us))
        return call._replace(breach=True)

    def _end_risk(self, name: str, call: Call, at_us: int, say: Say) -> None:
        policy = self._policies.at(call.started_us + 1)
        if policy is None:
            return
        began_us = call.started_us + policy.risk_us
        limit = self._limit(call.started_us)
        end_us = call.arrived_us if call.arrived_us != MISSING else max(call.closed_us, began_us)
        if limit is not None:
            end_us = min(end_us, call.started_us + _limit_us(limit))
        if end_us < began_us:
            say.no_episode(AT_RISK, name, began_us)
            return
        say.episode(AT_RISK, name, _waiting_episode(call, began_us, min(end_us, max(at_us, began_us))))

    def _end_waiting(self, name: str, call: Call, at_us: int, say: Say) -> None:
        policy = self._policies.at(call.started_us + 1)
        if policy is None:
            return
        began_us = call.started_us + policy.dispatch_us
        end_us = call.dispatched_us if call.dispatched_us != MISSING else at_us
        if end_us < began_us:
            say.no_episode(NOT_DISPATCHED, name, began_us)
            return
        say.episode(NOT_DISPATCHED, name, _waiting_episode(call, began_us, end_us))

    def _count(self, state: DistrictState, call: Call, at_us: int, say: Say) -> Call:
        """Tell the call's day and month what it came to."""
        result = call.result()
        if result == call.counted:
            return call
        for period in (local_day(call.started_us), local_month(call.started_us)):
            tally = state.tallies.get(period, Tally())
            if call.counted is not None:
                tally = tally.plus(call.counted, -1)
            if result is not None:
                tally = tally.plus(result, 1)
            key = (period.start_us, period.end_us)
            state.tallies[key] = tally
            if key not in state.changed:
                state.changed = tuple(sorted({*state.changed, key}))
        policy = self._policies.at(at_us)
        if policy is not None:
            say.wake(FIGURES, local_period_start(at_us, policy.figures_us) + policy.figures_us)
        return call._replace(counted=result)

    # -- units and coverage --------------------------------------------------------------------------------------------

    def _unit(self, state: DistrictState, entry: Entry, policy: InForce, say: Say) -> None:
        step, name, told, place = entry.payload[:4]
        if name is None:
            return
        before = state.units.get(name)
        status = UnitState(told) if told is not None else before.state if before is not None else None
        if status is None:
            return
        known = None if before is None else before.place
        here = place if step is None and place is not None else known
        leg = None if before is None else before.leg
        if step == Step.RESPONDING.value and here is not None:
            leg = (*here, entry.at_us)
        elif step == Step.ON_SCENE.value and leg is not None:
            if place is not None:
                self._learn(state, leg, place, entry.at_us, policy.settings.coverage.travel)
            leg = None
        counted = None if before is None else before.counted
        settings = policy.settings.coverage
        moved = here is not None and (counted is None or metres_between(counted, here) > settings.moved_metres)
        if moved:
            counted = here
        state.units[name] = Unit(status, entry.at_us, here, counted, leg)
        changed = before is None or before.state is not status or moved
        if changed and state.district == settings.group and self._cells:
            self._cover(state, entry.at_us, entry.offset, policy, say)

    def _learn(
        self,
        state: DistrictState,
        leg: tuple[float, float, int],
        place: tuple[float, float],
        at_us: int,
        travel: TravelSettings,
    ) -> None:
        """A unit's own way to a call teaches how fast units get along at that hour."""
        took_us = at_us - leg[2]
        if took_us <= 0:
            return
        metres = round(metres_between(leg[:2], place) * travel.detour_factor)
        speed_kmh = metres / took_us * 3_600_000
        slowest, fastest = travel.leg_speed_kmh
        if slowest <= speed_kmh <= fastest:
            hour = _local_hour(leg[2])
            known = state.legs.get(hour, NO_LEGS)
            state.legs[hour] = Legs(known.metres + metres, known.microseconds + took_us, known.driven + 1)

    def reach_metres(self, state: DistrictState, at_us: int, policy: InForce) -> float:
        """How far, as the crow flies, a unit gets in the time that is left for the way."""
        travel = policy.settings.coverage.travel
        limit = self._limit(at_us)
        limit_us = _limit_us(limit) if limit is not None else 600 * MICROSECONDS
        left_us = max(0, limit_us - travel.allowance_seconds * MICROSECONDS)
        prior_us = travel.prior_minutes * _MINUTE_US
        prior_metres = travel.speed_kmh * prior_us / 3_600_000
        legs = state.legs.get(_local_hour(at_us), NO_LEGS)
        return (legs.metres + prior_metres) / (legs.microseconds + prior_us) * left_us / travel.detour_factor

    def reached(self, state: DistrictState, at_us: int, policy: InForce) -> dict[str, int]:
        """Cells that each available unit covers."""
        settings = policy.settings.coverage
        metres = self.reach_metres(state, at_us, policy)
        oldest_us = at_us - settings.fresh_seconds * MICROSECONDS
        return {
            name: self._grid.within(*unit.counted, metres)
            for name, unit in state.units.items()
            if unit.counted is not None and unit.at_us >= oldest_us and unit.state in settings.available
        }

    def _cover(self, state: DistrictState, at_us: int, offset: int, policy: InForce, say: Say) -> None:
        reached = self.reached(state, at_us, policy)
        cells = joined(reached)
        people = self._grid.people(cells)
        before = state.cover
        cover = Cover(at_us, -1, 0) if before is None else before.until(at_us)
        state.cover = cover = cover._replace(people=people, units=len(reached))
        share = people / self._grid.everyone
        level = 0 if share >= policy.coverage_least else 1 if share >= policy.coverage_least / 2 else 2
        if level == 0:
            state.best_cells = cells
        opens = (level and state.low.episode is None) or (
            state.low.episode is not None and level > state.low.episode.peak.level
        )
        payload = self._advice(state, reached, cells, at_us, policy) if opens else (None, 0, (), None)
        sample = Sample(at_us, level, round(share, 6), offset, payload, share >= policy.coverage_clear)
        state.low, episode = advance(state.low, sample, policy.coverage_low)
        if episode is not None:
            say.episode(COVERAGE_LOW, state.district, episode)
        start_us = local_period_start(at_us, _MINUTE_US)
        minute = Period(start_us, start_us + _MINUTE_US)
        if before is None or before.people != people or before.units != len(reached):
            say.figure(coverage_figure(state.district, cells, cover, minute, grid=self._grid, policy=policy))

    def _advice(
        self, state: DistrictState, reached: dict[str, int], cells: int, at_us: int, policy: InForce
    ) -> tuple[Any, ...]:
        """What an operator needs to restore coverage."""
        metres = self.reach_metres(state, at_us, policy)
        places = {post.id: self._grid.within(post.longitude, post.latitude, metres) for post in self._posts}
        move = best_move(self._grid, reached, places)
        names = {post.id: post.name_zh for post in self._posts}
        lost = self._grid.names(state.best_cells & ~cells, _LOST_NAMED)
        told = None if move is None else (move.unit, move.to, names[move.to], move.people)
        return None, self._grid.everyone - self._grid.people(cells), lost, told

    # -- time ----------------------------------------------------------------------------------------------------------

    def on_wake(self, state: DistrictState, name: str, at_us: int, say: Say) -> None:
        """A deadline of a call has passed, or figures are due."""
        policy = self._policies.at(at_us)
        if policy is None:
            return
        kind, _, call_name = name.partition("/")
        if kind == FIGURES:
            self._say_figures(state, policy, say)
            return
        if kind == MIDNIGHT:
            self._close_day(state, at_us, policy, say)
            return
        call = state.calls.get(call_name)
        if call is None:
            return
        unanswered = call.arrived_us == MISSING and not call.is_closed
        if kind == "deadline" and unanswered:
            if call.risk:
                say.episode(AT_RISK, call_name, _waiting_episode(call, call.started_us + policy.risk_us, at_us))
            state.calls[call_name] = self._breached(call_name, call._replace(breach=True), call.offset, say)
        elif kind == "risk" and unanswered:
            state.calls[call_name] = call._replace(risk=True)
            say.episode(AT_RISK, call_name, _waiting_episode(call, at_us, None))
        elif kind == "dispatch" and unanswered and call.dispatched_us == MISSING:
            state.calls[call_name] = call._replace(waiting=True)
            say.episode(NOT_DISPATCHED, call_name, _waiting_episode(call, at_us, None))
        elif kind == "age":
            self._give_up(state, call_name, call, at_us, say)

    def _give_up(self, state: DistrictState, name: str, call: Call, at_us: int, say: Say) -> None:
        """The call is too old to change: it is counted as it stands, and forgotten."""
        if call.result() is None:
            call = call._replace(given_up=True, closed_us=max(call.closed_us, at_us))
            call = self._breached(name, call, call.offset, say)
            if call.waiting:
                self._end_waiting(name, call, at_us, say)
            self._count(state, call, at_us, say)
        del state.calls[name]

    def _say_figures(self, state: DistrictState, policy: InForce, say: Say) -> None:
        for start_us, end_us in state.changed:
            tally, limit = state.tallies[start_us, end_us], self._limit(start_us)
            for figure in response_figures(state.district, tally, Period(start_us, end_us), limit, policy):
                say.figure(figure)
        state.changed = ()

    def _close_day(self, state: DistrictState, at_us: int, policy: InForce, say: Say) -> None:
        self._say_figures(state, policy, say)
        state.midnight_us = None
        if state.cover is not None:
            cover = state.cover.until(at_us)
            if cover.day_known_us:
                day = local_day(at_us - 1)
                say.figure(coverage_day_figure(state.district, cover, day, at_us, grid=self._grid, policy=policy))
            state.cover = Cover(at_us, cover.people, cover.units)
        oldest_us = at_us - DAY_US
        if state.calls or any(unit.at_us >= oldest_us for unit in state.units.values()):
            state.midnight_us = at_us + DAY_US
            say.wake(MIDNIGHT, state.midnight_us)

    def forget(self, state: DistrictState, horizon_us: int) -> bool:
        """Drop the tallies of periods that are over and final."""
        for start_us, end_us in list(state.tallies):
            if end_us + DAY_US < horizon_us and (start_us, end_us) not in state.changed:
                del state.tallies[start_us, end_us]
        return not (state.calls or state.tallies or state.units or state.low != CALM)

    def dump(self, state: DistrictState) -> Any:
        """JSON-ready form."""
        return dump_state(state)

    def load(self, dumped: Any, key: str, lane: str) -> DistrictState:  # noqa: ARG002 - the same in every lane
        """A district from its JSON-ready form."""
        return load_state(dumped, key)

    def _limit(self, at_us: int) -> Threshold | None:
        """The plan's target in force, or the policy's limit while no plan sets one."""
        target = self._targets.at(at_us)
        if target is not None:
            return target.threshold
        policy = self._policies.at(at_us)
        return None if policy is None else policy.threshold(RESPONSE_LIMIT)

    def wording(self, said: Said) -> Wording:
        """Severity, threshold and texts under the documents in force at the episode's start."""
        at_us = said.episode.started_us
        policy = self._policies.at(at_us) or self._policies.all[-1].content
        return word(said, policy, self._targets.at(at_us))

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time."""
        policy = self._policies.at(at_us)
        return None if policy is None else policy.document.rule_policy(rule)


def _limit_us(limit: Threshold) -> int:
    return round(limit.value * _MINUTE_US)


def _local_hour(at_us: int) -> int:
    return (at_us - local_period_start(at_us, DAY_US)) // _HOUR_US


def _waiting_episode(call: Call, began_us: int, end_us: int | None) -> Episode:
    """A call that waits, from a moment on."""
    took = (end_us or began_us) - call.started_us
    peak = Peak(end_us or began_us, 1, took / MICROSECONDS, (call.street,))
    episode = Episode(began_us, began_us, 1, peak, (call.offset,))
    return episode if end_us is None else replace(episode, ended_us=end_us, cleared_us=end_us)
