"""From what models say to the lines that devices send: envelope, faults, order of sending. Pure but for memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from simulators.reading import utc_text
from simulators.world.events import HOUR
from simulators.world.faults import COUNTERS, Fault, Sending
from simulators.world.said import Said

Line = tuple[float, bytes]
"""When it is sent (seconds since 1970), and the reading in JSON, with its line end."""

_CLOCK: Final = tuple(f"{second // 60:02d}:{second % 60:02d}Z".encode() for second in range(HOUR))


class Stamps:
    """Times as text; those of one hour share their beginning."""

    def __init__(self) -> None:
        self._hour, self._text = -1, b""

    def of(self, at: float) -> bytes:
        """RFC 3339 in UTC, with microseconds where there are some."""
        if at != int(at):
            return utc_text(datetime.fromtimestamp(round(at, 6), UTC)).encode()
        hour, second = divmod(int(at), HOUR)
        if hour != self._hour:
            self._hour, self._text = hour, datetime.fromtimestamp(hour * HOUR, UTC).strftime("%Y-%m-%dT%H:").encode()
        return self._text + _CLOCK[second]


class Sender:
    """A device's envelope: its boot and its numbers."""

    __slots__ = ("_boots", "_head", "_lane", "_last", "_last_line", "_run", "_seq", "_tail")

    def __init__(self, lane: str, run: str) -> None:
        self._lane, self._run = lane, run
        self._boots, self._seq = 0, 0
        self._last: dict[str, Any] | None = None
        self._head = b""
        self._last_line = b""
        self._tail = self._make_tail()

    def boot(self) -> None:
        """Start anew."""
        self._boots += 1
        self._seq = 0
        self._tail = self._make_tail()

    def line(self, fields: dict[str, Any], stamp: bytes) -> bytes:
        """The next reading."""
        if fields is not self._last:
            self._last, self._head = fields, orjson.dumps(fields)[:-1]
        seq = self._seq
        self._seq = seq + 1
        self._last_line = b'%b%b%d,"observed_at":"%b"}\n' % (self._head, self._tail, seq, stamp)
        return self._last_line

    def again(self) -> bytes:
        """The reading before, once more."""
        return self._last_line

    def lost(self) -> None:
        """A number that was used up by something that is no reading."""
        self._seq += 1

    def _make_tail(self) -> bytes:
        boot = f"{self._run}-{self._boots}"
        return b',"lane":"%b","boot_id":"%b","seq":' % (self._lane.encode(), boot.encode())


class Delivery:
    """Turns what was said into lines.

    Args:
        run: Begin of the boot ids: another run in the same lane has another.
    """

    def __init__(self, lane: str, run: str, faults: Iterable[Fault]) -> None:
        self._lane, self._run = lane, run
        self._senders: dict[str, Sender] = {}
        self._faults: dict[str, list[Fault]] = {}
        for fault in faults:
            self._faults.setdefault(fault.device, []).append(fault)
        self._bases: dict[str, dict[str, int]] = {}
        self._stamps = Stamps()

    def lines(self, said: Iterable[Said]) -> list[Line]:
        """The lines of readings, in the order in which they were measured; their time says when they are sent."""
        found: list[Line] = []
        senders, stamp = self._senders, self._stamps.of
        for at, device, fields in said:
            sender = senders.get(device)
            if sender is None:
                sender = senders[device] = Sender(self._lane, self._run)
            if device in self._faults:
                found += self._befallen(sender, device, at, fields)
            else:
                found.append((at, sender.line(fields, stamp(at))))
        return found

    def _befallen(self, sender: Sender, device: str, at: int, fields: dict[str, Any]) -> list[Line]:
        faults = self._faults[device]
        starts = [fault for fault in faults if fault.starts_at(at)]  # each of them counts it
        if starts:
            sender.boot()
            self._bases[device] = {name: fields[name] for name in COUNTERS if name in fields}
        base = self._bases.get(device)
        if base:
            fields = {**fields, **{name: fields[name] - value for name, value in base.items()}}
        sendings = [Sending(float(at), float(at), fields)]
        for fault in faults:
            if fault.takes(at):
                sendings = [after for each in sendings for after in fault.act(each)]
        return [self._line(sender, each) for each in sendings]

    def _line(self, sender: Sender, sending: Sending) -> Line:
        if sending.is_repeat:
            return (sending.sent, sender.again())
        if sending.raw is not None:
            sender.lost()
            return (sending.sent, sending.raw + b"\n")
        return (sending.sent, sender.line(sending.fields, self._stamps.of(sending.observed)))
