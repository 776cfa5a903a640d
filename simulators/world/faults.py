"""What can go wrong with a device or its line, each with its label. Pure but for chance, which is an argument.

A fault changes readings on their way: their values, their time, their bytes, or when and how often they are sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from schemas.fields import Feed, Quality


class FaultKind(StrEnum):
    """The kinds, what `size` means for each, and what it is when nobody says."""

    SPIKE = "spike"
    """One reading is `size` times what it should be (8)."""
    FLAT_LINE = "flat_line"
    """The items repeat what they were at the begin."""
    DRIFT = "drift"
    """The item moves by `size` an hour, a share of its value at the begin (0.05)."""
    GAP = "gap"
    """Nothing is measured."""
    CLOCK_SKEW = "clock_skew"
    """The clock is `size` seconds behind (28,800); below 0 it is ahead: local time sent as UTC is -28,800."""
    DUPLICATE = "duplicate"
    """Every reading is sent twice, the second time after `size` seconds (20)."""
    REORDER = "reorder"
    """Readings arrive up to `size` seconds late, each as chance has it (120)."""
    BURST = "burst"
    """The line is down; all that was kept is sent at once at the end."""
    PARTITION = "partition"
    """The same for many devices with one cause: the network of a place is cut off."""
    REBOOT = "reboot"
    """The device starts anew every `size` hours (24): another boot, numbers and counters from 0."""
    GARBAGE = "garbage"
    """A share `size` of the messages is no reading (0.5)."""
    SENSOR_FAULT = "sensor_fault"
    """One instrument alone is `size` times too high, shaky (4); pollution that is real moves other items, too."""
    REPORTED_FAULT = "reported_fault"
    """The station says that its instrument is broken; values are missing."""
    UNIT_MIXUP = "unit_mixup"
    """The item is told in another unit: `size` times (1,000)."""
    RUNAWAY = "runaway"
    """The device sends `size` readings a second (600)."""


_SIZES: Final = MappingProxyType(
    {
        FaultKind.SPIKE: 8.0,
        FaultKind.DRIFT: 0.05,
        FaultKind.CLOCK_SKEW: 28_800.0,
        FaultKind.DUPLICATE: 20.0,
        FaultKind.REORDER: 120.0,
        FaultKind.REBOOT: 24.0,
        FaultKind.GARBAGE: 0.5,
        FaultKind.SENSOR_FAULT: 4.0,
        FaultKind.UNIT_MIXUP: 1_000.0,
        FaultKind.RUNAWAY: 600.0,
    }
)
_ITEMS: Final = MappingProxyType(
    {
        Feed.WATER: "nh3n_mg_l",
        Feed.PARKING: "free_spaces",
        Feed.EV: "power_kw",
        Feed.TAX: "amount_cny",
        Feed.EMERGENCY: "longitude",
    }
)
_FLAT_ITEMS: Final = MappingProxyType(
    {
        Feed.WATER: ("ph", "do_mg_l", "water_temp_c", "nh3n_mg_l", "tp_mg_l", "codmn_mg_l"),
        Feed.PARKING: ("free_spaces", "entries_total", "exits_total"),
        Feed.EV: ("power_kw", "energy_register_kwh"),
        Feed.TAX: ("amount_cny",),
        Feed.EMERGENCY: ("longitude", "latitude"),
    }
)
_OF_VALUES: Final = frozenset((FaultKind.SPIKE, FaultKind.DRIFT, FaultKind.SENSOR_FAULT, FaultKind.UNIT_MIXUP))
_GARBAGE: Final = (
    b"\xff\xfe\x00 not a reading",
    b"null",
    b'{"feed":"tides","device_id":7}',
    b"[",
    b"{}",
)
COUNTERS: Final = ("entries_total", "exits_total")


class Sending(NamedTuple):
    """A reading on its way."""

    sent: float
    """When it leaves, seconds since 1970."""
    observed: float
    """What its device's clock said."""
    fields: dict[str, Any]
    raw: bytes | None = None
    """Bytes that take the place of a reading."""
    is_repeat: bool = False
    """The reading before, once more."""


