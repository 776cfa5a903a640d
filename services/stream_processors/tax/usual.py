"""What a building usually pays of each kind of tax, and the one entry that is far beyond it. Pure.

An entry booked in fen instead of yuan is a hundred times what it should be, and makes a building one of those with
CNY 100 million. Amounts of one building and kind are compared: with the second largest that is known of this year and
the year before, so that one wrong entry does not hide the next, and a building that really pays more is believed from
the second time on. It is booked as it was sent. A correction that takes at least half of it back ends the doubt, and at
the latest the end of the year that follows: from then on its books are closed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from services.stream_processors.engine.counting import CALM, Episode, Sample, advance
from services.stream_processors.engine.feed_rules import Entry, Say
from services.stream_processors.engine.periods import local_day
from services.stream_processors.tax.entries import ended
from services.stream_processors.tax.ledger import DistrictState, Usual
from services.stream_processors.tax.local_months import local_month_of
from services.stream_processors.tax.policy import AMOUNT_IMPLAUSIBLE, InForce, yuan

KIND_AT: Final = 5
"""Where an entry's payload has the kind of tax; entries that the release before stored have none."""
_TAKEN_BACK: Final = 0.5
_NOTHING_KNOWN: Final = Usual(0, 0, 0, 0)


class Implausible(NamedTuple):
    """What an open episode tells of its entry."""

    name: str | None
    kind: str
    receipt: str
    fen: int
    second: int
    """Fen of the second largest that was known."""


def tax_kind_of(entry: Entry) -> str | None:
    """The kind of tax of an entry; None where an earlier release stored it."""
    found = entry.payload[KIND_AT] if len(entry.payload) > KIND_AT else None
    return found if isinstance(found, str) else None


def count_amount(state: DistrictState, entry: Entry, policy: InForce, say: Say) -> None:
    """Count whether the amount of an entry that came in time is within what its building usually pays."""
    kind, fen, building = tax_kind_of(entry), entry.payload[0], entry.asset
    if kind is None or policy.implausible is None:
        return
    run = state.amounts.get(building, CALM)
    if fen < 0:
        sample = _sample(entry, 0, fen, clears=_takes_back(run.episode, kind, fen))
    else:
        known = _known(state, entry.at_us, building, kind)
        is_known = known.days >= policy.settings.amount_days and known.second > 0
        is_beyond = is_known and fen > policy.amount_times * known.second
        told = Implausible(entry.payload[3], kind, entry.payload[2], fen, known.second)
        sample = _sample(entry, int(is_beyond), fen, clears=False, told=told if is_beyond else None)
        _learn(state, entry.at_us, building, kind, fen)
    if sample.level == 0 and run == CALM:
        return
    state.amounts[building], episode = advance(run, sample, policy.implausible)
    if episode is not None:
        say.episode(AMOUNT_IMPLAUSIBLE, building, episode)


def doubted_fen(state: DistrictState, building: str, year: int) -> int:
    """Fen of a building's entry of a year that is in doubt; 0: none is."""
    run = state.amounts.get(building)
    if run is None or run.episode is None or local_month_of(run.episode.peak.at_us)[0] != year:
        return 0
    return Implausible(*run.episode.peak.payload).fen


def close_amounts(state: DistrictState, year: int, at_us: int, say: Say) -> None:
    """End, with a year, what was in doubt of those before, and drop what was usual then."""
    for building, run in list(state.amounts.items()):
        if run.episode is not None and local_month_of(run.episode.started_us)[0] < year:
            say.episode(AMOUNT_IMPLAUSIBLE, building, ended(run.episode, at_us))
            del state.amounts[building]
    for known in [known for known in state.usual if known[0] < year]:
        del state.usual[known]


def _sample(entry: Entry, level: int, fen: int, *, clears: bool, told: Implausible | None = None) -> Sample:
    return Sample(entry.at_us, level, yuan(fen), entry.offset, () if told is None else tuple(told), clears)


def _takes_back(open_: Episode | None, kind: str, fen: int) -> bool:
    if open_ is None:
        return False
    told = Implausible(*open_.peak.payload)
    return told.kind == kind and -fen >= _TAKEN_BACK * told.fen


def _known(state: DistrictState, at_us: int, building: str, kind: str) -> Usual:
    year = local_month_of(at_us)[0]
    now, before = (state.usual.get((of, building, kind), _NOTHING_KNOWN) for of in (year, year - 1))
    first, second = sorted((now.first, now.second, before.first, before.second), reverse=True)[:2]
    return Usual(now.days + before.days, now.last_day, first, second)


def _learn(state: DistrictState, at_us: int, building: str, kind: str, fen: int) -> None:
    place = (local_month_of(at_us)[0], building, kind)
    known, day = state.usual.get(place, _NOTHING_KNOWN), local_day(at_us).start_us
    first, second = sorted((known.first, known.second, fen), reverse=True)[:2]
    state.usual[place] = Usual(known.days + (day != known.last_day), day, first, second)
