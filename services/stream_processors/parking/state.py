"""What is remembered of a zone and of each of its car parks. Values never change; the dictionaries do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from services.stream_processors.engine.counting import (
    Episode,
    Run,
    dump_episode,
    dump_run,
    load_episode,
    load_run,
)
from services.stream_processors.engine.periods import DAY_US, local_day
from services.stream_processors.parking.accounts import EMPTY, Account, Sums, dump_account, held, load_account
from services.stream_processors.parking.counts import Spaces

Told = tuple[int, int, int, bool]
"""Free, total and out-of-service spaces as a reading states them, and whether its quality lets the count be used."""


class Standing(NamedTuple):
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
    settled_us: int
    """Up to here time has been added to the account."""
    day_end_us: int
    """Of the day to which the following belong."""
    n: int
    """Valid readings since the account was settled."""
    impossible: int
    """Impossible ones."""
    still_us: int
    """The free count has been the same since then."""
    still_offset: int
    entries: int | None
    """Vehicles in since the boot, as last told."""
    entries_us: int
    entries_from_us: int
    """All vehicles in between this and `entries_us` are in `parked` or in the account."""
    parked: int
    """Vehicles in since the account was settled."""
    other_boot: tuple[str, int] | None
    """The boot before and where its counter stood: readings of two boots may overlap in time."""

    def settle(self, account: Account, until_us: int) -> tuple[Standing, Account]:
        """Everything up to a moment goes into the account, which is the same however often this is done."""
        end_us = min(until_us, self.until_us)
        if self.now is not None and self.level is not None and end_us > self.settled_us:
            account = held(account, self.now, self.level, self.settled_us, end_us)
        told_us = self.entries_us - max(self.entries_from_us, self.day_end_us - DAY_US)
        if self.n or self.impossible or self.parked or told_us > 0:
            more = Sums(n=self.n, impossible=self.impossible, parked=self.parked, told_us=max(0, told_us))
            account = account.with_day(local_day(self.day_end_us - 1), more)
        settled = self._replace(
            settled_us=max(until_us, self.settled_us),
            day_end_us=max(self.day_end_us, local_day(until_us).end_us),
            n=0,
            impossible=0,
            parked=0,
            entries_from_us=self.entries_us,
        )
        return settled, account

    def goes_on(self, boot: str, entries: int) -> bool:
        """Whether the counter of vehicles is where it can be after what it told before: it has not fallen back."""
        return self.entries is None or boot != self.boot or entries >= self.entries

    def counted(self, boot: str, entries: int | None, at_us: int) -> Counter:
        """The counter of vehicles after a reading.

        A new boot counts from 0, so all that it has counted came since the last reading of the boot before. A counter
        that falls back within a boot cannot be followed: it is a new start, and what came in between is not known.
        """
        if entries is None:
            return Counter(self.boot, self.entries, self.entries_us, self.entries_from_us, self.parked, self.other_boot)
        if self.entries is None or not self.goes_on(boot, entries):
            return Counter(boot, entries, at_us, at_us, self.parked, self.other_boot)
        if boot == self.boot:
            grown, other = entries - self.entries, self.other_boot
        else:
            before = self.other_boot
            grown = max(0, entries - before[1]) if before is not None and before[0] == boot else entries
            other = (self.boot, self.entries)
        return Counter(boot, entries, at_us, self.entries_from_us, self.parked + grown, other)


class Counter(NamedTuple):
    """Where the counter of vehicles stands; fields as in `Standing`."""

    boot: str
    entries: int | None
    entries_us: int
    entries_from_us: int
    parked: int
    other_boot: tuple[str, int] | None


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


@dataclass(slots=True)
class ZoneState:
    """One zone in one lane."""

    zone: str
    lots: dict[str, Standing] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    full: dict[str, Run] = field(default_factory=dict)
    impossible: dict[str, Run] = field(default_factory=dict)
    said_impossible: dict[str, int] = field(default_factory=dict)
    """How many impossible readings the open finding of a lot was last said with."""
    stuck: dict[str, Episode] = field(default_factory=dict)
    silent: dict[str, Episode] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()
    day_peak: ZonePeak = NO_PEAK
    month_peak: ZonePeak = NO_PEAK
    due_us: int | None = None
    """The next wake that was asked for."""

    def account(self, lot: str) -> Account:
        """The account of a lot."""
        return self.accounts.get(lot, EMPTY)

    def copy(self) -> ZoneState:
        """A copy that does not change when this one does."""
        return ZoneState(
            self.zone,
            self.lots.copy(),
            self.accounts.copy(),
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


def dump_state(state: ZoneState) -> list[Any]:
    """JSON-ready form."""
    return [
        {lot: _dump_standing(standing) for lot, standing in state.lots.items()},
        {lot: dump_account(account) for lot, account in state.accounts.items()},
        {lot: dump_run(run) for lot, run in state.full.items()},
        {lot: dump_run(run) for lot, run in state.impossible.items()},
        dict(state.said_impossible),
        {lot: dump_episode(episode) for lot, episode in state.stuck.items()},
        {lot: dump_episode(episode) for lot, episode in state.silent.items()},
        [list(promise) for promise in state.promises],
        list(state.day_peak),
        list(state.month_peak),
        state.due_us,
    ]


def load_state(dumped: Any, zone: str) -> ZoneState:
    """A zone from its JSON-ready form."""
    lots, accounts, full, impossible, said, stuck, silent, promises, day_peak, month_peak, due_us = dumped
    return ZoneState(
        zone,
        {lot: _load_standing(standing) for lot, standing in lots.items()},
        {lot: load_account(account) for lot, account in accounts.items()},
        {lot: load_run(run) for lot, run in full.items()},
        {lot: load_run(run) for lot, run in impossible.items()},
        dict(said),
        {lot: load_episode(episode) for lot, episode in stuck.items()},
        {lot: load_episode(episode) for lot, episode in silent.items()},
        tuple(Promise(*promise) for promise in promises),
        ZonePeak(*day_peak),
        ZonePeak(*month_peak),
        due_us,
    )


def _dump_standing(standing: Standing) -> list[Any]:
    return [tuple(part) if isinstance(part, tuple) else part for part in standing]


def _load_standing(dumped: list[Any]) -> Standing:
    standing = Standing(*dumped)
    free, total, out, good = standing.told
    now, other = standing.now, standing.other_boot
    return standing._replace(
        told=(free, total, out, good),
        now=None if now is None else Spaces(*now),
        other_boot=None if other is None else (other[0], other[1]),
    )
