"""The one list of what happens in the district, and what each model asks of it. Pure.

All models look at the same list: rain that falls into the lakes also slows the traffic, raises the calls and keeps
drivers from the open car parks. Times are whole seconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.fields import DISTRICT_ZONE
from simulators.world.dice import dice

HOUR: Final = 3_600
DAY: Final = 86_400
LOCAL: Final = 8 * HOUR
"""Local time is so far ahead; the district keeps it all year."""
EVERYWHERE: Final = "district"

_WET_DAYS: Final = (0.3, 0.35, 0.45, 0.45, 0.43, 0.45, 0.4, 0.3, 0.27, 0.3, 0.27, 0.23)
"""Share of the days of each month with rain: about Wuhan's, unverified."""
_MEAN_MM_H: Final = (0.7, 0.9, 1.1, 1.7, 2.3, 4.0, 4.2, 3.1, 1.8, 1.2, 0.9, 0.6)


class EventKind(StrEnum):
    """What happens; `size` means something else for each."""

    RAIN = "rain"
    """Millimetres an hour, in the whole district."""
    FLOOD = "flood"
    """Share of the usual speed that is left on the roads of the district; car parks of the zone are shut."""
    SPILL = "spill"
    """So many mg/L of `item` more in the middle of a lake."""
    BLOOM = "bloom"
    """Chlorophyll-a at the height of an algal bloom of a lake, micrograms per litre."""
    CROWD = "crowd"
    """Times the usual arrivals of vehicles in a zone, at car parks and chargers."""
    BLACKOUT = "blackout"
    """The charging sites of a zone, or one site, have no power; 1."""
    CALLS = "calls"
    """Times the usual calls for an ambulance."""
    SHORTAGE = "shortage"
    """Share of the ambulances that are out of service."""
    TAX_RUSH = "tax_rush"
    """Times the usual payments at the tax offices."""


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that happens for a time."""

    begin: int
    end: int
    """Exclusive."""
    kind: EventKind
    place: str = EVERYWHERE
    """The district, or the id of a lake, zone or site."""
    size: float = 1.0
    item: str = ""

    def holds(self, at: int) -> bool:
        """Whether it goes on at a time."""
        return self.begin <= at < self.end


def seconds_of(at: datetime) -> int:
    """Whole seconds since 1970 of an aware time."""
    return int(at.timestamp())


def begin_of(day: date) -> int:
    """When a local day begins."""
    return seconds_of(datetime(day.year, day.month, day.day, tzinfo=DISTRICT_ZONE))


def local_hour(at: int) -> float:
    """Hour of the local day with its fraction."""
    return (at + LOCAL) % DAY / HOUR


def local_day(at: int) -> date:
    """The local day."""
    return (datetime.fromtimestamp(at, UTC) + timedelta(seconds=LOCAL)).date()


def is_weekend(at: int) -> bool:
    """Whether it is Saturday or Sunday in Wuhan."""
    return ((at + LOCAL) // DAY + 3) % 7 >= 5  # the first of January 1970 was a Thursday


def seasonal_rain(seed: int, first: date, days: int) -> list[Event]:
    """Showers as the season has them: one to three a wet day, some hours each."""
    found = []
    for number in range(days):
        day = first + timedelta(days=number)
        stream = dice(seed, "rain", day)
        if stream.random() >= _WET_DAYS[day.month - 1]:
            continue
        for _ in range(stream.choice((1, 1, 2, 3))):
            begin = begin_of(day) + stream.randrange(DAY)
            length = stream.randrange(HOUR, 6 * HOUR)
            mm_h = round(0.2 + stream.expovariate(1 / _MEAN_MM_H[day.month - 1]), 1)
            found.append(Event(begin, begin + length, EventKind.RAIN, size=mm_h))
    return found


class Conditions:
    """What the events come to, place by place and moment by moment."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events: Final[tuple[Event, ...]] = tuple(sorted(events))
        self._of: Final = {kind: [each for each in self.events if each.kind is kind] for kind in EventKind}
        self._rain_hour, self._rain = -1, [0.0]

    def of(self, kind: EventKind, place: str | None = None) -> Sequence[Event]:
        """The events of a kind, of one place where one is named."""
        return [each for each in self._of[kind] if place is None or each.place == place]

    def rain_mm_h(self, at: int) -> float:
        """How hard it rains; looked up by the minute."""
        hour, minute = at // HOUR, at % HOUR // 60
        if hour != self._rain_hour:
            begin = hour * HOUR
            near = [each for each in self._of[EventKind.RAIN] if each.begin < begin + HOUR and each.end > begin]
            self._rain_hour = hour
            self._rain = [sum(each.size for each in near if each.holds(begin + 60 * n)) for n in range(60)]
        return self._rain[minute]

    def speed(self, at: int) -> float:
        """Share of the usual speed that is left on the roads: rain, floods, crowds."""
        rain = self.rain_mm_h(at)
        left = 1.0 - 0.35 * rain / (rain + 12.0)
        for event in self._of[EventKind.FLOOD]:
            if event.holds(at):
                left = min(left, event.size)
        if any(event.holds(at) for event in self._of[EventKind.CROWD]):
            left *= 0.85
        return max(0.1, left)

    def calls(self, at: int) -> float:
        """Times the usual calls: rain brings accidents."""
        rain = self.rain_mm_h(at)
        return (1.0 + 0.4 * rain / (rain + 10.0)) * self._factor(EventKind.CALLS, EVERYWHERE, at)

    def vehicles(self, zone: str, at: int) -> float:
        """Times the usual arrivals of vehicles in a zone: rain keeps some at home, a crowd comes."""
        rain = self.rain_mm_h(at)
        return (1.0 - 0.3 * rain / (rain + 8.0)) * self._factor(EventKind.CROWD, zone, at)

    def is_shut(self, zone: str, at: int) -> bool:
        """Whether water keeps vehicles out of the car parks of a zone."""
        return any(event.holds(at) and event.place == zone for event in self._of[EventKind.FLOOD])

    def is_dark(self, site: str, zone: str, at: int) -> bool:
        """Whether a charging site has no power."""
        return any(event.holds(at) and event.place in {site, zone} for event in self._of[EventKind.BLACKOUT])

    def units_out(self, at: int) -> float:
        """Share of the ambulances that are out of service."""
        return max((event.size for event in self._of[EventKind.SHORTAGE] if event.holds(at)), default=0.0)

    def payments(self, at: int) -> float:
        """Times the usual payments of tax."""
        return self._factor(EventKind.TAX_RUSH, EVERYWHERE, at)

    def _factor(self, kind: EventKind, place: str, at: int) -> float:
        factor = 1.0
        for event in self._of[kind]:
            if event.place == place and event.holds(at):
                factor *= event.size
        return factor
