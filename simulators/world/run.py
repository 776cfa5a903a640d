"""A run: a world, a scenario, a seed and some days become lines of readings, part by part, and the truth about them.

The clock is an argument: nothing here knows what time it is, and an hour takes as long as its readings do. Who wants
to play the district live, or a day in a minute, asks for the next part when its time has come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import itemgetter
from types import MappingProxyType
from typing import Final

from schemas.device_register import DeviceIdentity
from schemas.fields import Feed
from simulators.world.charging import ChargingModel
from simulators.world.delivery import Delivery, Line
from simulators.world.dice import dice
from simulators.world.emergency import EmergencyModel
from simulators.world.events import DAY, HOUR, Conditions, Event, begin_of, seasonal_rain
from simulators.world.faults import Fault, FaultKind, fault_of
from simulators.world.ground import metres
from simulators.world.parking import ParkingModel
from simulators.world.places import World, spot_of
from simulators.world.said import Model, Rhythm
from simulators.world.scenario import FaultPart, Scenario
from simulators.world.tax import TaxModel
from simulators.world.truth import Truth, TruthKind
from simulators.world.water import LOOK_BACK, WaterModel

_SENT: Final = itemgetter(0)
_WARM_UP: Final = MappingProxyType(
    {Feed.EV: DAY, Feed.PARKING: 2 * DAY, Feed.WATER: LOOK_BACK, Feed.EMERGENCY: 6 * HOUR, Feed.TAX: 0}
)
"""So long before the first day each model begins, unheard: cars are parked, rain has fallen, ambulances are out."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run."""

    seed: int
    first: date
    """The first local day; a scenario's days count from it."""
    days: int
    lane: str
    rhythm: Rhythm = field(default_factory=Rhythm)
    feeds: tuple[Feed, ...] = tuple(Feed)
    """Only these are made; each is the same whether the others are or not."""
    window: tuple[int, int] | None = None
    """Seconds after the begin of the first day between which devices are heard; None: all of the days."""

    @property
    def origin(self) -> int:
        """Begin of the first day."""
        return begin_of(self.first)

    @property
    def begin(self) -> int:
        """From when on devices are heard."""
        return self.origin + (0 if self.window is None else self.window[0])

    @property
    def end(self) -> int:
        """Until when they are."""
        return self.origin + (self.days * DAY if self.window is None else self.window[1])


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of some time, in the order in which they are sent."""

    begin: int
    lines: dict[Feed, list[Line]]


class WorldRun:
    """One run; its parts may be asked for once."""

    def __init__(self, world: World, scenario: Scenario, order: Order) -> None:
        self._world, self._order = world, order
        self.conditions: Final = Conditions(events_of(scenario, order))
        self.faults: Final = list(faults_of(scenario, world, order))
        self._natural = scenario.scenario.natural_faults
        self._delivery = Delivery(order.lane, run_id(world, scenario, order), self.faults)
        self._models = self._make_models()

    def parts(self, seconds: int = HOUR) -> Iterator[Part]:
        """The days in parts, one after the other; what is sent later than its part comes with a later one.

        Every device says the same whatever the length of a part is; who plays the district live asks for seconds.

        Args:
            seconds: Length of a part; a day is a whole number of them, and so is the time that is heard.

        Raises:
            ValueError: it is not.
        """
        begin, end = self._order.begin, self._order.end
        if seconds < 1 or DAY % seconds or (end - begin) % seconds:
            raise ValueError(f"a day, or what is heard of it, is no whole number of parts of {seconds} s")
        for model in self._models.values():
            model.advance(begin)
            model.truth = [each for each in model.truth if each.end > begin]
        late: dict[Feed, list[Line]] = {feed: [] for feed in self._models}
        for since in range(begin, end, seconds):
            until = since + seconds
            found = {}
            for feed, model in self._models.items():
                lines = late[feed] + self._delivery.lines(model.advance(until))
                lines.sort(key=_SENT)
                kept = len(lines)
                if until < end:
                    while kept and lines[kept - 1][0] >= until:
                        kept -= 1
                found[feed], late[feed] = lines[:kept], lines[kept:]
            yield Part(since, found)

    def truth(self) -> list[Truth]:
        """What happened and what broke within the days, in order of time; ask when the hours are over."""
        begin, end = self._order.begin, self._order.end
        events = [
            Truth(TruthKind.EVENT, each.kind.value, each.place, each.begin, each.end, each.size, each.item)
            for each in self.conditions.events
        ]
        faults = [
            Truth(
                TruthKind.FAULT, each.kind.value, each.device, each.begin, each.end, each.size, each.item, each.readings
            )
            for each in self.faults
        ]
        drifts = [
            Truth(TruthKind.FAULT, "counter_drift", lot.id, begin, end, lot.drift, "free_spaces")
            for lot in self._world.district.lot
            if lot.drift and self._natural and Feed.PARKING in self._models
        ]
        own = [each for model in self._models.values() for each in model.truth]
        parking = self._models.get(Feed.PARKING)
        if isinstance(parking, ParkingModel):
            own += parking.still_full(end)
        found = [each for each in (*events, *faults, *drifts, *own) if each.begin < end and each.end > begin]
        return sorted(found, key=lambda each: (each.begin, each.what, each.device, each.item, each.end))

    def _make_models(self) -> dict[Feed, Model]:
        order, rhythm, conditions = self._order, self._order.rhythm, self.conditions
        world = self._world if self._natural else _without_drift(self._world)

        def begin(feed: Feed) -> int:
            return order.begin - _WARM_UP[feed]

        def made(feed: Feed) -> Model:
            match feed:
                case Feed.EV:
                    return ChargingModel(world, conditions, order.seed, begin(feed), rhythm.ev, breaks=self._natural)
                case Feed.WATER:
                    return WaterModel(world, conditions, order.seed, begin(feed), rhythm.water)
                case Feed.PARKING:
                    return ParkingModel(world, conditions, order.seed, begin(feed), rhythm.parking)
                case Feed.EMERGENCY:
                    return EmergencyModel(world, conditions, order.seed, begin(feed), rhythm.emergency)
                case Feed.TAX:
                    return TaxModel(world, conditions, order.seed, begin(feed))

        return {feed: made(feed) for feed in order.feeds}


def run_id(world: World, scenario: Scenario, order: Order) -> str:
    """Begin of the boot ids of a run: other arguments are another run, and its readings others."""
    said: tuple[object, ...] = (order.seed, world.scale, order.first, order.days, scenario.scenario.name, order.rhythm)
    if order.window is not None:
        said = (*said, order.window)
    return f"world-{hashlib.blake2b(repr(said).encode(), digest_size=6).hexdigest()}"


def events_of(scenario: Scenario, order: Order) -> list[Event]:
    """The season's rain, from the time that lakes remember, and what the scenario adds."""
    back = LOOK_BACK // DAY + 1
    rain = seasonal_rain(order.seed, order.first - timedelta(days=back), order.days + back)
    return [*(rain if scenario.scenario.season_rain else []), *scenario.events(order.origin)]


