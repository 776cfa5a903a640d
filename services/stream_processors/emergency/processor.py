"""The feed emergency bound to the engine. Pure.

Steps of a call make its timeline; position reports and states of units make the coverage. Deadlines are wakes, so a
breach is known at its moment even when no message comes. Readings of different calls and units may be applied in any
order between two wakes: a step changes its own call and adds to sums, a sighting of a unit waits for the next look.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from schemas.district import Post
from schemas.emergency import EmergencyReading
from schemas.fields import Feed
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.reading_json import ReadingJson
from schemas.readings import Reading
from schemas.verdict import Threshold
from services.stream_processors.emergency.call_book import CallBook, open_ages
from services.stream_processors.emergency.calls import Limits
from services.stream_processors.emergency.coverage import Cell, Grid
from services.stream_processors.emergency.figures import Calls, coverage_day_figure, response_figures
from services.stream_processors.emergency.look import Lookout, look_at_us
from services.stream_processors.emergency.packed import pack, unpack
from services.stream_processors.emergency.policy import (
    INDICATOR,
    RESPONSE_LIMIT,
    ClockStart,
    InForce,
    policies_in_force,
)
from services.stream_processors.emergency.release_2 import district_of_release_2
from services.stream_processors.emergency.state import Cover, DistrictState
from services.stream_processors.emergency.steps import REPORT, payload_of, sighting_of, told_of
from services.stream_processors.emergency.units import Part, kept_us
from services.stream_processors.emergency.wording import judged_at_us, word
from services.stream_processors.engine.counting import CALM
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start, span_us
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Said, Say, Wording
from services.stream_processors.engine.periods import DAY_US, Period, local_day

LOOK: Final = "coverage"
FIGURES: Final = "figures"
MIDNIGHT: Final = "midnight"

_MINUTE_US: Final = 60 * MICROSECONDS
_NO_POLICY_LATENESS: Final = timedelta(hours=6)
_NO_POLICY_WINDOW: Final = 100_000

_READ: Final = ReadingJson(EmergencyReading)


class EmergencyRules:
    """Rules of the feed emergency (see `services.stream_processors.engine.feed_rules.FeedRules`).

    Args:
        cells: Population grid of the district that the policy names; empty: coverage is not said.
        posts: Where a unit may be sent to.

    Raises:
        PlanFileError: a version of the policy lacks what the rules need.
    """

    feed = Feed.EMERGENCY
    state_version = 2
    commutes = True

    def __init__(self, book: PlanBook, cells: Sequence[Cell] = (), posts: Sequence[Post] = ()) -> None:
        self._policies = policies_in_force(book)
        self._targets = book.targets(INDICATOR)
        self._cells, self._posts = tuple(cells), tuple(posts)
        self._grid = Grid(self._cells)
        self._lookout = Lookout(self._grid, self._posts)
        versions = [version.content for version in self._policies.all]
        windows = [version.document.window for version in versions]
        self.lateness = max((window.lateness for window in windows), default=_NO_POLICY_LATENESS)
        self.window_max = max((window.samples_max for window in windows), default=_NO_POLICY_WINDOW)
        # A step comes at most so long after its call began, or it is of a call that was counted and forgotten.
        self._call_kept_us = max((version.age_us for version in versions), default=0) + span_us(self.lateness)
        self._unit_kept_us = max((kept_us(version.settings.coverage) for version in versions), default=DAY_US)
        self._calls = CallBook(self._limits, self._call_kept_us)

    def with_book(self, book: PlanBook) -> EmergencyRules:
        """The same rules under other documents."""
        return EmergencyRules(book, self._cells, self._posts)

    def decode(self, raw: bytes) -> Reading:
        """A step of a call or a position report from its bytes.

        Raises:
            pydantic.ValidationError: the bytes are not one.
        """
        return _READ(raw)

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """The call (or the unit), and what was told (see `steps`); None for a time at the end of the calendar."""
        assert reading.feed is Feed.EMERGENCY  # noqa: S101 - `decode` made it
        return payload_of(reading)

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
        at_us = entry.at_us
        policy = self._policies.at(at_us)
        if policy is None:
            return
        if len(entry.payload) > REPORT:
            self._step(state, entry, policy, say)
        if entry.payload[1] is not None and self._lookout.watches(state.district, policy):
            state.seen.append(sighting_of(entry))
            self._look_by(state, look_at_us(at_us, policy), say)
        midnight_us = state.midnight_us
        if midnight_us is None or at_us < midnight_us - DAY_US:
            state.midnight_us = local_day(at_us).end_us
            say.wake(MIDNIGHT, state.midnight_us)

    def _step(self, state: DistrictState, entry: Entry, policy: InForce, say: Say) -> None:
        clock_starts = policy.settings.clock_starts is ClockStart.CALL_ENTERED
        started_us, told = told_of(entry, counts=policy.counts, from_entry=clock_starts)
        if self._calls.take(state, entry.asset, started_us, told, say):
            self._figures_by(state, entry.at_us, policy, say)

    # -- time ----------------------------------------------------------------------------------------------------------

    def on_wake(self, state: DistrictState, name: str, at_us: int, say: Say) -> None:
        """A call has reached one of its limits, coverage is to be looked at, or figures are due.

        Other words than `call_book.WAKE` before a call's name were used by release 2, whose wakes may still stand.
        """
        kind, _, call_name = name.partition("/")
        policy = self._policies.at(at_us)
        if kind == LOOK:
            state.look_us = None
        elif kind == FIGURES:
            state.figures_us = None
        elif kind == MIDNIGHT:
            state.midnight_us = None
        if policy is None:
            return
        if kind == LOOK:
            self._look(state, at_us, policy, say)
        elif kind == FIGURES:
            self._say_figures(state, at_us, policy, say)
        elif kind == MIDNIGHT:
            self._close_day(state, at_us, policy, say)
        elif self._calls.look(state, call_name, at_us, say):
            self._figures_by(state, at_us, policy, say)

    def _look_by(self, state: DistrictState, at_us: int, say: Say) -> None:
        if state.look_us is None or at_us < state.look_us:
            state.look_us = at_us
            say.wake(LOOK, at_us)

    def _figures_by(self, state: DistrictState, at_us: int, policy: InForce, say: Say) -> None:
        due_us = local_period_start(at_us, policy.figures_us) + policy.figures_us
        if state.figures_us is None or due_us < state.figures_us:
            state.figures_us = due_us
            say.wake(FIGURES, due_us)

    def _look(self, state: DistrictState, at_us: int, policy: InForce, say: Say) -> None:
        if self._lookout.watches(state.district, policy):
            again_us = self._lookout.look(state, at_us, self._limit_us(at_us, policy), policy, say)
            if again_us is not None:
                self._look_by(state, again_us, say)
        else:
            state.seen = []

    def _say_figures(self, state: DistrictState, at_us: int, policy: InForce, say: Say) -> None:
        for start_us, end_us in state.changed:
            limit = self._limit(start_us)
            calls = Calls(state.tallies[start_us, end_us], open_ages(state, (start_us, end_us), at_us))
            period = Period(start_us, end_us)
            for figure in response_figures(state.district, calls, period, at_us, target=limit, policy=policy):
                say.figure(figure)
        state.changed = ()

    def _close_day(self, state: DistrictState, at_us: int, policy: InForce, say: Say) -> None:
        over = [period for period in state.tallies if period[1] == at_us]
        state.changed = tuple(sorted({*state.changed, *over}))
        self._say_figures(state, at_us, policy, say)
        if state.cover is not None and self._grid.everyone:
            cover = state.cover.until(at_us)
            day = local_day(at_us - 1)
            say.figure(coverage_day_figure(state.district, cover, day, at_us, grid=self._grid, policy=policy))
            state.cover = Cover(at_us, cover.people, cover.units)
        oldest_us = at_us - DAY_US
        if any(unit.at_us >= oldest_us for unit in state.units.values()):
            # A state of release 2 has units and nobody who looks at them.
            self._look_by(state, look_at_us(at_us + 1, policy), say)
        elif not state.calls and all(end_us <= at_us for _, end_us in state.tallies):
            return
        state.midnight_us = at_us + DAY_US
        say.wake(MIDNIGHT, state.midnight_us)

    def forget(self, state: DistrictState, horizon_us: int) -> bool:
        """Drop calls, units and periods that no reading can reach any more."""
        self._calls.forget(state, horizon_us)
        for name in [
            name
            for name, unit in state.units.items()
            if unit.at_us + self._unit_kept_us < horizon_us and unit.part is Part.NONE
        ]:
            del state.units[name]
        for start_us, end_us in list(state.tallies):
            over_us = end_us + max(DAY_US, self._call_kept_us)
            if over_us < horizon_us and (start_us, end_us) not in state.changed:
                del state.tallies[start_us, end_us]
        return not (state.calls or state.tallies or state.units or state.seen or state.low != CALM)

    def load(self, dumped: Any, key: str, lane: str) -> DistrictState:  # noqa: ARG002 - the same in every lane
        """A district from its JSON-ready form in a snapshot of release 2."""
        return district_of_release_2(dumped, key, self._limits)

    def pack(self, state: DistrictState) -> bytes:
        """The state as bytes, in the form of `state_version`."""
        return pack(state, self._grid.digest)

    def unpack(self, raw: bytes, version: int, key: str, lane: str) -> DistrictState:  # noqa: ARG002 - the same in every lane
        """A state from its bytes.

        Raises:
            ValueError: the bytes are not those of a state.
        """
        return unpack(raw, version, key, self._grid.digest)

    # -- documents -----------------------------------------------------------------------------------------------------

    def _limit(self, at_us: int) -> Threshold | None:
        """The plan's target in force, or the policy's limit while no plan sets one."""
        target = self._targets.at(at_us)
        if target is not None:
            return target.threshold
        policy = self._policies.at(at_us)
        return None if policy is None else policy.threshold(RESPONSE_LIMIT)

    def _limit_us(self, at_us: int, policy: InForce) -> int:
        limit = self._limit(at_us) or policy.threshold(RESPONSE_LIMIT)
        return round(limit.value * _MINUTE_US)

    def _limits(self, started_us: int) -> Limits:
        """What a call that began then is judged by."""
        policy = self._policies.at(started_us) or self._policies.all[0].content
        return Limits(
            started_us + policy.dispatch_us,
            started_us + policy.risk_us,
            started_us + self._limit_us(started_us, policy),
            started_us + policy.age_us,
            policy.left_us,
        )

    def wording(self, said: Said) -> Wording:
        """Severity, threshold and texts under the documents that the alert was judged by."""
        at_us = judged_at_us(said)
        policy = self._policies.at(at_us) or self._policies.all[-1].content
        return word(said, policy, self._targets.at(at_us))

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time."""
        policy = self._policies.at(at_us)
        return None if policy is None else policy.document.rule_policy(rule)
