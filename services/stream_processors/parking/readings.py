"""A car park before and after a reading. Pure."""

from __future__ import annotations

from msgspec import Struct

from services.stream_processors.engine.feed_rules import Entry
from services.stream_processors.engine.periods import DAY_US, local_day
from services.stream_processors.parking.accounts import Sums, held
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


def first(entry: Entry, policy: InForce) -> tuple[Standing, Sums]:
    """A car park of which nothing was known before this reading, and its day."""
    at_us, _, boot, _, _, offset, (told, name, entries) = entry
    now, level, wrong = judged(told, policy)
    standing = Standing(
        name=name,
        at_us=at_us,
        offset=offset,
        boot=boot,
        told=told,
        now=now,
        level=level,
        wrong=wrong,
        until_us=at_us + policy.hold_us,
        day_end_us=local_day(at_us).end_us,
        still_us=at_us,
        still_offset=offset,
        entries=entries,
        entries_us=at_us,
        other_boot=None,
    )
    return standing, Sums(n=int(now is not None), impossible=int(wrong is not None))


def following(lot: Standing, sums: Sums, entry: Entry, policy: InForce, *, still: bool) -> tuple[Standing, Sums]:
    """The car park after one more reading, and what its day has come to.

    Args:
        lot: Before the reading.
        sums: Of the reading's day so far.
        entry: The reading.
        policy: In force at its time.
        still: Its free count goes on being the same.
    """
    at_us, _, boot, _, _, offset, (told, name, entries) = entry
    before_us, day_end_us = lot.at_us, lot.day_end_us
    if at_us >= day_end_us:
        day_end_us = local_day(at_us).end_us
    day_us = day_end_us - DAY_US
    now, level, wrong = lot.now, lot.level, lot.wrong
    if entries is None:
        counter = Counter(lot.boot, lot.entries, lot.entries_us, lot.other_boot, 0, 0)
    else:
        counter = counted(lot, boot, entries, at_us, day_us)
    if told != lot.told or before_us < policy.from_us:
        now, level, wrong = judged(told, policy)
    grown = held(
        sums,
        lot.now,
        lot.level,
        max(before_us, day_us),
        min(at_us, lot.until_us),
        n=0 if now is None else 1,
        impossible=0 if wrong is None else 1,
        parked=counter.parked,
        told_us=counter.told_us,
    )
    standing = Standing(
        lot.name if name is None else name,
        at_us,
        offset,
        counter.boot,
        told,
        now,
        level,
        wrong,
        at_us + policy.hold_us,
        day_end_us,
        lot.still_us if still else at_us,
        lot.still_offset if still else offset,
        counter.entries,
        counter.entries_us,
        counter.other_boot,
    )
    return standing, grown


class Counter(Struct, gc=False):
    """A lot's counter of vehicles after a reading (fields as in `Standing`), and what the reading adds."""

    boot: str
    entries: int | None
    entries_us: int
    other_boot: tuple[str, int] | None
    parked: int
    """Vehicles that came in."""
    told_us: int
    """Of the day, time for which that is known."""


def counted(lot: Standing, boot: str, entries: int, at_us: int, day_us: int) -> Counter:
    """The counter of vehicles after it has been told.

    A new boot counts from 0, so all that it has counted came since the last reading of the boot before. A counter that
    falls back within a boot cannot be followed: it is a new start, and what came in between is not known.
    """
    known, other_boot = lot.entries, lot.other_boot
    if known is None or (boot == lot.boot and entries < known):
        return Counter(boot, entries, at_us, other_boot, 0, 0)
    if boot == lot.boot:
        parked = entries - known
    else:
        parked = max(0, entries - other_boot[1]) if other_boot is not None and other_boot[0] == boot else entries
        other_boot = (lot.boot, known)
    return Counter(boot, entries, at_us, other_boot, parked, at_us - max(lot.entries_us, day_us))
