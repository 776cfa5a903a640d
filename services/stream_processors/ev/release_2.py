"""A site from the JSON-ready state of the previous release. Pure."""

from __future__ import annotations

from typing import Any

from services.stream_processors.engine.counting import CALM, load_episode, load_run
from services.stream_processors.engine.periods import local_month
from services.stream_processors.ev.connector import NOTHING, Socket, Sums
from services.stream_processors.ev.port import Port, PortMonth
from services.stream_processors.ev.state import SiteState


def site_of_release_2(dumped: list[Any], site: str) -> SiteState:
    """The site that release 2 would have gone on with.

    Its months before do not tell how much of them was known but for the silence that was seen: as in release 2, the
    rest counts as known.
    """
    sockets, accounts, faults, mismatches, meters, silent, dark, back_us, load, due_us = dumped
    runs = [{name: load_run(run) for name, run in part.items()} for part in (faults, mismatches, meters)]
    state = SiteState(
        site,
        sockets={name: Socket(*socket) for name, socket in sockets.items()},
        faults={name: run for name, run in runs[0].items() if run != CALM},
        mismatches={name: run for name, run in runs[1].items() if run != CALM},
        meters={name: run for name, run in runs[2].items() if run != CALM},
        silent={name: load_episode(episode) for name, episode in silent.items()},
        dark=None if dark is None else load_episode(dark),
        back_us=back_us,
        load=load_run(load),
        due_us=due_us,
    )
    for name, account in accounts.items():
        _take_in(state, name, account)
    return state


def _take_in(state: SiteState, name: str, account: list[Any]) -> None:
    """A port's sums; at its looks release 2 had added the time of all ports up to the look."""
    settled_us, day, month, months = account
    if settled_us > state.sockets[name].at_us:
        state.day_us = max(state.day_us, settled_us)
    today, of_month = _sums(day), _sums(month)
    if today != NOTHING:
        state.today[name] = today
    state.month = state.month.plus(of_month)
    known = (
        PortMonth(start_us, local_month(start_us).end_us - start_us - silent_us, outage_us, excluded_us)
        for start_us, outage_us, excluded_us, silent_us in months
    )
    state.ports[name] = Port(of_month.known_us, of_month.outage_us, of_month.excluded_us, tuple(known))


def _sums(dumped: list[str]) -> Sums:
    """Sums in hexadecimal; the sixth, time of silence, follows from the others."""
    known, startable, in_use, outage, excluded, _, rated, energy, sessions, readings = [int(one, 16) for one in dumped]
    return Sums(known, startable, in_use, outage, excluded, rated, energy, sessions, readings)
