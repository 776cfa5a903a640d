"""One connector after its last reading, and the time and energy added up for it. Values never change. Pure.

Time is added up in whole microseconds and energy in whole watt-hours, so that sums do not depend on the order of
arrival of different connectors.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from schemas.ev import ConnectorState
from services.stream_processors.engine.periods import Period

OUTAGE: Final = frozenset((ConnectorState.FAULT, ConnectorState.NO_CONTACT, ConnectorState.OUT_OF_SERVICE))
"""Neither free nor in use: not up (23 CFR 680.116: "available for use, or in use")."""
IN_USE: Final = frozenset((ConnectorState.PLUGGED, ConnectorState.CHARGING))

MONTHS_KEPT: Final = 12


class Sums(NamedTuple):
    """What a period came to."""

    known_us: int = 0
    """Time in a known state."""
    startable_us: int = 0
    in_use_us: int = 0
    outage_us: int = 0
    excluded_us: int = 0
    """Outage that does not count."""
    silent_us: int = 0
    """Time of which nothing is known."""
    rated_wh: int = 0
    """What the connector could have delivered in the known time in service."""
    energy_wh: int = 0
    sessions: int = 0
    readings: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums._make([a + b for a, b in zip(self, other, strict=True)])


NOTHING: Final = Sums()


class Account(NamedTuple):
    """Sums of a connector: the running day and month, and the months before."""

    settled_us: int
    """Up to here time has been added."""
    day: Sums = NOTHING
    month: Sums = NOTHING
    """Without the running day."""
    months: tuple[tuple[int, int, int, int], ...] = ()
    """Start, outage, excluded and silent time of the months before, the oldest first; at most twelve."""


class Socket(NamedTuple):
    """A connector after its last reading."""

    at_us: int
    offset: int
    boot: str
    status: ConnectorState
    since_us: int
    """It has been in this state since then."""
    power_w: int | None
    rated_w: int | None
    register_wh: int | None
    session: str | None
    site_name: str | None


class Told(NamedTuple):
    """What a reading tells."""

    status: str
    error: str
    contradiction: str | None
    """The vendor's word, where the state does not follow from it."""
    power_w: int | None
    rated_w: int | None
    register_wh: int | None
    session: str | None
    site_name: str | None


class Counts(NamedTuple):
    """How the policy counts time."""

    hold_us: int
    """A state holds so long when no other reading comes."""
    startable: frozenset[ConnectorState]
    excluded: frozenset[ConnectorState]


def heard(before: Socket | None, at_us: int, offset: int, boot: str, told: Told) -> Socket:
    """The connector after a reading."""
    rated_w, register_wh, site_name = told.rated_w, told.register_wh, told.site_name
    state = ConnectorState(told.status)
    since_us = at_us if before is None or before.status is not state else before.since_us
    if before is not None:
        rated_w = before.rated_w if rated_w is None else rated_w
        site_name = site_name or before.site_name
        if register_wh is None and before.boot == boot:
            register_wh = before.register_wh
    return Socket(at_us, offset, boot, state, since_us, told.power_w, rated_w, register_wh, told.session, site_name)


def gained(before: Socket, boot: str, told: Told) -> Gain:
    """What a reading adds; a register that falls back, or another boot's, adds no energy."""
    register_wh, session = told.register_wh, told.session
    energy = 0
    if (
        register_wh is not None
        and before.register_wh is not None
        and (boot == before.boot or register_wh >= before.register_wh)
    ):
        energy = max(0, register_wh - before.register_wh)
    return Gain(energy, int(session is not None and session != before.session), 1)


class Gain(NamedTuple):
    """What a reading adds beside time."""

    energy_wh: int = 0
    sessions: int = 0
    readings: int = 0


NO_GAIN: Final = Gain()


def settle(socket: Socket, account: Account, until_us: int, counts: Counts, gain: Gain = NO_GAIN) -> Account:
    """Add the time since the account was settled, and what a reading adds.

    Settling twice on the way comes to the same.
    """
    from_us, day = account.settled_us, account.day
    span_us = max(0, until_us - from_us)
    held_us = max(0, min(until_us, socket.at_us + counts.hold_us) - from_us)
    status = socket.status
    out_us = held_us if status in OUTAGE else 0
    rated_w = socket.rated_w
    grown = Sums(
        day.known_us + held_us,
        day.startable_us + (held_us if status in counts.startable else 0),
        day.in_use_us + (held_us if status in IN_USE else 0),
        day.outage_us + out_us,
        day.excluded_us + (out_us if status in counts.excluded else 0),
        day.silent_us + span_us - held_us,
        # microseconds x watts; divided by an hour only when a figure is made
        day.rated_wh + (0 if out_us or rated_w is None else held_us * rated_w),
        day.energy_wh + gain.energy_wh,
        day.sessions + gain.sessions,
        day.readings + gain.readings,
    )
    return Account(max(from_us, until_us), grown, account.month, account.months)


def close_day(account: Account) -> Account:
    """The day is over: it becomes part of its month."""
    return account._replace(day=NOTHING, month=account.month.plus(account.day))


def close_month(account: Account, month: Period) -> Account:
    """The month is over."""
    sums = account.month
    entry = (month.start_us, sums.outage_us, sums.excluded_us, sums.silent_us)
    return account._replace(month=NOTHING, months=(*account.months, entry)[-MONTHS_KEPT:])


def dump_account(account: Account) -> list[Any]:
    """JSON-ready form; sums as text where they may exceed 64 bits."""
    return [account.settled_us, *([hex(n) for n in sums] for sums in (account.day, account.month)), account.months]


def load_account(dumped: list[Any]) -> Account:
    """An account from its JSON-ready form."""
    settled_us, day, month, months = dumped
    sums = [Sums._make([int(n, 16) for n in part]) for part in (day, month)]
    return Account(settled_us, sums[0], sums[1], tuple((a, b, c, d) for a, b, c, d in months))


def load_socket(dumped: list[Any]) -> Socket:
    """A connector from its JSON-ready form."""
    socket = Socket._make(dumped)
    return socket._replace(status=ConnectorState(socket.status))
