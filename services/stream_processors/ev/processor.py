"""The feed ev bound to the engine: what a reading does to its connector, and what a look does for the site. Pure.

A reading touches only what belongs to its own connector, so readings of different connectors may be applied in any
order between two looks. Silence, darkness, load and figures are found at the looks, which come at fixed event times.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, NamedTuple

from schemas.ev import ConnectorState, ErrorCode, EvReading
from schemas.fields import Feed, Quality
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.readings import Reading
from services.stream_processors.engine.counting import CALM, Sample, advance
from services.stream_processors.engine.event_time import local_period_start
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Said, Say, Wording
from services.stream_processors.engine.periods import Period, local_day, local_month, months_before
from services.stream_processors.ev.connector import (
    MONTHS_KEPT,
    NOTHING,
    Account,
    Socket,
    Told,
    close_day,
    close_month,
    gained,
    heard,
    settle,
)
from services.stream_processors.ev.figures import Subject, port_uptime, site_figures
from services.stream_processors.ev.policy import (
    CONNECTOR_FAULT,
    METER_IMPLAUSIBLE,
    STATUS_MISMATCH,
    UPTIME_LIMIT,
    InForce,
    policies_in_force,
)
from services.stream_processors.ev.site import (
    at_or_after,
    find_dark,
    find_load,
    find_silent,
    heard_again,
    next_look,
)
from services.stream_processors.ev.state import SiteState, dump_state, load_state
from services.stream_processors.ev.wording import word

LOOK: Final = "look"
"""The one wake of a site."""

_NO_POLICY_LATENESS: Final = timedelta(hours=1)
_NO_POLICY_WINDOW: Final = 50_000


class EvRules:
    """Rules of the feed ev (see `services.stream_processors.engine.feed_rules.FeedRules`).

    Raises:
        PlanFileError: a version of the policy lacks what the rules need.
    """

    feed = Feed.EV
    commutes = True

    def __init__(self, book: PlanBook) -> None:
        self._policies = policies_in_force(book)
        windows = [version.content.document.window for version in self._policies.all]
        self.lateness = max((window.lateness for window in windows), default=_NO_POLICY_LATENESS)
        self.window_max = max((window.samples_max for window in windows), default=_NO_POLICY_WINDOW)

    def with_book(self, book: PlanBook) -> EvRules:
        """The same rules under other documents."""
        return EvRules(book)

    def decode(self, raw: bytes) -> Reading:
        """A reading of a connector from its bytes.

        Raises:
            pydantic.ValidationError: the bytes are not one.
        """
        return EvReading.model_validate_json(raw)

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """The connector, and what it told: (see `connector.Told`, with the error code and the vendor's word)."""
        assert isinstance(reading, EvReading)  # noqa: S101 - `decode` made it
        if reading.quality is not Quality.GOOD:
            return None
        status = reading.status
        power, rated, register = reading.power_kw, reading.rated_power_kw, reading.energy_register_kwh
        if status is ConnectorState.PLUGGED and reading.status_word == "Occupied" and power:
            # OCPP 2.0.1 has one word for both: energy flow tells them apart
            status = ConnectorState.CHARGING
        return reading.device_id, Told(
            status.value,
            reading.error_code.value,
            reading.status_word if reading.doubts() else None,
            None if power is None else round(power * 1_000),
            None if rated is None else round(rated * 1_000),
            None if register is None else round(register * 1_000),
            reading.session_id,
            reading.site_name,
        )

    def on_arrival(self, reading: Reading, coordinates: Coordinates, fate: Fate, outputs: list[Output]) -> None:
        """Nothing follows from one reading alone."""

    def new_state(self, key: str, lane: str) -> SiteState:  # noqa: ARG002 - the same in every lane
        """A site of which nothing is known."""
        return SiteState(key)

    def copy(self, state: SiteState) -> SiteState:
        """A copy that does not change when the state does."""
        return state.copy()

    def apply(self, state: SiteState, entry: Entry, say: Say) -> None:
        """Add up the time since the connector's last reading, and judge this one."""
        at_us, name = entry.at_us, entry.asset
        policy = self._policies.at(at_us)
        if policy is None:
            return
        told = Told._make(entry.payload)
        before = state.sockets.get(name)
        account = state.accounts.get(name)
        if before is None or account is None:
            state.accounts[name] = Account(at_us, NOTHING._replace(readings=1))
        else:
            if name in state.silent:
                heard_again(state, name, at_us, entry.offset, say)
            state.accounts[name] = settle(before, account, at_us, policy.counts, gained(before, entry.boot_id, told))
        socket = heard(before, at_us, entry.offset, entry.boot_id, told)
        state.sockets[name] = socket
        samples = _samples(entry, told, before, socket, policy)
        for rule, runs, sample, debounce in (
            (CONNECTOR_FAULT, state.faults, samples.fault, policy.fault),
            (STATUS_MISMATCH, state.mismatches, samples.mismatch, policy.mismatch),
            (METER_IMPLAUSIBLE, state.meters, samples.meter, policy.meter),
        ):
            run = runs.get(name)
            if run is None:
                if sample.level == 0:
                    continue
                run = CALM
            runs[name], episode = advance(run, sample, debounce)
            if episode is not None:
                say.episode(rule, name, episode)
        if state.dark is not None and socket.status is not ConnectorState.NO_CONTACT:
            state.back_us = at_us if state.back_us is None else min(state.back_us, at_us)
        self._ask(state, socket, policy, say)

    def _ask(self, state: SiteState, socket: Socket, policy: InForce, say: Say) -> None:
        """Look again when this reading can have made a difference; never later than was asked for before."""
        pace_us = policy.pace_us
        due_us = at_or_after(socket.at_us + policy.dark_us, pace_us)
        soon = state.dark is not None or socket.status is ConnectorState.NO_CONTACT
        if soon or (socket.power_w and policy.load_limit(state.site) is not None):
            due_us = at_or_after(socket.at_us, pace_us)
        due_us = min(due_us, local_period_start(socket.at_us, policy.figures_us) + policy.figures_us)
        if state.due_us is None or due_us < state.due_us:
            state.due_us = due_us
            say.wake(LOOK, due_us)

    def on_wake(self, state: SiteState, name: str, at_us: int, say: Say) -> None:  # noqa: ARG002 - there is one
        """Look at the site."""
        state.due_us = None
        policy = self._policies.at(at_us)
        if policy is None:
            return
        if at_us == local_period_start(at_us, policy.figures_us):
            self._say_figures(state, at_us, policy, say)
        find_silent(state, at_us, policy, say)
        find_dark(state, at_us, policy, say)
        find_load(state, at_us, policy, say)
        due_us = next_look(state, at_us, policy)
        if due_us is not None:
            state.due_us = due_us
            say.wake(LOOK, due_us)

    def _say_figures(self, state: SiteState, at_us: int, policy: InForce, say: Say) -> None:
        day, month = local_day(at_us - 1), local_month(at_us - 1)
        for name, account in list(state.accounts.items()):
            state.accounts[name] = settle(state.sockets[name], account, at_us, policy.counts)
        site = self._subject(state)
        accounts = list(state.accounts.values())
        limit, completeness = policy.threshold(UPTIME_LIMIT), policy.settings.completeness_min
        day_sums = month_sums = NOTHING
        for account in accounts:
            day_sums, month_sums = day_sums.plus(account.day), month_sums.plus(account.month)
        for figure in site_figures(site, day_sums, day, at_us, limit=limit, completeness_min=completeness):
            say.figure(figure)
        if at_us != day.end_us:
            return
        month_sums = month_sums.plus(day_sums)
        for figure in site_figures(site, month_sums, month, at_us, limit=limit, completeness_min=completeness):
            say.figure(figure)
        over = at_us == month.end_us
        for name, account in list(state.accounts.items()):
            closed = close_day(account)
            if over:
                closed = close_month(closed, month)
                year = Period(months_before(month, MONTHS_KEPT - 1), month.end_us)
                port = Subject(name, state.sockets[name].site_name, 1)
                say.figure(port_uptime(port, year, closed.months, limit))
            state.accounts[name] = closed

    def _subject(self, state: SiteState) -> Subject:
        names = sorted({socket.site_name for socket in state.sockets.values() if socket.site_name})
        return Subject(state.site, names[0] if names else None, len(state.accounts))

    def forget(self, state: SiteState, horizon_us: int) -> bool:  # noqa: ARG002 - connectors go by their age
        """Drop countings that are calm."""
        for runs in (state.faults, state.mismatches, state.meters):
            for name in [name for name, run in runs.items() if run == CALM]:
                del runs[name]
        return not state.sockets and state.load == CALM and state.dark is None

    def dump(self, state: SiteState) -> Any:
        """JSON-ready form."""
        return dump_state(state)

    def load(self, dumped: Any, key: str, lane: str) -> SiteState:  # noqa: ARG002 - the same in every lane
        """A site from its JSON-ready form."""
        return load_state(dumped, key)

    def wording(self, said: Said) -> Wording:
        """Severity, threshold and texts under the policy in force at the episode's start."""
        policy = self._policies.at(said.episode.started_us) or self._policies.all[-1].content
        return word(said, policy)

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time."""
        policy = self._policies.at(at_us)
        return None if policy is None else policy.document.rule_policy(rule)


class _Samples(NamedTuple):
    fault: Sample
    mismatch: Sample
    meter: Sample


def _samples(entry: Entry, told: Told, before: Socket | None, socket: Socket, policy: InForce) -> _Samples:
    """What a reading says under each rule of its connector."""
    at_us, offset, place = entry.at_us, entry.offset, socket.site_name
    code = ErrorCode(told.error)
    faulty = socket.status is ConnectorState.FAULT or code in policy.fault_errors
    level = (2 if code in policy.grave_errors else 1) if faulty else 0
    wrong = _meter_fault(told, before, socket, entry.boot_id, policy)
    power_kw = None if told.power_w is None else told.power_w / 1_000
    return _Samples(
        Sample(at_us, level, None, offset, (place, told.error)),
        Sample(at_us, 0 if told.contradiction is None else 1, 1.0, offset, (place, told.contradiction)),
        Sample(at_us, 0 if wrong is None else 1, power_kw, offset, (place, *(wrong or (None, None)))),
    )


def _meter_fault(
    told: Told, before: Socket | None, socket: Socket, boot: str, policy: InForce
) -> tuple[str, str] | None:
    """Why the meter cannot be right, in both languages."""
    if before is not None and told.register_wh is not None and before.register_wh is not None:
        fell = before.register_wh - told.register_wh
        if fell > 0 and before.boot == boot:
            return f"电量读数倒退{fell / 1_000:g} kWh", f"its register fell back by {fell / 1_000:g} kWh"
    power_w, rated_w = socket.power_w, socket.rated_w
    if power_w is not None and rated_w and abs(power_w) > rated_w * policy.power_over_rated:
        both = f"{power_w / 1_000:g} kW / {rated_w / 1_000:g} kW"
        return f"功率超过额定值（{both}）", f"its power is beyond its rating ({both})"
    return None
