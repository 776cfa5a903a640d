"""What is remembered of a charging site. Values never change; the dictionaries do. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from services.stream_processors.engine.counting import CALM, Episode, Run
from services.stream_processors.ev.connector import NOTHING, Counts, Odd, Socket, Sums, held
from services.stream_processors.ev.port import Port


class SiteState(msgspec.Struct, array_like=True):
    """One site in one lane."""

    site: str
    sockets: dict[str, Socket] = {}
    """Connectors that are there: heard of, and not silent for so long that they are taken for removed."""
    today: dict[str, Sums] = {}
    """Of the running day, up to the last reading of each connector that was heard of in it."""
    day_us: int = 0
    """Start of the running day: the time of all connectors has been added up to here."""
    ports: dict[str, Port] = {}
    """Whoever has a closed day, or has left."""
    month: Sums = NOTHING
    """Of all ports over the closed days of the running month."""
    faults: dict[str, Run] = {}
    mismatches: dict[str, Run] = {}
    meters: dict[str, Run] = {}
    silent: dict[str, Episode] = {}
    dark: Episode | None = None
    back_us: int | None = None
    """The first reading since the site went dark."""
    load: Run = CALM
    due_us: int | None = None
    """The wake that was asked for."""

    def copy(self) -> SiteState:
        """A copy that does not change when this one does."""
        return SiteState(
            self.site,
            self.sockets.copy(),
            self.today.copy(),
            self.day_us,
            self.ports.copy(),
            self.month,
            self.faults.copy(),
            self.mismatches.copy(),
            self.meters.copy(),
            self.silent.copy(),
            self.dark,
            self.back_us,
            self.load,
            self.due_us,
        )

    def of_day(self, name: str, until_us: int, counts: Counts) -> Sums:
        """Sums of a connector over the running day, up to a moment."""
        sums = self.today.get(name, NOTHING)
        socket = self.sockets.get(name)
        if socket is None:
            return sums
        from_us = max(socket.at_us, self.day_us)
        if socket.at_us + counts.hold_us <= from_us:
            return sums
        if socket.uncertain:
            unsure_us = max(0, min(until_us, socket.at_us + counts.hold_us) - from_us)
            return sums.plus(Sums(odd=Odd(uncertain_us=unsure_us)))
        return held(sums, socket, from_us, until_us, counts)


_DECODER: Final = msgspec.msgpack.Decoder(SiteState)


def pack(state: SiteState) -> bytes:
    """The site as bytes."""
    return msgspec.msgpack.encode(state)


def unpack(raw: bytes) -> SiteState:
    """A site from its bytes.

    Raises:
        ValueError: the bytes are none.
    """
    return _DECODER.decode(raw)
