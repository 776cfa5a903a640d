"""What is remembered of a zone and of each of its car parks. Values never change; the dictionaries do."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from services.stream_processors.engine.counting import Episode, Run
from services.stream_processors.engine.periods import DAY_US, Period, local_day, local_month
from services.stream_processors.parking.accounts import NOTHING, Sums, held
from services.stream_processors.parking.counts import Spaces

Told = tuple[int, int, int, bool]
"""Free, total and out-of-service spaces as a reading states them, and whether its quality lets the count be used."""


class Standing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A car park after its last reading."""

    name: str | None
    at_us: int
    """Of the last reading."""
    offset: int
    boot: str
    """Of the last reading that told `entries` (of the first one while none has)."""
    told: Told
    now: Spaces | None
    """None when the last count says nothing (impossible, no usable space, doubtful quality)."""
    level: int | None
    """How full that is (`counts`)."""
    wrong: str | None
    """Why the count cannot be."""
    until_us: int
    """The count holds until then when no other comes."""
    day_end_us: int
    """End of the local day of the last reading."""
    still_us: int
    """The free count has been the same since then."""
    still_offset: int
    entries: int | None
    """Vehicles in since the boot, as last told."""
    entries_us: int
    other_boot: tuple[str, int] | None
    """The boot before and where its counter stood: readings of two boots may overlap in time."""

    def over(self, day: Period, sums: Sums, until_us: int) -> Sums:
        """Sums of a day with the time since the last reading, up to a moment of that day."""
        return held(sums, self.now, self.level, max(self.at_us, day.start_us), min(until_us, self.until_us, day.end_us))


class ZonePeak(NamedTuple):
    """The highest occupancy of a zone in a period, as sampled at each pace."""

    start_us: int
    occupied: int = 0
    usable: int = 0
    at_us: int = 0
    lots: int = 0

    def sampled(self, start_us: int, occupied: int, usable: int, at_us: int, lots: int) -> ZonePeak:
        """The peak after one more sample; of equal ones the first stays. A new period begins anew."""
        if not usable:
            return self
        if self.start_us != start_us or not self.usable or occupied * self.usable > self.occupied * usable:
            return ZonePeak(start_us, occupied, usable, at_us, lots)
        return self


NO_PEAK: Final = ZonePeak(0)


class Promise(NamedTuple):
    """Drivers who were sent from a full lot to another and may still be under way."""

    until_us: int
    origin: str
    to: str
    drivers: int


class PeriodSums(NamedTuple):
    """What a local day that has ended has come to for a car park, or the closed days of a month."""

    start_us: int
    sums: Sums


class ZoneState(msgspec.Struct, array_like=True):
    """One zone in one lane."""

    zone: str
    lots: dict[str, Standing] = {}
    today: dict[str, Sums] = {}
    """Of the local day of each lot's last reading, up to that reading; a day that is closed is not here any more."""
    ended: dict[str, PeriodSums] = {}
    """The day before that one, until the round of midnight closes it: a reading at midnight comes first."""
    months: dict[str, PeriodSums] = {}
    full: dict[str, Run] = {}
    impossible: dict[str, Run] = {}
    said_impossible: dict[str, int] = {}
    """How many impossible readings the open finding of a lot was last said with."""
    stuck: dict[str, Episode] = {}
    silent: dict[str, Episode] = {}
    promises: tuple[Promise, ...] = ()
    day_peak: ZonePeak = NO_PEAK
    month_peak: ZonePeak = NO_PEAK
    due_us: int | None = None
    """The next wake that was asked for."""

    def copy(self) -> ZoneState:
        """A copy that does not change when this one does."""
        return ZoneState(
            self.zone,
            self.lots.copy(),
            self.today.copy(),
            self.ended.copy(),
            self.months.copy(),
            self.full.copy(),
            self.impossible.copy(),
            self.said_impossible.copy(),
            self.stuck.copy(),
            self.silent.copy(),
            self.promises,
            self.day_peak,
            self.month_peak,
            self.due_us,
        )

    def of_day(self, lot: str, day: Period, until_us: int) -> Sums:
        """Sums of a lot over a day that is not closed, up to a moment."""
        standing, ended = self.lots[lot], self.ended.get(lot)
        if ended is not None and ended.start_us == day.start_us:
            return ended.sums
        sums = self.today.get(lot, NOTHING) if standing.day_end_us == day.end_us else NOTHING
        return standing.over(day, sums, until_us)

    def of_month(self, lot: str, month: Period) -> Sums:
        """Sums of a lot over the closed days of a month."""
        known = self.months.get(lot)
        return NOTHING if known is None or known.start_us != month.start_us else known.sums

    def close_day(self, lot: str, day: Period, sums: Sums) -> None:
        """A day of a lot came to this: it goes into its month."""
        if self.lots[lot].day_end_us <= day.end_us:
            self.today.pop(lot, None)
        self.ended.pop(lot, None)
        if sums != NOTHING:
            month = local_month(day.start_us)
            self.months[lot] = PeriodSums(month.start_us, self.of_month(lot, month).plus(sums))

    def enter_day(self, lot: str) -> None:
        """A lot is heard of in a later day than before: the day of its last reading has ended."""
        if lot not in self.today:
            return
        before = self.ended.get(lot)
        if before is not None:
            # no round came at midnight
            self.close_day(lot, local_day(before.start_us), before.sums)
        end_us = self.lots[lot].day_end_us
        day = Period(end_us - DAY_US, end_us)
        self.ended[lot] = PeriodSums(day.start_us, self.of_day(lot, day, end_us))
        del self.today[lot]


_DECODER: Final = msgspec.msgpack.Decoder(ZoneState)


def pack(state: ZoneState) -> bytes:
    """The zone as bytes."""
    return msgspec.msgpack.encode(state)


def unpack(raw: bytes) -> ZoneState:
    """A zone from its bytes.

    Raises:
        ValueError: the bytes are none.
    """
    return _DECODER.decode(raw)
