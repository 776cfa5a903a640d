"""What one entry of the ledger does: its receipt number, its sign, its building's book. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from services.stream_processors.engine.counting import CALM, Debounce, Episode, Peak, Run, Sample, advance
from services.stream_processors.engine.feed_rules import Entry, Say
from services.stream_processors.engine.periods import DAY_US
from services.stream_processors.tax.ledger import NO_MONTHS, Book, DistrictState, YearSums
from services.stream_processors.tax.local_months import local_month_of
from services.stream_processors.tax.policy import FELL_BELOW, RECEIPT_REPEATED, WRONG_SIGN, InForce, YearBy, yuan
from services.stream_processors.tax.receipts import Seen, Sightings

PLAIN: Final = 6
"""Parts of the payload of an entry; one that came late has the time at which it was received behind. Entries that the
release before stored have no kind of tax, and one part less."""

_NEW_BOOK: Final = Book(None, NO_MONTHS, 0, 0, 0)
_SIGHTINGS_MAX: Final = 64
"""So many entries under one receipt number are known apart, the newest."""


class _Again(NamedTuple):
    """What the same receipt number means, in both languages."""

    zh: str
    en: str


_ONCE: Final = _Again("金额相同，只计一次", "the amount is the same: counted once")
_AMOUNT: Final = _Again("金额不同，已计入", "the amount differs: counted")
_BUILDING: Final = _Again("该单号已记在其他楼宇名下，已计入", "the number stands for another building already: counted")


def add(state: DistrictState, entry: Entry, policy: InForce, say: Say) -> bool:
    """Write an entry into the books; false when those of its year have been put away."""
    fen, tax_period, _, name = entry.payload[:4]
    building, late_us = entry.asset, received_late(entry)
    received_us = entry.at_us if late_us is None else late_us
    year, month = _year_and_month(received_us, tax_period, policy.settings.year_by)
    if year < local_month_of(entry.at_us)[0] - 1 or (state.past and year < max(state.past)):
        return False
    before = state.of_year(year).get(building, _NEW_BOOK)
    months = (*before.months[: month - 1], before.months[month - 1] + fen, *before.months[month:])
    total, fell = before.total + fen, before.fell
    was, now = before.total >= policy.limit_fen, total >= policy.limit_fen
    if late_us is not None:
        pass  # lateness bounds alerts: what came after the bound neither opens nor ends one
    elif was and not now:
        peak = Peak(entry.at_us, 1, yuan(total), (name or before.name,))
        fell = Episode(entry.at_us, entry.at_us, 1, peak, tuple(sorted({before.offset, entry.offset})))
        say.episode(FELL_BELOW, building, fell)
    elif fell is not None and now:
        say.episode(FELL_BELOW, building, ended(fell, entry.at_us, entry.offset))
        fell = None
    state.put(year, building, Book(name or before.name, months, total, before.entries + 1, entry.offset, fell))
    sums = state.sums.get(year, YearSums())
    state.sums[year] = YearSums(sums.total + fen, sums.entries + 1)
    state.changed[year, building] = None
    state.report(year, month, entry.device_id)
    if year in state.past:
        past = state.past[year]
        state.past[year] = (*past[: month - 1], past[month - 1] + fen, *past[month:])
    return True


def received_late(entry: Entry) -> int | None:
    """When an entry was received that came after the lateness bound; None: it came in time."""
    last = entry.payload[-1]
    return last if len(entry.payload) >= PLAIN and isinstance(last, int) else None


def is_new(state: DistrictState, entry: Entry, policy: InForce, say: Say) -> bool:
    """Whether the entry counts; its receipt number is known from now on.

    What came after the lateness bound is known like any other, but counts towards no alert.
    """
    fen, receipt, building = entry.payload[0], entry.payload[2], entry.asset
    late = received_late(entry) is not None
    seen = Seen(building, fen, entry.at_us)
    known = state.receipts.get(receipt)
    if known:
        oldest_us = entry.at_us - policy.settings.receipt_days * DAY_US
        known = tuple([one for one in known if one.at_us >= oldest_us])
    if not known:
        state.receipts.put(receipt, (seen,))
        if building in state.repeats and not late:
            _count_repeat(state, entry, None, policy, say)
        return True
    others = tuple([one for one in known if not _is_same(one, seen)])
    state.receipts.put(receipt, (*others, seen)[-_SIGHTINGS_MAX:])
    is_new = len(others) == len(known)
    if not late:
        _count_repeat(state, entry, _meaning(others, building) if is_new else _ONCE, policy, say)
    return is_new


def count_sign(state: DistrictState, entry: Entry, policy: InForce, say: Say) -> None:
    """Count whether the sign of the entry goes with its kind."""
    fen, _, receipt, name, wrong = entry.payload[:5]
    level = 0 if wrong is None else 1
    sample = Sample(entry.at_us, level, yuan(fen), entry.offset, (name, wrong, receipt), wrong is None)
    _count(state.signs, (WRONG_SIGN, entry.asset), sample, policy.wrong_sign, say)


def _count_repeat(state: DistrictState, entry: Entry, again: _Again | None, policy: InForce, say: Say) -> None:
    fen, _, receipt, name = entry.payload[:4]
    level, payload = (0, ()) if again is None else (1, (name, receipt, *again))
    sample = Sample(entry.at_us, level, yuan(fen), entry.offset, payload, again is None)
    _count(state.repeats, (RECEIPT_REPEATED, entry.asset), sample, policy.repeated, say)


def _count(runs: dict[str, Run], what: tuple[str, str], sample: Sample, debounce: Debounce, say: Say) -> None:
    """Count a sample of a rule and building."""
    rule, building = what
    runs[building], episode = advance(runs.get(building, CALM), sample, debounce)
    if episode is not None:
        say.episode(rule, building, episode)


def _is_same(known: Seen, seen: Seen) -> bool:
    return known.fen == seen.fen and known.building in {None, seen.building}


def _meaning(others: Sightings, building: str) -> _Again:
    """What an entry means whose number is known, and not with this building and amount."""
    return _AMOUNT if any(one.building in {None, building} for one in others) else _BUILDING


def ended(fell: Episode, at_us: int, *offsets: int) -> Episode:
    """The episode with its end, and the entries that ended it."""
    return replace(fell, ended_us=at_us, cleared_us=at_us, offsets=tuple(sorted({*fell.offsets, *offsets})))


def _year_and_month(at_us: int, tax_period: str, year_by: YearBy) -> tuple[int, int]:
    if year_by is YearBy.TAX_PERIOD:
        return int(tax_period[:4]), int(tax_period[5:])
    return local_month_of(at_us)
