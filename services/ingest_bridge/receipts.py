"""Up to where the readings of each device are safe: pure bookkeeping of sequence numbers.

A number is *safe* once its reading is in Kafka or in the dead letters. The receipt of a boot is the highest number up
to which all are safe. Forgetting is allowed (the device sends again what lies beyond its receipt), inventing is not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

MAX_RANGES: Final = 64
"""Separate runs beyond the first gap that are remembered for one boot; more are forgotten from the top."""

MAX_DEVICES: Final = 200_000
"""Devices remembered; beyond it the longest silent is forgotten."""

Safe = tuple[str, str, int, bytes]
"""Device, boot, sequence number that is safe now, and the topic on which the device reads its receipts."""

Base = Safe
"""The same with the lowest number that the device still keeps: what lies below is settled between it and us."""


@dataclass(slots=True, eq=False)
class BootLedger:
    """What is safe of one boot of one device."""

    device_id: str
    boot_id: str
    receipt_topic: bytes
    upto: int = -1
    """0..upto are safe, or below the device's base; -1 while reading 0 is missing."""
    ranges: list[tuple[int, int]] = field(default_factory=list)
    """Safe runs beyond the first gap, ascending, first and last number of each."""
    touched_at: float = 0.0
    """Seconds since 1970 of the last reading."""

    def add(self, seq: int) -> bool:
        """Note that one more number is safe; false when that was known."""
        if seq == self.upto + 1:
            self.upto = seq
            if self.ranges:
                self._join()
            return True
        if seq <= self.upto:
            return False
        return self._add_beyond_gap(seq)

    def _join(self) -> None:
        while self.ranges and self.ranges[0][0] <= self.upto + 1:
            self.upto = max(self.upto, self.ranges.pop(0)[1])

    def _add_beyond_gap(self, seq: int) -> bool:
        ranges = self.ranges
        index = bisect_right(ranges, (seq, float("inf")))
        if index and ranges[index - 1][1] >= seq:
            return False
        joins_below = index > 0 and ranges[index - 1][1] == seq - 1
        joins_above = index < len(ranges) and ranges[index][0] == seq + 1
        first = ranges[index - 1][0] if joins_below else seq
        last = ranges[index][1] if joins_above else seq
        ranges[index - joins_below : index + joins_above] = [(first, last)]
        if len(ranges) > MAX_RANGES:
            ranges.pop()
        return True

    def add_run(self, first: int, last: int) -> None:
        """Note that a whole run is safe."""
        if last <= self.upto:
            return
        if first <= self.upto + 1:
            self.upto = last
            self._join()
            return
        kept = [run for run in self.ranges if run[1] < first - 1 or run[0] > last + 1]
        touching = [run for run in self.ranges if not (run[1] < first - 1 or run[0] > last + 1)]
        merged = (min([first, *(a for a, _ in touching)]), max([last, *(b for _, b in touching)]))
        self.ranges = sorted([*kept, merged])[:MAX_RANGES]

    @property
    def receipt(self) -> int | None:
        """The number to tell the device; None while reading 0 is missing."""
        return self.upto if self.upto >= 0 else None


