"""A car park before and after a reading. Pure."""

from __future__ import annotations

from services.stream_processors.engine.feed_rules import Entry
from services.stream_processors.engine.periods import local_day
from services.stream_processors.parking.counts import Spaces, fullness, impossible, spaces
from services.stream_processors.parking.policy import InForce
from services.stream_processors.parking.state import Standing, Told


def judged(told: Told, policy: InForce) -> tuple[Spaces | None, int | None, str | None]:
    """What a count says: its spaces and how full that is, or why it cannot be; all None when it says nothing.

    A count that cannot be is one whatever the reading's quality; only one of good quality is an occupancy.
    """
    free, total, out_of_service, good = told
    wrong = impossible(free, total)
    if wrong is not None:
        return None, None, wrong
    now = spaces(free, total, out_of_service) if good else None
    return now, None if now is None else fullness(now, policy.nearly_full, policy.full), None


def first(entry: Entry, policy: InForce) -> Standing:
    """A car park of which nothing was known before this reading."""
    at_us, _, boot, _, _, offset, (told, name, entries) = entry
    now, level, wrong = judged(told, policy)
    return Standing(
        name=name,
        at_us=at_us,
        offset=offset,
        boot=boot,
        told=told,
        now=now,
        level=level,
        wrong=wrong,
        until_us=at_us + policy.hold_us,
        settled_us=at_us,
        day_end_us=local_day(at_us).end_us,
        n=int(now is not None),
        impossible=int(wrong is not None),
        still_us=at_us,
        still_offset=offset,
        entries=entries,
        entries_us=at_us,
        entries_from_us=at_us,
        parked=0,
        other_boot=None,
    )


def needs_settling(lot: Standing, entry: Entry, policy: InForce) -> bool:
    """Whether the account must be settled before the reading is taken in: it does not just say the same for longer."""
    at_us, _, boot, _, _, _, (told, _, entries) = entry
    if told != lot.told or at_us > lot.until_us or at_us >= lot.day_end_us or lot.at_us < policy.from_us:
        return True
    return entries is not None and not lot.goes_on(boot, entries)


def following(lot: Standing, entry: Entry, policy: InForce, *, still: bool) -> Standing:
    """The car park after one more reading; the account has been settled if `needs_settling` said so.

    Args:
        lot: Before the reading.
        entry: The reading.
        policy: In force at its time.
        still: Its free count goes on being the same.
    """
    at_us, _, boot, _, _, offset, (told, name, entries) = entry
    known = told == lot.told and lot.at_us >= policy.from_us
    now, level, wrong = (lot.now, lot.level, lot.wrong) if known else judged(told, policy)
    counter = lot.counted(boot, entries, at_us)
    return Standing(
        lot.name if name is None else name,
        at_us,
        offset,
        counter.boot,
        told,
        now,
        level,
        wrong,
        at_us + policy.hold_us,
        lot.settled_us,
        lot.day_end_us,
        lot.n + (now is not None),
        lot.impossible + (wrong is not None),
        lot.still_us if still else at_us,
        lot.still_offset if still else offset,
        counter.entries,
        counter.entries_us,
        counter.entries_from_us,
        counter.parked,
        counter.other_boot,
    )
