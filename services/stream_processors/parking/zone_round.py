"""What is done for a zone at each pace of event time: guidance, standing counters, expired alerts, figures. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from services.stream_processors.engine.both import Both
from services.stream_processors.engine.event_time import local_period_start
from services.stream_processors.engine.feed_rules import Say
from services.stream_processors.engine.periods import Period, local_day, local_month
from services.stream_processors.parking.accounts import NOTHING, Sums
from services.stream_processors.parking.advice import Zone, advise
from services.stream_processors.parking.ageing import age
from services.stream_processors.parking.counts import FULL
from services.stream_processors.parking.figures import PeakAt, Subject, figures_of
from services.stream_processors.parking.findings import n_impossible, stands_still, stuck_episode
from services.stream_processors.parking.policy import COUNT_IMPOSSIBLE, COUNTER_STUCK, InForce
from services.stream_processors.parking.silent import find_silent
from services.stream_processors.parking.state import ZonePeak, ZoneState
from services.stream_processors.parking.walking import WalkingDistances


@dataclass(slots=True)
class Overview:
    """What one look over all car parks finds; everything else of a round touches only the lots named here."""

    overdue: list[str] = field(default_factory=list)
    """Nothing was heard of them for so long that silence, or the greatest age of an alert, may have been reached."""
    still: list[str] = field(default_factory=list)
    """Their counts have been the same for long enough to be looked into."""
    newest_us: int = 0
    """Of the last reading of any lot."""
    full: bool = False
    """Some fresh count says that its lot is full."""
    valid: int = 0
    """Lots with a valid count just before this moment."""
    occupied: int = 0
    usable: int = 0


@dataclass(frozen=True, slots=True)
class ZoneRound:
    """One round over a zone; all readings up to `at_us` have been applied."""

    state: ZoneState
    at_us: int
    policy: InForce
    registered: frozenset[str]
    """Car parks that the district has in this zone, heard of or not."""
    distances: WalkingDistances
    name_of: Callable[[str], Both]
    """Name of a lot for people."""
    say: Say

    def run(self) -> int | None:
        """Do everything that is due at this moment.

        Returns:
            When the next round is due; None when no lot is left.
        """
        seen = self._overview()
        for lot in sorted(seen.overdue):
            find_silent(self.state, lot, self.at_us, self.policy, self.say)
            age(self.state, lot, self.at_us + 1, self.policy, self.say)
        self._find_stuck(sorted(seen.still))
        self._sample_peak(seen)
        self._guide(seen)
        if self._is_due(self.policy.figures_us):
            self._recount()
            self._say_figures()
        return self._next_round(seen.newest_us) if self.state.lots else None

    def _next_round(self, newest_us: int) -> int:
        """The next pace, or in a zone that has fallen silent whatever can still change there.

        An alert reaches its greatest age, and while one is open figures go on; the last time for which a count holds
        enters the month; the day ends.
        """
        state, policy, at_us = self.state, self.policy, self.at_us
        if at_us - newest_us < policy.quiet_us:
            return self._after(policy.pace_us)
        due_us = min([local_day(at_us).end_us, *self._expiries()])
        if state.full or state.impossible or state.stuck:
            due_us = min(due_us, self._after(policy.figures_us))
        if local_period_start(at_us, policy.month_us) < newest_us + policy.hold_us:
            due_us = min(due_us, self._after(policy.month_us))
        return due_us

    def _after(self, every_us: int) -> int:
        return local_period_start(self.at_us, every_us) + every_us

    def _expiries(self) -> Iterator[int]:
        """Paces at which open alerts of silent lots reach their greatest age."""
        state, policy = self.state, self.policy
        ages = (state.full, policy.full_age_us), (state.impossible, policy.impossible_age_us)
        for lots, age_us in (*ages, (state.stuck, policy.stuck_age_us)):
            for lot in lots:
                end_us = state.lots[lot].at_us + age_us
                if end_us > self.at_us:
                    start_us = local_period_start(end_us, policy.pace_us)
                    yield start_us if start_us == end_us else start_us + policy.pace_us

    def _is_due(self, every_us: int) -> bool:
        return local_period_start(self.at_us, every_us) == self.at_us

    def _overview(self) -> Overview:
        """The one pass over all lots that every round makes: kept short."""
        seen, at_us, policy = Overview(), self.at_us, self.policy
        overdue_us, fresh_us = at_us - policy.age_least_us, at_us - policy.fresh_us
        heard_us, still_least_us = at_us - policy.still_gap_us, policy.still_least_us
        valid = occupied = usable = newest_us = 0
        for lot, standing in self.state.lots.items():
            last_us, now = standing.at_us, standing.now
            newest_us = max(newest_us, last_us)
            if last_us <= overdue_us:
                seen.overdue.append(lot)
            if last_us - standing.still_us >= still_least_us and last_us > heard_us:
                seen.still.append(lot)
            if now is not None and standing.until_us >= at_us:
                # just before this moment, so that midnight belongs to the day that ends
                valid += 1
                usable += now[1]
                occupied += now[1] - now[0]
            if standing.level == FULL and last_us >= fresh_us:
                seen.full = True
        seen.newest_us, seen.valid, seen.occupied, seen.usable = newest_us, valid, occupied, usable
        return seen

    def _find_stuck(self, candidates: list[str]) -> None:
        state = self.state
        candidates = [lot for lot in candidates if lot in state.lots and lot not in state.stuck]
        if not candidates:
            return
        changed = sorted([standing.still_us for standing in state.lots.values()])
        for lot in candidates:
            standing = state.lots[lot]
            if stands_still(standing, lambda since_us: len(changed) - bisect_right(changed, since_us), self.policy):
                episode = state.stuck[lot] = stuck_episode(standing, self.at_us)
                self.say.episode(COUNTER_STUCK, lot, episode)

    def _sample_peak(self, seen: Overview) -> None:
        moment_us = self.at_us - 1
        day, month = local_day(moment_us), local_month(moment_us)
        state, valid = self.state, seen.valid
        state.day_peak = state.day_peak.sampled(day.start_us, seen.occupied, seen.usable, moment_us, valid)
        state.month_peak = state.month_peak.sampled(month.start_us, seen.occupied, seen.usable, moment_us, valid)

    def _guide(self, seen: Overview) -> None:
        state = self.state
        if not seen.full:
            if state.promises:
                state.promises = tuple([one for one in state.promises if one.until_us > self.at_us])
            return
        doubtful = frozenset(state.silent.keys() | state.stuck.keys())
        size = len(self.registered | state.lots.keys())
        zone = Zone(state.lots, doubtful, size, self.distances, self.name_of)
        state.promises, figures = advise(zone, state.promises, self.policy, self.at_us)
        for figure in figures:
            self.say.figure(figure)

    def _recount(self) -> None:
        """Say findings that have grown since they were last said."""
        state = self.state
        for lot in sorted(state.impossible):
            episode = state.impossible[lot].episode
            if episode is not None and n_impossible(episode) != state.said_impossible.get(lot):
                state.said_impossible[lot] = n_impossible(episode)
                self.say.episode(COUNT_IMPOSSIBLE, lot, episode)

    def _say_figures(self) -> None:
        """Figures of the running day and, less often, month; at midnight the day is closed, at its end the month."""
        state, at_us = self.state, self.at_us
        day, month = local_day(at_us - 1), local_month(at_us - 1)
        of_day = {lot: state.of_day(lot, day, at_us) for lot in sorted(state.lots)}
        self._say_period(day, of_day, state.day_peak)
        if self._is_due(self.policy.month_us):
            of_month = {lot: state.of_month(lot, month).plus(sums) for lot, sums in of_day.items()}
            self._say_period(month, of_month, state.month_peak)
        if at_us == day.end_us:
            for lot, sums in of_day.items():
                state.close_day(lot, day, sums)
        if at_us == month.end_us:
            state.months.clear()

    def _say_period(self, period: Period, by_lot: Mapping[str, Sums], zone_peak: ZonePeak) -> None:
        least = self.policy.settings.completeness_min
        total, spaces = NOTHING, 0
        for lot, sums in by_lot.items():
            if sums == NOTHING and self.at_us < period.end_us:
                continue
            total = total.plus(sums)
            lot_spaces = self.state.lots[lot].told[1]
            spaces += lot_spaces if sums.told_us else 0
            peak = PeakAt(sums.peak_occupied, sums.peak_usable, sums.peak_us) if sums.peak_usable else None
            subject = Subject(lot, self.name_of(lot).zh, 1, lot_spaces)
            for figure in figures_of(subject, sums, peak, period, self.at_us, completeness_min=least):
                self.say.figure(figure)
        peak = None
        if zone_peak.start_us == period.start_us and zone_peak.usable:
            peak = PeakAt(zone_peak.occupied, zone_peak.usable, zone_peak.at_us)
        subject = Subject(self.state.zone, None, len(self.registered | by_lot.keys()), spaces)
        for figure in figures_of(subject, total, peak, period, self.at_us, completeness_min=least):
            self.say.figure(figure)
