"""Where drivers who find a car park full are sent: the nearest lots with room, not all of them to the same one. Pure.

The drivers of all full lots are placed one after the other, in turns. Each goes where walking is least, and a lot that
has been promised to many counts as if it were farther away:

    cost = metres + spread_metres * promised / room

So the nearest lot comes first, the next one joins as it fills, no lot is promised more drivers than it has spaces, and
of the drivers of one full lot none is sent more than a share of them while another has room. Placing them one by one at
least cost is exact for each full lot, because the cost of a lot only rises with every driver sent there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple


class LotNow(NamedTuple):
    """A car park at one moment."""

    lot: str
    room: int = 0
    """Spaces that may be promised; 0 for a lot that is full, silent or whose count cannot be trusted."""
    drivers: int = 0
    """Drivers on their way to it who must be sent elsewhere; 0 unless it is full."""
    promised: int = 0
    """Drivers who were sent to it before and may still be under way."""


class Spreading(NamedTuple):
    """How drivers are spread."""

    walk_max_metres: int
    """Nobody is sent farther than this."""
    spread_metres: int
    """A lot all of whose room is promised counts as if it were so much farther away."""
    share_max: float
    """No lot gets more than this share of one full lot's drivers while another has room."""


class Offer(NamedTuple):
    """Part of the drivers of one full lot, and where they are sent."""

    origin: str
    to: str
    drivers: int
    share: float
    """Of all drivers who must be sent elsewhere from the origin."""
    metres: int | None
    """On foot; None when the position of one of the two is not known."""


Metres = Callable[[str, str], int | None]
"""Walking distance between two lots; None when it is not known."""


def distribute(lots: Iterable[LotNow], metres: Metres, spreading: Spreading) -> list[Offer]:
    """Place the drivers of all full lots.

    Returns:
        Offers, by origin, the nearest first. Drivers for whom there is no room within reach are in none.
    """
    known = sorted(lots)
    room = {lot.lot: lot.room for lot in known if lot.room > lot.promised}
    promised = {lot.lot: lot.promised for lot in known if lot.lot in room}
    waiting = [
        _Waiting(lot.lot, lot.drivers, _reachable(lot.lot, room, metres, spreading.walk_max_metres), {})
        for lot in known
        if lot.drivers > 0
    ]
    turn = [(one, number) for one in waiting for number in range(one.drivers)]
    turn.sort(key=lambda item: (item[1], item[0].lot))
    for one, _ in turn:
        to = _cheapest(one, room, promised, spreading)
        if to is not None:
            promised[to] += 1
            one.sent[to] = one.sent.get(to, 0) + 1
    return [offer for one in waiting for offer in one.offers()]


class _Waiting(NamedTuple):
    """A full lot, the lots within reach (metres, known or not) and who has been sent where."""

    lot: str
    drivers: int
    reachable: tuple[tuple[int, str, int | None], ...]
    sent: dict[str, int]

    def offers(self) -> list[Offer]:
        """The nearest first; lots without a position behind them."""
        return [
            Offer(self.lot, to, self.sent[to], round(self.sent[to] / self.drivers, 4), known)
            for _, to, known in self.reachable
            if to in self.sent
        ]


def _reachable(
    origin: str, room: Mapping[str, int], metres: Metres, limit: int
) -> tuple[tuple[int, str, int | None], ...]:
    ways = [(to, metres(origin, to)) for to in room if to != origin]
    # Where no position is known, no distance speaks for or against a lot: all count as equally far.
    return tuple(sorted((limit if way is None else way, to, way) for to, way in ways if way is None or way <= limit))


def _cheapest(one: _Waiting, room: Mapping[str, int], promised: Mapping[str, int], spreading: Spreading) -> str | None:
    open_lots = [(metres, to) for metres, to, _ in one.reachable if promised[to] < room[to]]
    if not open_lots:
        return None
    most = max(1, int(one.drivers * spreading.share_max))
    below = [(metres, to) for metres, to in open_lots if one.sent.get(to, 0) < most]
    return min(
        below or open_lots, key=lambda way: (way[0] + spreading.spread_metres * promised[way[1]] / room[way[1]], way)
    )[1]
