"""What is remembered of a charging site. Values never change; the dictionaries do. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.stream_processors.engine.counting import (
    CALM,
    Episode,
    Run,
    dump_episode,
    dump_run,
    load_episode,
    load_run,
)
from services.stream_processors.ev.connector import Account, Socket, dump_account, load_account, load_socket


@dataclass(slots=True)
class SiteState:
    """One site in one lane."""

    site: str
    sockets: dict[str, Socket] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    faults: dict[str, Run] = field(default_factory=dict)
    mismatches: dict[str, Run] = field(default_factory=dict)
    meters: dict[str, Run] = field(default_factory=dict)
    silent: dict[str, Episode] = field(default_factory=dict)
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
            self.accounts.copy(),
            self.faults.copy(),
            self.mismatches.copy(),
            self.meters.copy(),
            self.silent.copy(),
            self.dark,
            self.back_us,
            self.load,
            self.due_us,
        )


def dump_state(state: SiteState) -> list[Any]:
    """JSON-ready form."""
    return [
        {name: tuple(socket) for name, socket in state.sockets.items()},
        {name: dump_account(account) for name, account in state.accounts.items()},
        *(
            {name: dump_run(run) for name, run in runs.items()}
            for runs in (state.faults, state.mismatches, state.meters)
        ),
        {name: dump_episode(episode) for name, episode in state.silent.items()},
        None if state.dark is None else dump_episode(state.dark),
        state.back_us,
        dump_run(state.load),
        state.due_us,
    ]


def load_state(dumped: list[Any], site: str) -> SiteState:
    """A site from its JSON-ready form."""
    sockets, accounts, faults, mismatches, meters, silent, dark, back_us, load, due_us = dumped
    return SiteState(
        site,
        {name: load_socket(socket) for name, socket in sockets.items()},
        {name: load_account(account) for name, account in accounts.items()},
        {name: load_run(run) for name, run in faults.items()},
        {name: load_run(run) for name, run in mismatches.items()},
        {name: load_run(run) for name, run in meters.items()},
        {name: load_episode(episode) for name, episode in silent.items()},
        None if dark is None else load_episode(dark),
        back_us,
        load_run(load),
        due_us,
    )