@dataclass(slots=True)
class Fault:
    """One fault of one device, and what it has done so far."""

    kind: FaultKind
    device: str
    feed: Feed
    begin: int
    end: int
    size: float
    item: str
    stream: Random
    readings: int = 0
    last: float | None = None
    """When it last acted: a spike once, a reboot every so often, a runaway without a gap."""
    kept: dict[str, Any] = field(default_factory=dict)
    """Values at the begin."""

    @property
    def boots(self) -> bool:
        """Whether it makes the device start anew."""
        return self.kind is FaultKind.REBOOT

    def takes(self, at: int) -> bool:
        """Whether a reading of that time is befallen: of a short fault it is the first one behind its begin."""
        if self.kind is FaultKind.SPIKE:
            return at >= self.begin and self.last is None
        if self.kind is FaultKind.RUNAWAY:
            return at >= self.begin and (self.last is None or self.last < self.end)
        return self.begin <= at < self.end

    def starts_at(self, at: int) -> bool:
        """Whether the device starts anew before the reading of that time; counts it."""
        if not self.boots or not self.begin <= at < self.end:
            return False
        if self.last is not None and at - self.last < self.size * 3_600:
            return False
        self.last = at
        self.readings += 1
        return True

    def act(self, sending: Sending) -> list[Sending]:
        """What becomes of a reading that is measured within the fault's time."""
        match self.kind:
            case FaultKind.SPIKE | FaultKind.DRIFT | FaultKind.SENSOR_FAULT | FaultKind.UNIT_MIXUP:
                return [self._changed(sending)]
            case FaultKind.FLAT_LINE:
                return [self._flat(sending)]
            case FaultKind.REPORTED_FAULT:
                self.readings += 1
                return [sending._replace(fields=_broken(sending.fields))]
            case FaultKind.GAP:
                self.readings += 1
                return []
            case FaultKind.RUNAWAY:
                return self._runaway(sending)
            case _:
                return self._on_its_way(sending)

    def _on_its_way(self, sending: Sending) -> list[Sending]:
        """The faults of clock and line; the values stay as they are."""
        if self.kind is FaultKind.GARBAGE and self.stream.random() >= self.size:
            return [sending]
        self.readings += 0 if self.boots else 1
        match self.kind:
            case FaultKind.CLOCK_SKEW:
                sending = sending._replace(observed=sending.observed - self.size)
            case FaultKind.DUPLICATE:
                return [sending, sending._replace(sent=sending.sent + self.size, is_repeat=True)]
            case FaultKind.REORDER:
                sending = sending._replace(sent=sending.sent + self.stream.uniform(0, self.size))
            case FaultKind.BURST | FaultKind.PARTITION:
                sending = sending._replace(sent=float(self.end))
            case FaultKind.GARBAGE:
                sending = sending._replace(raw=self._garbage(sending.fields))
            case _:
                pass
        return [sending]

    def _garbage(self, fields: dict[str, Any]) -> bytes:
        kind = self.stream.randrange(len(_GARBAGE) + 1)
        if kind < len(_GARBAGE):
            return _GARBAGE[kind]
        whole = orjson.dumps({name: str(value) for name, value in fields.items()})
        return whole[: len(whole) // 2]

    def _changed(self, sending: Sending) -> Sending:
        value = sending.fields.get(self.item)
        if value is None:
            return sending
        number = float(value)
        first = self.kept.setdefault(self.item, number)
        match self.kind:
            case FaultKind.DRIFT:
                number += first * self.size * (sending.sent - self.begin) / 3_600
            case FaultKind.SENSOR_FAULT:
                number *= self.size * self.stream.uniform(0.9, 1.1)
            case _:
                number *= self.size
        self.last = sending.sent
        self.readings += 1
        return sending._replace(fields={**sending.fields, self.item: _like(value, number)})

    def _flat(self, sending: Sending) -> Sending:
        names = (self.item,) if self.item else _FLAT_ITEMS[self.feed]
        for name in names:
            if name in sending.fields:
                self.kept.setdefault(name, sending.fields[name])
        self.readings += 1
        return sending._replace(fields={**sending.fields, **self.kept})

    def _runaway(self, sending: Sending) -> list[Sending]:
        """The reading, and before it as many as have come since the last one, or since the begin."""
        since, until = float(self.begin) if self.last is None else self.last, min(sending.sent, float(self.end))
        count = round((until - since) * self.size)
        self.last = until
        self.readings += count
        times = [round(since + number / self.size, 6) for number in range(count)]
        return [*(sending._replace(sent=at, observed=at) for at in times), sending]


def fault_of(
    kind: FaultKind,
    device: str,
    feed: Feed,
    span: tuple[int, int],
    stream: Random,
    *,
    item: str | None = None,
    size: float | None = None,
) -> Fault:
    """A fault with what its kind takes for granted filled in."""
    wanted = item or (_ITEMS[feed] if kind in _OF_VALUES else "")
    return Fault(kind, device, feed, *span, _SIZES.get(kind, 1.0) if size is None else size, wanted, stream)


def _like(value: Any, number: float) -> Any:
    """A number in the form that its field has."""
    if isinstance(value, str):
        return f"{number:.2f}"
    return round(number) if isinstance(value, int) else round(number, 5)


def _broken(fields: dict[str, Any]) -> dict[str, Any]:
    missing = dict.fromkeys(_FLAT_ITEMS[Feed.WATER]) if fields["feed"] == Feed.WATER else {}
    kept = {name: value for name, value in fields.items() if name not in missing}
    return {**kept, "quality": Quality.FAULT.value}