class ReceiptBook:
    """The ledgers of all devices, and which of them somebody must be told about."""

    def __init__(self, *, boots_per_device: int, forget_after_seconds: float, repeat_seconds: float) -> None:
        self._boots_per_device = boots_per_device
        self._forget_after_seconds = forget_after_seconds
        self._repeat_seconds = repeat_seconds
        self._devices: dict[str, list[BootLedger]] = {}
        self._heard: set[BootLedger] = set()
        self._unsaved: set[BootLedger] = set()
        self._stuck: dict[BootLedger, float] = {}
        self._forgotten: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return len(self._devices)

    def confirm(self, safe: Iterable[Safe], now: float) -> bool:
        """Note what is safe now; true when a boot appeared that was not known.

        Args:
            now: Seconds since 1970.
        """
        news = False
        devices, heard, unsaved = self._devices, self._heard, self._unsaved
        for device_id, boot_id, seq, topic in safe:
            boots = devices.get(device_id)
            if boots is not None and boots[0].boot_id == boot_id:
                ledger = boots[0]
            else:
                ledger, new = self._find(device_id, boot_id, topic, now)
                news = news or new
            ledger.touched_at = now
            ledger.receipt_topic = topic
            heard.add(ledger)
            if ledger.add(seq):
                unsaved.add(ledger)
        return news

    def begin_at(self, bases: Iterable[Base], now: float) -> None:
        """Note what devices say of themselves: numbers below a base cannot come (again), so nothing waits for them.

        This is how a boot goes on whose receipt was forgotten; of a boot that is known it changes nothing.

        Args:
            now: Seconds since 1970.
        """
        for device_id, boot_id, base, topic in bases:
            ledger, _ = self._find(device_id, boot_id, topic, now)
            if base - 1 > ledger.upto:
                ledger.add_run(0, base - 1)
                self._heard.add(ledger)
                self._unsaved.add(ledger)

    def _find(self, device_id: str, boot_id: str, topic: bytes, now: float) -> tuple[BootLedger, bool]:
        """The boot's ledger, moved to the front of its device's list, and whether it is new."""
        boots = self._devices.setdefault(device_id, [])
        for index, ledger in enumerate(boots):
            if ledger.boot_id == boot_id:
                boots.insert(0, boots.pop(index))
                return ledger, False
        ledger = BootLedger(device_id, boot_id, topic, touched_at=now)
        boots.insert(0, ledger)
        self._trim(boots)
        return ledger, True

    def _trim(self, boots: list[BootLedger]) -> None:
        while len(boots) > self._boots_per_device:
            self._forget(boots.pop())

    def due(self, now: float) -> list[BootLedger]:
        """Return the boots that must hear their receipt now.

        Those heard of since the last call, and those that wait before a gap and were not told for a while.
        """
        due = self._heard
        self._heard = set()
        for ledger, told_at in list(self._stuck.items()):
            if not ledger.ranges:
                del self._stuck[ledger]
            elif now - told_at >= self._repeat_seconds:
                due.add(ledger)
        for ledger in due:
            if ledger.ranges:
                self._stuck[ledger] = now
        return sorted(due, key=lambda ledger: (ledger.device_id, ledger.boot_id))

    def hear_again(self, since: float) -> None:
        """Tell all devices active since then their receipts once more: a new connection lost the last ones."""
        self._heard.update(boot for boots in self._devices.values() for boot in boots if boot.touched_at >= since)

    def unsaved(self) -> list[BootLedger]:
        """Return the boots whose state changed since the last call."""
        changed = self._unsaved
        self._unsaved = set()
        return list(changed)

    def forgotten(self) -> list[tuple[str, str]]:
        """Return device and boot of the ledgers forgotten since the last call."""
        gone = self._forgotten
        self._forgotten = []
        return gone

    def sweep(self, now: float) -> None:
        """Forget the devices that were silent for too long, and the longest silent beyond `MAX_DEVICES`."""
        silent = [
            device_id
            for device_id, boots in self._devices.items()
            if now - boots[0].touched_at > self._forget_after_seconds
        ]
        surplus = len(self._devices) - len(silent) - MAX_DEVICES
        if surplus > 0:
            rest = sorted(set(self._devices) - set(silent), key=lambda device: self._devices[device][0].touched_at)
            silent += rest[:surplus]
        for device_id in silent:
            for ledger in self._devices.pop(device_id):
                self._forget(ledger)

    def _forget(self, ledger: BootLedger) -> None:
        self._heard.discard(ledger)
        self._unsaved.discard(ledger)
        self._stuck.pop(ledger, None)
        self._forgotten.append((ledger.device_id, ledger.boot_id))

    def restore(
        self, device_id: str, boot_id: str, topic: bytes, runs: Sequence[tuple[int, int]], touched_at: float
    ) -> None:
        """Add what an earlier process knew; it was safe then, so it is safe for ever."""
        boots = self._devices.setdefault(device_id, [])
        ledger = next((boot for boot in boots if boot.boot_id == boot_id), None)
        if ledger is None:
            ledger = BootLedger(device_id, boot_id, topic)
            boots.append(ledger)
        ledger.touched_at = max(ledger.touched_at, touched_at)
        ledger.receipt_topic = topic
        for first, last in runs:
            ledger.add_run(first, last)
        if ledger.ranges:
            self._stuck.setdefault(ledger, touched_at)
        boots.sort(key=lambda boot: -boot.touched_at)
        self._trim(boots)

    def drop(self, device_id: str, boot_id: str) -> None:
        """Take back a restored boot that was forgotten on purpose later."""
        boots = self._devices.get(device_id, [])
        for ledger in [boot for boot in boots if boot.boot_id == boot_id]:
            boots.remove(ledger)
            self._stuck.pop(ledger, None)
        if not boots:
            self._devices.pop(device_id, None)
