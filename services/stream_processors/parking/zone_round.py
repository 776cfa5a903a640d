"""What is done for a zone at each pace of event time: guidance, standing counters, expired alerts, figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.stream_processors.engine.event_time import local_period_start
from services.stream_processors.engine.feed_rules import Say
from services.stream_processors.engine.periods import Period, local_day, local_month
from services.stream_processors.parking.accounts import NOTHING, Sums
from services.stream_processors.parking.advice import Zone, advise
from services.stream_processors.parking.ageing import age
from services.stream_processors.parking.figures import PeakAt, Subject, figures_of
from services.stream_processors.parking.findings import n_impossible, stands_still, stuck_episode
from services.stream_processors.parking.guidance import Metres
from services.stream_processors.parking.policy import COUNT_IMPOSSIBLE, COUNTER_STUCK, InForce
from services.stream_processors.parking.silent import find_silent
from services.stream_processors.parking.state import ZonePeak, ZoneState


@dataclass(frozen=True, slots=True)
class ZoneRound:
    """One round over a zone; all readings up to `at_us` have been applied."""

    state: ZoneState
    at_us: int
    policy: InForce
    registered: frozenset[str]
    """Car parks that the district has in this zone, heard of or not."""
    metres: Metres
    names: Mapping[str, str]
    """Of the lots heard of, for people."""
    say: Say

    def run(self) -> None:
        """Do everything that is due at this moment."""
        for lot in sorted(self.state.lots):
            find_silent(self.state, lot, self.at_us, self.policy, self.say)
            age(self.state, lot, self.at_us + 1, self.policy, self.say)
        self._find_stuck()
        self._sample_peak()
        self._guide()
        if self._is_due(self.policy.figures_us):
            self._settle()
            self._recount()
            self._say_figures()
            self._close()

    def _is_due(self, every_us: int) -> bool:
        return local_period_start(self.at_us, every_us) == self.at_us

    def _find_stuck(self) -> None:
        lots = self.state.lots
        for lot in sorted(lots.keys() - self.state.stuck.keys()):
            standing = lots[lot]
            heard = self.at_us - standing.at_us < self.policy.still_gap_us
            if heard and stands_still(standing, lots.values(), self.policy):
                episode = self.state.stuck[lot] = stuck_episode(standing, self.at_us)
                self.say.episode(COUNTER_STUCK, lot, episode)

    def _sample_peak(self) -> None:
        """The occupancy of the zone just before this moment, so that midnight belongs to the day that ends."""
        moment_us = self.at_us - 1
        valid = [lot.now for lot in self.state.lots.values() if lot.now is not None and lot.until_us >= self.at_us]
        occupied, usable = sum(now.occupied for now in valid), sum(now.usable for now in valid)
        day, month = local_day(moment_us), local_month(moment_us)
        state = self.state
        state.day_peak = state.day_peak.sampled(day.start_us, occupied, usable, moment_us, len(valid))
        state.month_peak = state.month_peak.sampled(month.start_us, occupied, usable, moment_us, len(valid))

    def _guide(self) -> None:
        state = self.state
        doubtful = frozenset(state.silent.keys() | state.stuck.keys())
        size = len(self.registered | state.lots.keys())
        zone = Zone(state.lots, doubtful, size, self.metres, self.names)
        state.promises, figures = advise(zone, state.promises, self.policy, self.at_us)
        for figure in figures:
            self.say.figure(figure)

    def _settle(self) -> None:
        state = self.state
        for lot, standing in state.lots.items():
            state.lots[lot], state.accounts[lot] = standing.settle(state.account(lot), self.at_us)

    def _recount(self) -> None:
        """Say findings that have grown since they were last said."""
        state = self.state
        for lot in sorted(state.impossible):
            episode = state.impossible[lot].episode
            if episode is not None and n_impossible(episode) != state.said_impossible.get(lot):
                state.said_impossible[lot] = n_impossible(episode)
                self.say.episode(COUNT_IMPOSSIBLE, lot, episode)

    def _say_figures(self) -> None:
        day, month = local_day(self.at_us - 1), local_month(self.at_us - 1)
        accounts = self.state.accounts
        self._say_period(day, {lot: account.day(day) for lot, account in accounts.items()}, self.state.day_peak)
        if self._is_due(self.policy.month_us):
            of_month = {lot: account.month(month) for lot, account in accounts.items()}
            self._say_period(month, of_month, self.state.month_peak)

    def _say_period(self, period: Period, by_lot: dict[str, Sums], zone_peak: ZonePeak) -> None:
        least = self.policy.settings.completeness_min
        total, spaces = NOTHING, 0
        for lot in sorted(by_lot):
            sums, lot_spaces = by_lot[lot], self.state.lots[lot].told[1]
            total = total.plus(sums)
            spaces += lot_spaces if sums.told_us else 0
            if sums == NOTHING and self.at_us < period.end_us:
                continue
            peak = PeakAt(sums.peak_occupied, sums.peak_usable, sums.peak_us) if sums.peak_usable else None
            subject = Subject(lot, self.names[lot], 1, lot_spaces)
            for figure in figures_of(subject, sums, peak, period, self.at_us, completeness_min=least):
                self.say.figure(figure)
        peak = None
        if zone_peak.start_us == period.start_us and zone_peak.usable:
            peak = PeakAt(zone_peak.occupied, zone_peak.usable, zone_peak.at_us)
        subject = Subject(self.state.zone, None, len(self.registered | by_lot.keys()), spaces)
        for figure in figures_of(subject, total, peak, period, self.at_us, completeness_min=least):
            self.say.figure(figure)

    def _close(self) -> None:
        """Periods that have ended are final."""
        if local_day(self.at_us).start_us != self.at_us:
            return
        state = self.state
        for lot, account in state.accounts.items():
            state.accounts[lot] = account.close_days(self.at_us).close_months(self.at_us)
