"""The feed parking bound to the engine: what a reading does to its car park, and what a wake does for the zone. Pure.

A reading touches only what belongs to its own lot, so readings of different lots may be applied in any order between
two wakes. What needs the zone (guidance, counters that stand still while others move, figures) is done in the wake,
which comes at a regular pace of event time, aligned to local midnight.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from schemas.district import Lot
from schemas.fields import Feed, Quality
from schemas.parking import ParkingReading
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.reading_json import ReadingJson
from schemas.readings import Reading
from services.stream_processors.engine.both import Both
from services.stream_processors.engine.counting import CALM, Run, Sample, advance
from services.stream_processors.engine.event_time import local_period_start
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Said, Say, Wording
from services.stream_processors.parking.accounts import NOTHING
from services.stream_processors.parking.ageing import age
from services.stream_processors.parking.counts import FULL, ROOM
from services.stream_processors.parking.findings import count_impossible, moved, n_impossible
from services.stream_processors.parking.policy import (
    COUNT_IMPOSSIBLE,
    COUNTER_STUCK,
    LOT_FULL,
    InForce,
    policies_in_force,
)
from services.stream_processors.parking.readings import first, following
from services.stream_processors.parking.release_2 import zone_of_release_2
from services.stream_processors.parking.silent import heard_again
from services.stream_processors.parking.state import Standing, ZoneState, pack, unpack
from services.stream_processors.parking.walking import WalkingDistances
from services.stream_processors.parking.wording import word
from services.stream_processors.parking.zone_round import ZoneRound

PACE: Final = "pace"
"""The one wake of a zone."""

_NO_POLICY_LATENESS: Final = timedelta(hours=2)
_NO_POLICY_WINDOW: Final = 50_000

_READ: Final = ReadingJson(ParkingReading)


class ParkingRules:
    """Rules of the feed parking (see `services.stream_processors.engine.feed_rules.FeedRules`)."""

    feed = Feed.PARKING
    state_version = 1
    commutes = True

    def __init__(self, book: PlanBook, lots: Mapping[str, Lot] | None = None) -> None:
        """Bind the rules to published documents.

        Args:
            book: Holds the policy of the feed parking.
            lots: Car parks of the district file by id; others are judged all the same, without distances.

        Raises:
            PlanFileError: a version of the policy lacks what the rules need.
        """
        self._lots: Final = dict(lots or {})
        self._policies = policies_in_force(book)
        windows = [version.content.document.window for version in self._policies.all]
        self.lateness = max((window.lateness for window in windows), default=_NO_POLICY_LATENESS)
        self.window_max = max((window.samples_max for window in windows), default=_NO_POLICY_WINDOW)
        self._distances: dict[float, WalkingDistances] = {}
        self._zones: dict[str, frozenset[str]] = {}
        for lot in self._lots.values():
            self._zones[lot.zone] = self._zones.get(lot.zone, frozenset()) | {lot.id}

    def with_book(self, book: PlanBook) -> ParkingRules:
        """The same rules under other documents.

        Raises:
            PlanFileError: a version of the policy lacks what the rules need.
        """
        return ParkingRules(book, self._lots)

    def decode(self, raw: bytes) -> Reading:
        """A parking reading from its bytes.

        Raises:
            pydantic.ValidationError: the bytes are not a parking reading.
        """
        return _READ(raw)

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """The lot, and what it told: (counts, name, vehicles in)."""
        assert reading.feed is Feed.PARKING  # noqa: S101 - `decode` made it
        told = (
            reading.free_spaces,
            reading.total_spaces,
            reading.out_of_service_spaces,
            reading.quality is Quality.GOOD,
        )
        return reading.device_id, (told, reading.lot_name, reading.entries_total)

    def on_arrival(self, reading: Reading, coordinates: Coordinates, fate: Fate, outputs: list[Output]) -> None:
        """Nothing follows from one reading alone."""

    def new_state(self, key: str, lane: str) -> ZoneState:  # noqa: ARG002 - the same in every lane
        """A zone of which nothing is known."""
        return ZoneState(key)

    def copy(self, state: ZoneState) -> ZoneState:
        """A copy that does not change when the state does."""
        return state.copy()

    def apply(self, state: ZoneState, entry: Entry, say: Say) -> None:
        """Count the reading for its lot."""
        at_us, asset = entry.at_us, entry.asset
        policy = self._policies.at(at_us)
        if policy is None:
            return
        due_us = state.due_us
        if due_us is None or at_us + policy.pace_us < due_us:
            state.due_us = local_period_start(at_us, policy.pace_us) + policy.pace_us
            say.wake(PACE, state.due_us)
        lot = state.lots.get(asset)
        if lot is not None and at_us - lot.at_us > policy.age_least_us:
            heard_again(state, entry, policy, say)
            lot = None if age(state, asset, at_us, policy, say) else lot
        if lot is None:
            lot, state.today[asset] = first(entry, policy)
        else:
            if at_us >= lot.day_end_us:
                state.enter_day(asset)
            still = self._stands(state, lot, entry, policy, say)
            lot, state.today[asset] = following(lot, state.today.get(asset, NOTHING), entry, policy, still=still)
        state.lots[asset] = lot
        if lot.level or asset in state.full:
            _judge_fullness(state, asset, lot, policy, say)
        if lot.wrong is not None or asset in state.impossible:
            _judge_count(state, asset, lot, policy, say)

    def _stands(self, state: ZoneState, lot: Standing, entry: Entry, policy: InForce, say: Say) -> bool:
        """Whether the free count goes on being the same; ends the finding that the counter stands still."""
        asset = entry.asset
        still: bool = entry.payload[0][0] == lot.told[0]
        if asset in state.stuck:
            if not still:
                say.episode(COUNTER_STUCK, asset, moved(state.stuck.pop(asset), entry.at_us, entry.offset))
        elif entry.at_us - lot.at_us > policy.still_gap_us:
            still = False
        return still

    def on_wake(self, state: ZoneState, name: str, at_us: int, say: Say) -> None:
        """Go over the zone."""
        state.due_us = None
        policy = self._policies.at(at_us)
        if policy is None or name != PACE:
            return
        registered = self._zones.get(state.zone, frozenset())
        distances = self._distances_under(policy)
        name_of = partial(self._name, state)
        due_us = ZoneRound(state, at_us, policy, registered, distances, name_of, say).run()
        if due_us is not None:
            state.due_us = due_us
            say.wake(PACE, due_us)

    def _name(self, state: ZoneState, lot: str) -> Both:
        known, said = self._lots.get(lot), state.lots[lot].name
        if known is None:
            return Both.same(said or lot)
        return Both(said or known.name_zh, known.name_en)

    def _distances_under(self, policy: InForce) -> WalkingDistances:
        factor = policy.settings.guidance.detour_factor
        if factor not in self._distances:
            self._distances[factor] = WalkingDistances(self._lots, factor)
        return self._distances[factor]

    def forget(self, state: ZoneState, horizon_us: int) -> bool:  # noqa: ARG002 - rounds drop what is over
        """Nothing to drop: rounds do that; true when no lot is remembered."""
        return not state.lots

    def load(self, dumped: Any, key: str, lane: str) -> ZoneState:  # noqa: ARG002 - the same in every lane
        """A zone from its JSON-ready form in a snapshot of release 2."""
        return zone_of_release_2(dumped, key)

    def pack(self, state: ZoneState) -> bytes:
        """The state as bytes, in the form of `state_version`."""
        return pack(state)

    def unpack(self, raw: bytes, version: int, key: str, lane: str) -> ZoneState:  # noqa: ARG002 - there is one version
        """A state from its bytes.

        Raises:
            ValueError: the bytes are not those of a state.
        """
        return unpack(raw)

    def wording(self, said: Said) -> Wording:
        """Severity, threshold and texts of an alert event.

        Raises:
            PlanFileError: no policy is in force at the episode's start; the rules say nothing then.
        """
        policy = self._policies.at(said.episode.started_us)
        assert policy is not None  # noqa: S101 - without a policy nothing is judged
        return word(said, policy, self._lots, self._distances_under(policy))

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time."""
        policy = self._policies.at(at_us)
        return None if policy is None else policy.document.rule_policy(rule)


