"""The feed tax bound to the engine. Pure.

An entry is added to its building's year; refunds and corrections are negative and count. A building that falls back
under the limit is no longer counted. Receipt number, building and amount make an entry: whoever sends it again, it is
counted once; the same number with another amount or for another building counts and is named. Figures of the running
year follow at the next multiple of `pace_seconds`; months, days and the year close at local midnight.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from schemas.fields import Feed, QualityCode
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.reading_json import ReadingJson
from schemas.readings import Reading
from schemas.tax import TaxReading
from schemas.verdict import Threshold
from services.stream_processors.engine.counting import CALM, Sample, advance
from services.stream_processors.engine.event_time import local_period_start
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Figure, Said, Say, Wording
from services.stream_processors.engine.periods import DAY_US, Period, local_day, local_month, local_year
from services.stream_processors.tax.entries import PLAIN, add, count_sign, ended, is_new, received_late
from services.stream_processors.tax.figures import buildings_figure, pace_figure, year_figure
from services.stream_processors.tax.ledger import DistrictState, YearSums
from services.stream_processors.tax.local_months import local_month_of, year_period
from services.stream_processors.tax.pace import MONTHS, forecast
from services.stream_processors.tax.policy import (
    FELL_BELOW,
    FEN,
    INDICATOR,
    PACE_BEHIND,
    InForce,
    policies_in_force,
)
from services.stream_processors.tax.reports import reports_of
from services.stream_processors.tax.stored import load_release_2, pack_state, unpack_state
from services.stream_processors.tax.usual import close_amounts, count_amount
from services.stream_processors.tax.wording import word

SOON: Final = "soon"
"""Wakes of this name and a time are for the figures of a running year."""
MIDNIGHT: Final = "midnight"

_NO_POLICY_LATENESS: Final = timedelta(days=40)
_NO_POLICY_WINDOW: Final = 50_000
_YEAR_US: Final = 366 * DAY_US

_READ: Final = ReadingJson(TaxReading)


class TaxRules:
    """Rules of the feed tax (see `services.stream_processors.engine.feed_rules.FeedRules`).

    Raises:
        PlanFileError: a version of the policy lacks what the rules need.
    """

    feed = Feed.TAX
    state_version = 3
    commutes = False

    def __init__(self, book: PlanBook) -> None:
        self._policies = policies_in_force(book)
        self._targets = book.targets(INDICATOR)
        windows = [version.content.document.window for version in self._policies.all]
        self.lateness = max((window.lateness for window in windows), default=_NO_POLICY_LATENESS)
        self.window_max = max((window.samples_max for window in windows), default=_NO_POLICY_WINDOW)
        days = [version.content.settings.receipt_days for version in self._policies.all]
        self._receipt_us = max(days, default=0) * DAY_US

    def with_book(self, book: PlanBook) -> TaxRules:
        """The same rules under other documents."""
        return TaxRules(book)

    def decode(self, raw: bytes) -> Reading:
        """An entry of the ledger from its bytes.

        Raises:
            pydantic.ValidationError: the bytes are not one.
        """
        return _READ(raw)

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """The building, and (fen, month it belongs to, receipt, name, kind of entry if its sign is wrong, kind of tax).

        One that came after the lateness bound has behind it when it was received (see `belated`).
        """
        assert reading.feed is Feed.TAX  # noqa: S101 - `decode` made it
        wrong = reading.entry.value if QualityCode.WRONG_SIGN in reading.doubts() else None
        fen = int(reading.amount_cny * FEN)
        known = (fen, reading.tax_period, reading.receipt_id, reading.building_name)
        return reading.building_id, (*known, wrong, reading.tax_kind.value)

    def belated(self, entry: Entry, at_us: int) -> Entry:
        """The entry booked now, with the time at which it was received behind its payload.

        Tax is a ledger: a year is the sum of all its entries, whenever they came. Lateness bounds alerts, not sums.
        """
        return entry._replace(at_us=at_us, payload=(*entry.payload[:PLAIN], entry.at_us))

    def on_arrival(self, reading: Reading, coordinates: Coordinates, fate: Fate, outputs: list[Output]) -> None:
        """Nothing follows from one entry alone."""

    def new_state(self, key: str, lane: str) -> DistrictState:  # noqa: ARG002 - the same in every lane
        """A district of which nothing is known."""
        return DistrictState(key)

    def copy(self, state: DistrictState) -> DistrictState:
        """A copy that does not change when the state does."""
        return state.copy()

    def apply(self, state: DistrictState, entry: Entry, say: Say) -> None:
        """Add one entry to the books."""
        policy = self._policies.at(entry.at_us)
        if policy is None:
            return
        wrong = entry.payload[4]
        state.last_us = entry.at_us
        if (wrong is not None or entry.asset in state.signs) and received_late(entry) is None:
            count_sign(state, entry, policy, say)
        if not is_new(state, entry, policy, say) or not add(state, entry, policy, say):
            return
        if received_late(entry) is None:
            count_amount(state, entry, policy, say)
        soon_us = local_period_start(entry.at_us, policy.pace_us) + policy.pace_us
        if soon_us not in state.soon:
            state.soon[soon_us] = None
            say.wake(f"{SOON}:{soon_us}", soon_us)
        if state.midnight_us is None:
            state.midnight_us = local_day(entry.at_us).end_us
            say.wake(MIDNIGHT, state.midnight_us)

    def on_wake(self, state: DistrictState, name: str, at_us: int, say: Say) -> None:
        """Say the figures of a running year; at local midnight close day, month and year."""
        policy = self._policies.at(at_us)
        if name != MIDNIGHT:
            state.soon.pop(at_us, None)
        if policy is None:
            state.midnight_us = None
            return
        _say_buildings(state, at_us, policy, say)
        for year in sorted({year for year, _ in state.changed}):
            self._say_year(state, year, at_us, policy, say)
        state.changed = {}
        if name != MIDNIGHT:
            return
        self._close(state, at_us, policy, say)
        state.midnight_us = None
        if at_us - state.last_us < _YEAR_US + policy.settings.closing_days * DAY_US and state.books:
            state.midnight_us = at_us + DAY_US
            say.wake(MIDNIGHT, state.midnight_us)

    def _say_year(self, state: DistrictState, year: int, at_us: int, policy: InForce, say: Say) -> None:
        period = year_period(year)
        say.figure(self._buildings(state, year, period, at_us, policy))
        reports = reports_of(state, year, at_us, policy)
        sums = state.sums[year]
        say.figure(year_figure(state.district, None, sums, period, at_us=at_us, reports=reports, whole=True))

    def _buildings(self, state: DistrictState, year: int, period: Period, at_us: int, policy: InForce) -> Figure:
        target = self._target(min(at_us, period.end_us) - 1)
        return buildings_figure(state, year, period, target, policy, at_us=at_us)

    def _target(self, at_us: int) -> Threshold | None:
        target = self._targets.at(at_us)
        return None if target is None else target.threshold

    def _close(self, state: DistrictState, at_us: int, policy: InForce, say: Say) -> None:
        day, month, year = local_day(at_us - 1), local_month(at_us - 1), local_year(at_us - 1)
        number = local_month_of(year.start_us)[0]
        if not state.of_year(number):
            return
        say.figure(self._buildings(state, number, day, at_us, policy))
        if at_us != month.end_us:
            return
        say.figure(self._buildings(state, number, month, at_us, policy))
        if at_us == year.end_us:
            self._say_year(state, number, at_us, policy, say)
        self._foretell(state, number, at_us, policy, say)
        if at_us == year.end_us:
            self._close_year(state, number, at_us, policy, say)

    def _foretell(self, state: DistrictState, number: int, at_us: int, policy: InForce, say: Say) -> None:
        """The pace at the close of a month."""
        year, books = year_period(number), state.of_year(number)
        months = local_month_of(at_us - 1)[1]
        pace = policy.settings.pace
        past = [state.past[of] for of in sorted(state.past) if number - pace.years_of_past <= of < number]
        known = (books[building].months[:months] for building in sorted(books))
        found = forecast(known, policy.limit_fen, past, policy.method)
        target, reports = self._target(at_us - 1), reports_of(state, number, at_us, policy)
        figure = pace_figure(
            state.district,
            found,
            year,
            months=months,
            target=target,
            policy=policy,
            entries=state.sums[number].entries,
            reports=reports,
        )
        say.figure(figure)
        if target is None or reports.share < policy.settings.reported_least:
            return
        behind = found.upper < target.value and months >= pace.from_month and months < MONTHS
        offset = max([book.offset for book in books.values()])
        payload = (state.district, found.lower, found.upper, number)
        sample = Sample(at_us, 1 if behind else 0, found.expected, offset, payload)
        state.behind, episode = advance(state.behind, sample, policy.pace_behind)
        if episode is not None:
            say.episode(PACE_BEHIND, state.district, episode)

    def _close_year(self, state: DistrictState, number: int, at_us: int, policy: InForce, say: Say) -> None:
        """What was open about the year ends with it; older books are put away."""
        close_amounts(state, number, at_us, say)
        for year in [year for year in state.books if year <= number]:
            books = state.books[year]
            for building, book in books.items():
                if book.fell is not None:
                    say.episode(FELL_BELOW, building, ended(book.fell, at_us))
                    books[building] = book._replace(fell=None)
            if year < number:
                state.put_away(year)
        books = state.of_year(number)
        state.past[number] = tuple(sum([book.months[month] for book in books.values()]) for month in range(MONTHS))
        for year in [year for year in state.past if year < number - policy.settings.pace.years_of_past]:
            del state.past[year]

    def forget(self, state: DistrictState, horizon_us: int) -> bool:
        """Drop receipts that no later entry can be taken for, and countings that are calm."""
        for runs in (state.signs, state.repeats, state.amounts):
            for name in [name for name, run in runs.items() if run == CALM]:
                del runs[name]
        state.receipts.drop_before(horizon_us - self._receipt_us)
        return state.is_blank()

    def load(self, dumped: Any, key: str, lane: str) -> DistrictState:  # noqa: ARG002 - the same in every lane
        """A district from its JSON-ready form in a snapshot of release 2."""
        return load_release_2(dumped, key)

    def pack(self, state: DistrictState) -> bytes:
        """The state as bytes, in the form of `state_version`."""
        return pack_state(state)

    def unpack(self, raw: bytes, version: int, key: str, lane: str) -> DistrictState:  # noqa: ARG002 - the same in every lane
        """A state from its bytes.

        Raises:
            ValueError: the bytes are not those of a state.
        """
        return unpack_state(raw, version, key)

    def wording(self, said: Said) -> Wording:
        """Severity, threshold and texts under the documents in force at the episode's start."""
        at_us = said.episode.started_us
        policy = self._policies.at(at_us) or self._policies.all[-1].content
        return word(said, policy, self._targets.at(at_us - 1))

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time."""
        policy = self._policies.at(at_us)
        return None if policy is None else policy.document.rule_policy(rule)


def _say_buildings(state: DistrictState, at_us: int, policy: InForce, say: Say) -> None:
    """The year to date of each building that has changed."""
    reports = {year: reports_of(state, year, at_us, policy) for year in {year for year, _ in state.changed}}
    for year, building in state.changed:
        book = state.books[year][building]
        sums, period, of = YearSums(book.total, book.entries), year_period(year), reports[year]
        say.figure(year_figure(building, book.name, sums, period, at_us=at_us, reports=of, whole=False))
