"""The feed ev bound to the engine: what a reading does to its connector, and what a look does for the site. Pure.

A reading touches only what belongs to its own connector, so readings of different connectors may be applied in any
order between two looks. Silence, darkness, load and figures are found at the looks, which come at fixed event times.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from schemas.ev import ConnectorState, ErrorCode, EvReading
from schemas.fields import Feed, Quality
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.reading_json import ReadingJson
from schemas.readings import Reading
from services.stream_processors.engine.counting import CALM
from services.stream_processors.engine.event_time import local_period_start
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Said, Say, Wording
from services.stream_processors.engine.periods import Period, local_day, local_month
from services.stream_processors.ev.closing import close_day, close_month, n_ports
from services.stream_processors.ev.connector import NOTHING, Socket, Sums, first, following
from services.stream_processors.ev.figures import Subject, site_figures
from services.stream_processors.ev.findings import judge
from services.stream_processors.ev.metering import grown
from services.stream_processors.ev.policy import UPTIME_LIMIT, InForce, policies_in_force
from services.stream_processors.ev.release_2 import site_of_release_2
from services.stream_processors.ev.site import (
    at_or_after,
    find_dark,
    find_load,
    find_silent,
    heard_again,
    name_of,
    next_look,
)
from services.stream_processors.ev.state import SiteState, pack, unpack
from services.stream_processors.ev.told import PLAIN, REGISTER, Hedged, Told
from services.stream_processors.ev.wording import word

LOOK: Final = "look"
"""The one wake of a site."""

_NO_CONTACT: Final = ConnectorState.NO_CONTACT.value
_STATUS_WORDS: Final = {state: state.value for state in ConnectorState}
_ERROR_WORDS: Final = {code: code.value for code in ErrorCode}

_NO_POLICY_LATENESS: Final = timedelta(hours=1)
_NO_POLICY_WINDOW: Final = 50_000

_READ: Final = ReadingJson(EvReading)


class EvRules:
    """Rules of the feed ev (see `services.stream_processors.engine.feed_rules.FeedRules`).

    Raises:
        PlanFileError: a version of the policy lacks what the rules need.
    """

    feed = Feed.EV
    state_version = 2
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
        return _READ(raw)

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """The connector, and what it told (see `told.Told` and `Hedged`).

        A reading of which its sender is not certain counts for figures, not for alerts, and makes no time known.
        """
        assert reading.feed is Feed.EV  # noqa: S101 - `decode` made it
        uncertain = reading.quality is Quality.UNCERTAIN
        if reading.quality is not Quality.GOOD and not uncertain:
            return None
        status = reading.status
        power, rated, register = reading.power_kw, reading.rated_power_kw, reading.energy_register_kwh
        if status is ConnectorState.PLUGGED and reading.status_word == "Occupied" and power:
            # OCPP 2.0.1 has one word for both: energy flow tells them apart
            status = ConnectorState.CHARGING
        told = Told(
            _STATUS_WORDS[status],
            _ERROR_WORDS[reading.error_code],
            reading.status_word if reading.doubts() else None,
            None if power is None else round(power * 1_000),
            None if rated is None else round(rated * 1_000),
            None if register is None else round(register * 1_000),
            reading.session_id,
            reading.site_name,
        )
        session = reading.session_energy_kwh if register is None else None
        if not uncertain and session is None:
            return reading.device_id, told
        session_wh = None if session is None else round(session * 1_000)
        return reading.device_id, (*told, *Hedged(session_wh, uncertain))

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
        before, sums = state.sockets.get(name), state.today.get(name, NOTHING)
        energy = None
        if before is None:
            socket, first_sums = first(entry)
            state.today[name] = sums.plus(first_sums)
            if name in state.ports:
                state.ports[name] = state.ports[name].left(None)
        else:
            if name in state.silent:
                heard_again(state, name, at_us, entry.offset, say)
            from_us = max(before.at_us, state.day_us)
            payload = entry.payload
            if payload[REGISTER] != before.register_wh or len(payload) > PLAIN:
                energy = grown(before, payload, at_us, policy.counts)
            socket, state.today[name] = following(before, sums, entry, from_us, policy.counts, energy=energy)
        state.sockets[name] = socket
        if not socket.uncertain:
            judge(state, entry, before, socket, energy=energy, policy=policy, say=say)
        if state.dark is not None and socket.status != _NO_CONTACT:
            state.back_us = at_us if state.back_us is None else min(state.back_us, at_us)
        self._ask(state, socket, policy, say)

    def _ask(self, state: SiteState, socket: Socket, policy: InForce, say: Say) -> None:
        """Look again when this reading can have made a difference; never later than was asked for before."""
        at_us = socket.at_us
        due_us = local_period_start(at_us, policy.figures_us) + policy.figures_us
        if at_us + policy.dark_us < due_us:
            due_us = min(due_us, at_or_after(at_us + policy.dark_us, policy.pace_us))
        soon = state.dark is not None or socket.status == _NO_CONTACT
        if soon or (socket.power_w and state.site in policy.load_limits):
            due_us = min(due_us, at_or_after(at_us, policy.pace_us))
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
        limit, completeness = policy.threshold(UPTIME_LIMIT), policy.settings.completeness_min
        name = name_of(state)

        def speak(sums: Sums, period: Period) -> None:
            subject = Subject(state.site, name, n_ports(state, period))
            for figure in site_figures(subject, sums, period, at_us, limit=limit, completeness_min=completeness):
                say.figure(figure)

        names = dict.fromkeys((*state.sockets, *state.today))
        of_day = {each: state.of_day(each, at_us, policy.counts) for each in names}
        day_sums = NOTHING
        for sums in of_day.values():
            if sums is not NOTHING:
                day_sums = day_sums.plus(sums)
        speak(day_sums, day)
        if at_us != day.end_us:
            return
        speak(state.month.plus(day_sums), month)
        close_day(state, day, of_day, day_sums)
        if at_us == month.end_us:
            for figure in close_month(state, month, limit):
                say.figure(figure)

    def forget(self, state: SiteState, horizon_us: int) -> bool:  # noqa: ARG002 - connectors go by their age
        """Nothing to drop: looks do that; true when nothing is remembered of any connector."""
        return not state.sockets and not state.ports and state.load == CALM and state.dark is None

    def load(self, dumped: Any, key: str, lane: str) -> SiteState:  # noqa: ARG002 - the same in every lane
        """A site from its JSON-ready form in a snapshot of release 2."""
        return site_of_release_2(dumped, key)

    def pack(self, state: SiteState) -> bytes:
        """The state as bytes, in the form of `state_version`."""
        return pack(state)

    def unpack(self, raw: bytes, version: int, key: str, lane: str) -> SiteState:  # noqa: ARG002 - version 2 only adds
        """A state from its bytes.

        Raises:
            ValueError: the bytes are not those of a state.
        """
        return unpack(raw)

    def wording(self, said: Said) -> Wording:
        """Severity, threshold and texts under the policy in force at the episode's start."""
        policy = self._policies.at(said.episode.started_us) or self._policies.all[-1].content
        return word(said, policy)

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time."""
        policy = self._policies.at(at_us)
        return None if policy is None else policy.document.rule_policy(rule)
