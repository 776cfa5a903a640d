"""What is closed at local midnight, and at the end of a month: sums of the site, months of its ports. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.verdict import Threshold
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.periods import Period, months_before
from services.stream_processors.ev.connector import NOTHING, Sums
from services.stream_processors.ev.figures import Subject, port_uptime
from services.stream_processors.ev.port import MONTHS_KEPT, NEW_PORT
from services.stream_processors.ev.state import SiteState


def n_ports(state: SiteState, period: Period) -> int:
    """How many ports the site has or had in a period that is running."""
    left = [port for name, port in state.ports.items() if name not in state.sockets and port.counts_in(period)]
    return len(state.sockets) + len(left)


def close_day(state: SiteState, day: Period, by_port: Mapping[str, Sums], total: Sums) -> None:
    """A day is over: it becomes part of the month of the site and of each port."""
    state.month = state.month.plus(total)
    for name, sums in by_port.items():
        if sums is not NOTHING:
            state.ports[name] = state.ports.get(name, NEW_PORT).close_day(sums)
    state.today.clear()
    state.day_us = day.end_us


def close_month(state: SiteState, month: Period, limit: Threshold) -> Iterator[Figure]:
    """A month is over: uptime of each port over the twelve months that end now.

    A port that left in a month before is not spoken of; it is remembered for as long as one of its months could count
    when it comes back.
    """
    year = Period(months_before(month, MONTHS_KEPT - 1), month.end_us)
    for name in sorted(state.sockets.keys() | state.ports.keys()):
        port = state.ports.get(name, NEW_PORT)
        was_there, closed = port.counts_in(month), port.close_month(month)
        state.ports[name] = closed
        if was_there:
            socket = state.sockets.get(name)
            yield port_uptime(
                Subject(name, None if socket is None else socket.site_name, 1), year, closed.months, limit
            )
        elif not any(entry.start_us > year.start_us for entry in closed.months):
            del state.ports[name]
    state.month = NOTHING
