"""Which numbers the devices of a key have used: a reading is known by device, boot and number, whatever its time. Pure.

A device counts up, so nearly always a reading is the next one of its boot; what it leaves out makes a run of its own.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.stream_processors.engine.event_time import MICROSECONDS

BOOTS_KEPT: Final = 4
"""So many boots of a device are known, the newest."""
RUNS_KEPT: Final = 256
"""So many runs of a boot are known, the highest."""
KEPT_US: Final = 30 * 86_400 * MICROSECONDS
"""So long after its newest reading a device is known (by event time, behind the horizon)."""


class Used(NamedTuple):
    """A boot as it is stored."""

    boot_id: str
    heard_us: int
    runs: list[int]
    """The first number of a run and the one behind its last, ascending."""


@dataclass(slots=True)
class _Boot:
    boot_id: str
    end: int
    """Behind the highest number."""
    heard_us: int
    """Not before it, in steps of the horizon."""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """Of all runs but the last, which ends at `end`."""
    known_end: int = -1
    """`end` when the horizon moved last."""

    def takes(self, seq: int) -> bool:
        """Note a number; false when it was used."""
        if seq >= self.end:
            if seq > self.end:
                self.ends.append(self.end)
                self.starts.append(seq)
            self.end = seq + 1
        else:
            place = bisect_right(self.starts, seq) - 1
            if place >= 0 and seq < self._end_of(place):
                return False
            self._fill(seq, place)
        if len(self.starts) > RUNS_KEPT:
            del self.starts[0], self.ends[0]
        return True

    def _end_of(self, place: int) -> int:
        return self.ends[place] if place < len(self.ends) else self.end

    def _fill(self, seq: int, place: int) -> None:
        """Note a number below the highest that is in no run; `place` is the run before it."""
        touches = place >= 0 and self._end_of(place) == seq
        meets = self.starts[place + 1] == seq + 1
        if touches and meets:
            del self.ends[place], self.starts[place + 1]
        elif touches:
            self.ends[place] = seq + 1
        elif meets:
            self.starts[place + 1] = seq
        else:
            self.starts.insert(place + 1, seq)
            self.ends.insert(place + 1, seq + 1)

    def frees(self, seq: int) -> None:
        """Take a number back that was noted."""
        place = bisect_right(self.starts, seq) - 1
        start, end = self.starts[place], self._end_of(place)
        pieces = [(start, seq), (seq + 1, end)]
        kept = [piece for piece in pieces if piece[0] < piece[1]]
        runs = [*self.runs[:place], *kept, *self.runs[place + 1 :]]
        self.starts, self.ends = [run[0] for run in runs], [run[1] for run in runs[:-1]]
        self.end = runs[-1][1] if runs else seq
        if not runs:
            self.starts, self.ends = [seq], []

    @property
    def runs(self) -> list[tuple[int, int]]:
        return list(zip(self.starts, [*self.ends, self.end], strict=True))


class Numbers:
    """The numbers that were used, by device and boot."""

    __slots__ = ("_devices", "_earlier")

    def __init__(self) -> None:
        self._devices: dict[str, _Boot] = {}
        """The boot that began last."""
        self._earlier: dict[str, list[_Boot]] = {}
        """Boots before it, the newest first."""

    def takes(self, device_id: str, boot_id: str, seq: int, at_us: int) -> bool:
        """Note the number of a reading; false when it was used: the reading is one of before, or has its key."""
        known = self._devices.get(device_id)
        if known is not None and known.boot_id == boot_id:
            if seq == known.end:
                known.end = seq + 1
                return True
            return known.takes(seq)
        return self._of_another_boot(known, device_id, boot_id, seq, at_us)

    def _of_another_boot(self, known: _Boot | None, device_id: str, boot_id: str, seq: int, at_us: int) -> bool:
        earlier = self._earlier.get(device_id, [])
        for boot in earlier:
            if boot.boot_id == boot_id:
                return boot.takes(seq)
        if known is not None:
            self._earlier[device_id] = [known, *earlier][: BOOTS_KEPT - 1]
        self._devices[device_id] = _Boot(boot_id, seq + 1, at_us, [seq])
        return True

    def frees(self, device_id: str, boot_id: str, seq: int) -> None:
        """Take the number of a reading back that was not taken in after all: it may come again."""
        for boot in (self._devices.get(device_id), *self._earlier.get(device_id, ())):
            if boot is not None and boot.boot_id == boot_id:
                boot.frees(seq)

    def forget(self, horizon_us: int) -> None:
        """The horizon has moved: drop devices that were not heard of for long."""
        oldest_us = horizon_us - KEPT_US
        for boot in self._devices.values():
            if boot.end != boot.known_end:
                boot.known_end = boot.end
                boot.heard_us = max(boot.heard_us, horizon_us)
        for device_id in [name for name, boot in self._devices.items() if boot.heard_us < oldest_us]:
            del self._devices[device_id]
            self._earlier.pop(device_id, None)

    def dump(self) -> dict[str, list[Used]]:
        """As it is stored: the boots of each device, the newest first."""
        return {
            device_id: [
                Used(one.boot_id, one.heard_us, [number for run in one.runs for number in run])
                for one in (boot, *self._earlier.get(device_id, ()))
            ]
            for device_id, boot in self._devices.items()
        }

    @classmethod
    def of(cls, dumped: dict[str, list[Used]]) -> Numbers:
        """From what `dump` gave."""
        found = cls()
        for device_id, boots in dumped.items():
            newest, *earlier = [
                _Boot(used.boot_id, used.runs[-1], used.heard_us, used.runs[::2], used.runs[1:-1:2]) for used in boots
            ]
            found._devices[device_id] = newest
            if earlier:
                found._earlier[device_id] = earlier
        return found