def _judge_fullness(state: ZoneState, asset: str, lot: Standing, policy: InForce, say: Say) -> None:
    now, level = lot.now, lot.level
    if now is None or level is None:
        return
    share = now.occupied / now.usable
    value = float(now.room) if level == FULL else share
    clears = level == ROOM and share < policy.clear_value
    payload = (lot.name, now.room, now.usable, lot.told[1])
    sample = Sample(lot.at_us, level, value, lot.offset, payload, clears)
    run, said = advance(state.full.get(asset, CALM), sample, policy.lot_full)
    if said is not None:
        say.episode(LOT_FULL, asset, said)
    _keep(state.full, asset, run)


def _judge_count(state: ZoneState, asset: str, lot: Standing, policy: InForce, say: Say) -> None:
    run, said = count_impossible(state.impossible.get(asset, CALM), lot, policy)
    if said is not None:
        say.episode(COUNT_IMPOSSIBLE, asset, said)
        state.said_impossible[asset] = n_impossible(said)
    _keep(state.impossible, asset, run)
    if asset not in state.impossible:
        del state.said_impossible[asset]


def _keep(runs: dict[str, Run], asset: str, run: Run) -> None:
    """Only runs that are not calm are kept."""
    if run == CALM:
        runs.pop(asset, None)
    else:
        runs[asset] = run
