"""One connector after its last reading, and the time and energy added up for it. Values never change. Pure.

Time is added up in whole microseconds and energy in whole watt-hours, so that sums do not depend on the order of
arrival of different connectors.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import Struct

from schemas.ev import ConnectorState
from services.stream_processors.engine.feed_rules import Entry
from services.stream_processors.ev.told import PLAIN, hedged

OUTAGE: Final = frozenset((ConnectorState.FAULT, ConnectorState.NO_CONTACT, ConnectorState.OUT_OF_SERVICE))
"""Neither free nor in use: not up (23 CFR 680.116: "available for use, or in use")."""
IN_USE: Final = frozenset((ConnectorState.PLUGGED, ConnectorState.CHARGING))


class Odd(Struct, frozen=True, array_like=True, gc=False):
    """What was told and does not count in full."""

    left_out_wh: int = 0
    """Energy that a meter cannot have counted."""
    left_out: int = 0
    """Readings that told it."""
    uncertain_us: int = 0
    """Time in a state of which its sender is not certain: it is not known time."""
    uncertain: int = 0
    """Readings of which their sender is not certain."""

    def plus(self, other: Odd) -> Odd:
        """Both together."""
        return Odd(
            self.left_out_wh + other.left_out_wh,
            self.left_out + other.left_out,
            self.uncertain_us + other.uncertain_us,
            self.uncertain + other.uncertain,
        )


class Sums(Struct, frozen=True, array_like=True, gc=False):
    """What a period came to. Time of which nothing is known is what is left of the period."""

    known_us: int = 0
    """Time in a known state."""
    startable_us: int = 0
    in_use_us: int = 0
    outage_us: int = 0
    excluded_us: int = 0
    """Outage that does not count."""
    rated_wus: int = 0
    """What the connector could have delivered in the known time in service: watts times microseconds. A port's month at
    the 5,000 kW that the contract allows stays within 64 bits."""
    energy_wh: int = 0
    sessions: int = 0
    readings: int = 0
    odd: Odd | None = None
    """Nearly always there is nothing of that."""

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        odd = self.odd
        if other.odd is not None:
            odd = other.odd if odd is None else odd.plus(other.odd)
        return Sums(
            self.known_us + other.known_us,
            self.startable_us + other.startable_us,
            self.in_use_us + other.in_use_us,
            self.outage_us + other.outage_us,
            self.excluded_us + other.excluded_us,
            self.rated_wus + other.rated_wus,
            self.energy_wh + other.energy_wh,
            self.sessions + other.sessions,
            self.readings + other.readings,
            odd,
        )


NOTHING: Final = Sums()


class Socket(Struct, frozen=True, array_like=True, gc=False):
    """A connector after its last reading."""

    at_us: int
    offset: int
    boot: str
    status: str
    """A value of `ConnectorState`."""
    since_us: int
    """It has been in this state since then."""
    power_w: int | None
    rated_w: int | None
    register_wh: int | None
    session: str | None
    site_name: str | None
    metered_us: int | None = None
    """When its register or its session's energy was told last; None: with its last reading, if at all."""
    session_wh: int | None = None
    """Energy of the session so far, of a connector that tells no register."""
    uncertain: bool = False
    """Its sender is not certain of the state."""


class Grown(NamedTuple):
    """Energy that a meter tells of since it was read before."""

    wh: int
    over_us: int
    """In this time."""
    can_be: bool
    """The connector can have delivered it."""


class Counts(NamedTuple):
    """How the policy counts time and energy."""

    hold_us: int
    """A state holds so long when no other reading comes."""
    startable: frozenset[ConnectorState]
    excluded: frozenset[ConnectorState]
    over_rated: float
    """Power, and energy over time, as a multiple of the rating that a meter may show."""
    slack_wh: int
    """Energy that may be told at once: what meters round to, and clocks that are a little apart."""


