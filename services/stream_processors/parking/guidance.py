"""Where drivers who find a car park full are sent: the nearest lots with room, not all of them to the same one. Pure.

The drivers of all full lots are placed one after the other, in turns. Each goes where walking is least, and a lot that
has been promised to many counts as if it were farther away:

    cost = metres + spread_metres * promised / room

So the nearest lot comes first, the next one joins as it fills, no lot is promised more drivers than it has spaces, and
of the drivers of one full lot none is sent more than a share of them while another has room. Placing them one by one at
least cost is exact for each full lot, because the cost of a lot only rises with every driver sent there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush, heapreplace
from itertools import islice
from typing import Final, NamedTuple, Protocol

CONSIDERED_MAX: Final = 16
"""Of the lots with room within reach only so many are considered for one full lot, the nearest ones: nobody can read
more on a sign, and the cost of guidance does not grow with the number of lots."""


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


class Distances(Protocol):
    """Which lots are near to which."""

    def nearest(self, here: str) -> tuple[tuple[int, str], ...]:
        """Metres and id of lots, the nearest first; empty when the position is not known."""
        ...

    def neighbours(self, here: str) -> frozenset[str]:
        """The lots of `nearest`."""
        ...


def distribute(lots: Iterable[LotNow], distances: Distances, spreading: Spreading) -> list[Offer]:
    """Place the drivers of all full lots.

    Returns:
        Offers, by origin, the nearest first. Drivers for whom there is no room within reach are in none.
    """
    known = sorted(lots)
    room = {lot.lot: lot.room for lot in known if lot.room > lot.promised}
    promised = {lot.lot: lot.promised for lot in known if lot.lot in room}
    waiting = [_waiting(lot, room, promised, distances, spreading) for lot in known if lot.drivers > 0]
    turn = [(number, one.lot, one) for one in waiting for number in range(one.drivers)]
    turn.sort(key=lambda item: item[:2])
    for _, _, one in turn:
        to = _cheapest(one, room, promised, spreading)
        if to is not None:
            promised[to] += 1
            one.sent[to] = one.sent.get(to, 0) + 1
    return [offer for one in waiting for offer in one.offers()]


class _Waiting(NamedTuple):
    """A full lot, the lots within reach and who has been sent where."""

    lot: str
    drivers: int
    most: int
    """No lot gets more of its drivers while another has room."""
    reachable: tuple[tuple[int, str, int | None], ...]
    """The nearest first: metres that count, lot, metres that are known."""
    sent: dict[str, int]
    below: list[_Way]
    """Heap of the lots that have not got `most` yet, at what they cost or less: costs only rise."""
    others: list[_Way]
    """Heap of those that have."""

    def offers(self) -> list[Offer]:
        """The nearest first; lots without a position behind them."""
        return [
            Offer(self.lot, to, self.sent[to], round(self.sent[to] / self.drivers, 4), known)
            for _, to, known in self.reachable
            if to in self.sent
        ]


_Way = tuple[float, int, str]
"""What a lot costs, metres that count, the lot."""


def _waiting(
    lot: LotNow, room: Mapping[str, int], promised: Mapping[str, int], distances: Distances, spreading: Spreading
) -> _Waiting:
    reachable = _reachable(lot.lot, room, distances, spreading.walk_max_metres)
    ways = [(_cost(metres, promised[to], room[to], spreading), metres, to) for metres, to, _ in reachable]
    heapify(ways)
    return _Waiting(lot.lot, lot.drivers, max(1, int(lot.drivers * spreading.share_max)), reachable, {}, ways, [])


def _cost(metres: int, promised: int, room: int, spreading: Spreading) -> float:
    return metres + spreading.spread_metres * promised / room


def _reachable(
    origin: str, room: Mapping[str, int], distances: Distances, limit: int
) -> tuple[tuple[int, str, int | None], ...]:
    """The nearest lots with room: metres that count, lot, metres that are known.

    Where no position is known, no distance speaks for or against a lot: all count as equally far.
    """
    known = ((metres, to, metres) for metres, to in distances.nearest(origin) if metres <= limit and to in room)
    neighbours = distances.neighbours(origin)
    placeless = sorted(room.keys() - neighbours) if neighbours else room
    unknown = ((limit, to, None) for to in placeless if to != origin)
    found: list[tuple[int, str, int | None]] = [*islice(known, CONSIDERED_MAX)]
    found += islice(unknown, CONSIDERED_MAX)
    return tuple(sorted(found, key=lambda way: way[:2])[:CONSIDERED_MAX])


def _cheapest(one: _Waiting, room: Mapping[str, int], promised: Mapping[str, int], spreading: Spreading) -> str | None:
    for ways in (one.below, one.others):
        while ways:
            cost, metres, to = ways[0]
            if promised[to] >= room[to]:
                heappop(ways)
                continue
            if ways is one.below and one.sent.get(to, 0) >= one.most:
                heappush(one.others, heappop(ways))
                continue
            now = _cost(metres, promised[to], room[to], spreading)
            if now == cost:
                return to
            heapreplace(ways, (now, metres, to))
    return None