def faults_of(scenario: Scenario, world: World, order: Order) -> Iterator[Fault]:
    """The faults of a scenario, one for each device that has it."""
    known = {each.device_id: each for each in world.district.devices()}
    for number, part in enumerate(scenario.fault):
        chosen = [known[part.device]] if part.device is not None else _befallen(part, number, world, order.seed)
        for device in chosen:
            stream = dice(order.seed, "fault", number, device.device_id)
            span = part.span(order.origin)
            if device.feed not in order.feeds:
                continue
            if part.kind is FaultKind.REPORTED_FAULT and device.feed not in {Feed.WATER, Feed.PARKING, Feed.EV}:
                continue
            yield fault_of(part.kind, device.device_id, device.feed, span, stream, item=part.item, size=part.size)


def _befallen(part: FaultPart, number: int, world: World, seed: int) -> list[DeviceIdentity]:
    inside = None if part.within is None else devices_within(world, part.within)
    devices = [
        each
        for each in world.district.devices()
        if (part.feed is None or each.feed is part.feed) and (inside is None or each.device_id in inside)
    ]
    if part.count is None or part.count >= len(devices):
        return devices
    return dice(seed, "fault", number, "devices").sample(devices, part.count)


def devices_within(world: World, place: str) -> set[str]:
    """The devices of a lake, zone, site or the district; a lake is in the zone whose centre is nearest."""
    district = world.district
    if place == district.district.id:
        return set(district.device_ids())

    def zone_of_lake(lake_id: str) -> str:
        at = next(spot_of(lake) for lake in district.lake if lake.id == lake_id)
        return min(district.zone, key=lambda zone: metres(spot_of(zone), at)).id

    found: set[str] = set()
    for lake in district.lake:
        if place in {lake.id, zone_of_lake(lake.id)}:
            found |= {point.id for point in lake.points}
    for site in district.site:
        if place in {site.id, site.zone}:
            found |= set(site.connector_ids())
    found |= {lot.id for lot in district.lot if lot.zone == place}
    found |= {building.office_id for building in district.building if building.zone == place}
    return found


def _without_drift(world: World) -> World:
    lots = tuple(lot.model_copy(update={"drift": 0.0}) for lot in world.district.lot)
    district = world.district.model_copy(update={"lot": lots})
    return World(district, world.roads, world.cells, world.scale)
