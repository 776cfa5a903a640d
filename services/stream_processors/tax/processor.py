"""The feed tax bound to the engine. Pure.

An entry is added to its building's year; refunds and corrections are negative and count. A building that falls back
under the limit is no longer counted. The same receipt number with the same amount is one entry, whoever sends it again;
with another amount it counts and is named. Months, days and the year close at local midnight.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.fields import Feed, QualityCode
from schemas.plan.book import PlanBook
from schemas.plan.policy import RulePolicy
from schemas.readings import Reading
from schemas.tax import TaxReading
from schemas.verdict import Threshold
from services.stream_processors.engine.counting import CALM, Debounce, Episode, Peak, Run, Sample, advance
from services.stream_processors.engine.event_time import local_period_start
from services.stream_processors.engine.events import Coordinates, Fate, Output
from services.stream_processors.engine.feed_rules import Entry, Said, Say, Wording
from services.stream_processors.engine.periods import DAY_US, Period, local_day, local_month, local_year
from services.stream_processors.tax.figures import buildings_figure, pace_figure, year_figure, yuan
from services.stream_processors.tax.ledger import NO_MONTHS, Book, DistrictState, dump_state, load_state
from services.stream_processors.tax.pace import MONTHS, forecast
from services.stream_processors.tax.policy import (
    FELL_BELOW,
    FEN,
    INDICATOR,
    PACE_BEHIND,
    RECEIPT_REPEATED,
    WRONG_SIGN,
    InForce,
    YearBy,
    policies_in_force,
)
from services.stream_processors.tax.wording import word

SOON: Final = "soon"
MIDNIGHT: Final = "midnight"

_NO_POLICY_LATENESS: Final = timedelta(days=40)
_NO_POLICY_WINDOW: Final = 50_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_OFFSET: Final = timedelta(hours=8)
_YEAR_US: Final = 366 * DAY_US


def _local(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us) + _LOCAL_OFFSET


def _year_period(year: int) -> Period:
    start = datetime(year, 1, 1, tzinfo=UTC) - _LOCAL_OFFSET
    return local_year((start - _EPOCH) // timedelta(microseconds=1))


class TaxRules:
    """Rules of the feed tax (see `services.stream_processors.engine.feed_rules.FeedRules`).

    Raises:
        PlanFileError: a version of the policy lacks what the rules need.
    """

    feed = Feed.TAX
    commutes = False

    def __init__(self, book: PlanBook) -> None:
        self._policies = policies_in_force(book)
        self._targets = book.targets(INDICATOR)
        windows = [version.content.document.window for version in self._policies.all]
        self.lateness = max((window.lateness for window in windows), default=_NO_POLICY_LATENESS)
        self.window_max = max((window.samples_max for window in windows), default=_NO_POLICY_WINDOW)

    def with_book(self, book: PlanBook) -> TaxRules:
        """The same rules under other documents."""
        return TaxRules(book)

    def decode(self, raw: bytes) -> Reading:
        """An entry of the ledger from its bytes.

        Raises:
            pydantic.ValidationError: the bytes are not one.
        """
        return TaxReading.model_validate_json(raw)

    def entry(self, reading: Reading) -> tuple[str, tuple[Any, ...]] | None:
        """The building, and (fen, month it belongs to, receipt, name, kind of entry if its sign is wrong)."""
        assert isinstance(reading, TaxReading)  # noqa: S101 - `decode` made it
        wrong = reading.entry.value if QualityCode.WRONG_SIGN in reading.doubts() else None
        fen = int(reading.amount_cny * FEN)
        return reading.building_id, (fen, reading.tax_period, reading.receipt_id, reading.building_name, wrong)

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
        fen, _, receipt, name, wrong = entry.payload
        state.last_us = entry.at_us
        sample = Sample(
            entry.at_us, 0 if wrong is None else 1, yuan(fen), entry.offset, (name, wrong, receipt), wrong is None
        )
        _count(state.signs, (WRONG_SIGN, entry.asset), sample, policy.wrong_sign, say)
        known = state.receipts.get(receipt)
        same = known is not None and known[0] == fen
        action = (
            ("金额相同，只计一次", "the amount is the same: counted once")
            if same
            else ("金额不同，已计入", "the amount differs: counted")
        )
        again = Sample(
            entry.at_us, 0 if known is None else 1, yuan(fen), entry.offset, (name, receipt, *action), known is None
        )
        _count(state.repeats, (RECEIPT_REPEATED, entry.asset), again, policy.repeated, say)
        state.receipts[receipt] = (fen, entry.at_us)
        if same:
            return
        self._add(state, entry, policy, say)
        soon_us = local_period_start(entry.at_us, policy.pace_us) + policy.pace_us
        say.wake(SOON, soon_us)
        if state.midnight_us is None:
            state.midnight_us = local_day(entry.at_us).end_us
            say.wake(MIDNIGHT, state.midnight_us)

    def _add(self, state: DistrictState, entry: Entry, policy: InForce, say: Say) -> None:
        fen, tax_period, _, name, _ = entry.payload
        year, month = _year_and_month(entry.at_us, tax_period, policy.settings.year_by)
        place = (year, entry.asset)
        before = state.books.get(place, Book(None, NO_MONTHS, 0, entry.offset))
        months = (*before.months[: month - 1], before.months[month - 1] + fen, *before.months[month:])
        book = before._replace(name=name or before.name, months=months, entries=before.entries + 1, offset=entry.offset)
        was, now = before.total >= policy.limit_fen, book.total >= policy.limit_fen
        if was != now:
            state.counted[year] = state.counted.get(year, 0) + (1 if now else -1)
        if was and not now:
            peak = Peak(entry.at_us, 1, yuan(book.total), (book.name,))
            offsets = tuple(sorted({before.offset, entry.offset}))
            book = book._replace(fell=Episode(entry.at_us, entry.at_us, 1, peak, offsets))
            say.episode(FELL_BELOW, entry.asset, _open(book.fell))
        elif book.fell is not None and now:
            offsets = tuple(sorted({*book.fell.offsets, entry.offset}))
            over = replace(book.fell, ended_us=entry.at_us, cleared_us=entry.at_us, offsets=offsets)
            book = book._replace(fell=None)
            say.episode(FELL_BELOW, entry.asset, over)
        state.books[place] = book
        state.changed = tuple(sorted({*state.changed, year}))
        figure_year = _year_period(year)
        say.figure(year_figure(entry.asset, book.name, book.total, book.entries, figure_year))

    def on_wake(self, state: DistrictState, name: str, at_us: int, say: Say) -> None:
        """Say the figures of a running year; at local midnight close day, month and year."""
        policy = self._policies.at(at_us)
        if policy is None:
            state.midnight_us = None
            return
        for year in state.changed:
            self._say_year(state, year, at_us, policy, say)
        state.changed = ()
        if name != MIDNIGHT:
            return
        self._close(state, at_us, policy, say)
        state.midnight_us = None
        if at_us - state.last_us < _YEAR_US + policy.settings.closing_days * DAY_US and state.books:
            state.midnight_us = at_us + DAY_US
            say.wake(MIDNIGHT, state.midnight_us)

    def _say_year(self, state: DistrictState, year: int, at_us: int, policy: InForce, say: Say) -> None:
        books = state.of_year(year)
        period = _year_period(year)
        say.figure(self._buildings(state, books, period, at_us, policy))
        total = sum([book.total for _, book in books])
        say.figure(year_figure(state.district, None, total, sum([book.entries for _, book in books]), period))

    def _buildings(
        self, state: DistrictState, books: list[tuple[str, Book]], period: Period, at_us: int, policy: InForce
    ) -> Any:
        last_us = min(at_us, period.end_us) - 1
        over = min(at_us, period.end_us) >= local_year(period.start_us).end_us
        target = self._target(last_us)
        return buildings_figure(state.district, books, period, target, policy, year_over=over)

    def _target(self, at_us: int) -> Threshold | None:
        target = self._targets.at(at_us)
        return None if target is None else target.threshold

    def _close(self, state: DistrictState, at_us: int, policy: InForce, say: Say) -> None:
        day, month, year = local_day(at_us - 1), local_month(at_us - 1), local_year(at_us - 1)
        number = _local(year.start_us).year
        books = state.of_year(number)
        if not books:
            return
        say.figure(self._buildings(state, books, day, at_us, policy))
        if at_us != month.end_us:
            return
        say.figure(self._buildings(state, books, month, at_us, policy))
        if at_us == year.end_us:
            self._say_year(state, number, at_us, policy, say)
        self._foretell(state, number, at_us, policy, say)
        if at_us == year.end_us:
            self._close_year(state, number, at_us, policy, say)

    def _foretell(self, state: DistrictState, number: int, at_us: int, policy: InForce, say: Say) -> None:
        """The pace at the close of a month."""
        year, books = _year_period(number), state.of_year(number)
        months = _local(at_us - 1).month
        pace = policy.settings.pace
        past = [state.past[of] for of in sorted(state.past) if number - pace.years_of_past <= of < number]
        found = forecast((book.months[:months] for _, book in books), policy.limit_fen, past, policy.method)
        target = self._target(at_us - 1)
        entries = sum([book.entries for _, book in books])
        say.figure(
            pace_figure(state.district, found, year, months=months, target=target, policy=policy, entries=entries)
        )
        if target is None:
            return
        behind = found.upper < target.value and months >= pace.from_month and months < MONTHS
        offset = max([book.offset for _, book in books])
        payload = (state.district, found.lower, found.upper, number)
        sample = Sample(at_us, 1 if behind else 0, found.expected, offset, payload)
        state.behind, episode = advance(state.behind, sample, policy.pace_behind)
        if episode is not None:
            say.episode(PACE_BEHIND, state.district, episode)

    def _close_year(self, state: DistrictState, number: int, at_us: int, policy: InForce, say: Say) -> None:
        """What was open about the year ends with it; older books are put away."""
        books = state.of_year(number)
        for building, book in books:
            if book.fell is not None:
                say.episode(FELL_BELOW, building, replace(book.fell, ended_us=at_us, cleared_us=at_us))
                state.books[number, building] = book._replace(fell=None)
        for year in [year for year in state.years() if year < number]:
            for building, _ in state.of_year(year):
                del state.books[year, building]
            state.counted.pop(year, None)
        state.past[number] = tuple(sum([book.months[month] for _, book in books]) for month in range(MONTHS))
        for year in [year for year in state.past if year < number - policy.settings.pace.years_of_past]:
            del state.past[year]

    def forget(self, state: DistrictState, horizon_us: int) -> bool:
        """Drop receipts that are too old to be sent again, and countings that are calm."""
        for runs in (state.signs, state.repeats):
            for name in [name for name, run in runs.items() if run == CALM]:
                del runs[name]
        policy = self._policies.at(horizon_us)
        if policy is not None:
            oldest_us = horizon_us - policy.settings.receipt_days * DAY_US
            for receipt in [receipt for receipt, (_, at_us) in state.receipts.items() if at_us < oldest_us]:
                del state.receipts[receipt]
        return not state.books and not state.receipts

    def dump(self, state: DistrictState) -> Any:
        """JSON-ready form."""
        return dump_state(state)

    def load(self, dumped: Any, key: str, lane: str) -> DistrictState:  # noqa: ARG002 - the same in every lane
        """A district from its JSON-ready form."""
        return load_state(dumped, key)

    def wording(self, said: Said) -> Wording:
        """Severity, threshold and texts under the documents in force at the episode's start."""
        at_us = said.episode.started_us
        policy = self._policies.at(at_us) or self._policies.all[-1].content
        return word(said, policy, self._target(at_us - 1))

    def rule_policy(self, rule: str, at_us: int) -> RulePolicy | None:
        """The policy of a rule in force at a time."""
        policy = self._policies.at(at_us)
        return None if policy is None else policy.document.rule_policy(rule)


def _open(episode: Episode | None) -> Episode:
    assert episode is not None  # noqa: S101 - it was made just now
    return episode


def _year_and_month(at_us: int, tax_period: str, year_by: YearBy) -> tuple[int, int]:
    if year_by is YearBy.TAX_PERIOD:
        return int(tax_period[:4]), int(tax_period[5:])
    local = _local(at_us)
    return local.year, local.month


def _count(runs: dict[str, Run], what: tuple[str, str], sample: Sample, debounce: Debounce, say: Say) -> None:
    """Count a sample of a rule and building."""
    rule, building = what
    run = runs.get(building)
    if run is None:
        if sample.level == 0:
            return
        run = CALM
    runs[building], episode = advance(run, sample, debounce)
    if episode is not None:
        say.episode(rule, building, episode)