def first(entry: Entry) -> tuple[Socket, Sums]:
    """A connector of which nothing was known before this reading, and its day."""
    at_us, _, boot, _, _, offset, payload = entry
    status, _, _, power_w, rated_w, register_wh, session, site_name = payload[:PLAIN]
    session_wh, uncertain = hedged(payload)
    metered_us = None if register_wh is None and session_wh is None else at_us
    socket = Socket(
        at_us,
        offset,
        boot,
        status,
        at_us,
        power_w,
        rated_w,
        register_wh,
        session,
        site_name,
        metered_us,
        session_wh,
        uncertain,
    )
    return socket, Sums(readings=1, odd=Odd(uncertain=1) if uncertain else None)


def following(
    before: Socket, sums: Sums, entry: Entry, from_us: int, counts: Counts, *, energy: Grown | None
) -> tuple[Socket, Sums]:
    """The connector after one more reading, and what its day has come to.

    Energy that the connector cannot have delivered since it was metered before is left out; its meter goes on from
    there.

    Args:
        before: The connector before the reading.
        sums: Of the day so far.
        entry: The reading.
        from_us: Time is added from then on: the last reading, or midnight.
        counts: How time counts.
        energy: By how much its meter has grown (see `metering`).
    """
    at_us, _, boot, _, _, offset, payload = entry
    session_wh, uncertain = None, False
    if len(payload) > PLAIN:
        session_wh, uncertain = payload[PLAIN:]
        payload = payload[:PLAIN]
    status, _, _, power_w, rated_w, register_wh, session, site_name = payload
    odd = sums.odd
    energy_wh = 0
    if energy is not None and energy.can_be:
        energy_wh = energy.wh
    elif energy is not None:
        odd = (odd or Odd()).plus(Odd(left_out_wh=energy.wh, left_out=1))
    if uncertain or before.uncertain:
        unsure_us = max(0, min(at_us, before.at_us + counts.hold_us) - from_us) if before.uncertain else 0
        odd = (odd or Odd()).plus(Odd(uncertain_us=unsure_us, uncertain=int(uncertain)))
    metered_us = before.metered_us
    if register_wh is not None or session_wh is not None:
        metered_us = at_us
    if register_wh is None and boot == before.boot:
        register_wh = before.register_wh
    if session_wh is None and session == before.session:
        session_wh = before.session_wh
    sessions = int(session is not None and session != before.session)
    day = held(sums, before, from_us, at_us, counts, energy_wh=energy_wh, sessions=sessions, readings=1, odd=odd)
    socket = Socket(
        at_us,
        offset,
        boot,
        status,
        before.since_us if status == before.status else at_us,
        power_w,
        before.rated_w if rated_w is None else rated_w,
        register_wh,
        session,
        site_name or before.site_name,
        metered_us,
        session_wh,
        uncertain,
    )
    return socket, day


def held(
    sums: Sums,
    socket: Socket,
    from_us: int,
    until_us: int,
    counts: Counts,
    *,
    energy_wh: int = 0,
    sessions: int = 0,
    readings: int = 0,
    odd: Odd | None = None,
) -> Sums:
    """Sums with the time for which a state held, and what the reading that ended it adds.

    Args:
        sums: Where it is added.
        socket: The connector in that state.
        from_us: Start of the time.
        until_us: Its end; the state holds no longer than `counts` says, what lies beyond is not known.
        counts: How time counts.
        energy_wh: Energy delivered.
        sessions: Sessions begun.
        readings: Readings.
        odd: What does not count in full, all of it; None: as in the sums.
    """
    held_us = 0 if socket.uncertain else max(0, min(until_us, socket.at_us + counts.hold_us) - from_us)
    status, rated_w = socket.status, socket.rated_w
    out_us = held_us if status in OUTAGE else 0
    return Sums(
        sums.known_us + held_us,
        sums.startable_us + held_us if status in counts.startable else sums.startable_us,
        sums.in_use_us + held_us if status in IN_USE else sums.in_use_us,
        sums.outage_us + out_us,
        sums.excluded_us + out_us if status in counts.excluded else sums.excluded_us,
        sums.rated_wus if out_us or rated_w is None else sums.rated_wus + held_us * rated_w,
        sums.energy_wh + energy_wh,
        sums.sessions + sessions,
        sums.readings + readings,
        sums.odd if odd is None else odd,
    )
