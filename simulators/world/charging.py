"""Charging sites: who comes, what the site gives them under its transformer's limit, what breaks. Pure but for memory.

A site moves in steps of its reporting interval. Vehicles come as a Poisson process whose rate follows the kind of
site, the hour and the day; who finds no free connector drives on. A battery takes its full power up to 80 % and less
and less from there; when all together want more than the load management allows, everybody gets the same share.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from schemas.ev import ConnectorState, ErrorCode, EvContext, StatusVocabulary
from schemas.fields import Feed
from simulators.chance import Profile, by_hour
from simulators.world.dice import dice, poisson
from simulators.world.district import Site, SiteKind
from simulators.world.events import DAY, HOUR, LOCAL, Conditions, begin_of, is_weekend
from simulators.world.places import World
from simulators.world.said import Said
from simulators.world.truth import Truth, TruthKind

LOAD_SHARE: Final = 0.8
"""Load management keeps a site below this share of its transformer's limit."""
PREPARING_SECONDS: Final = 45
_TAPER_FROM: Final = 0.8
_TAPER_TO: Final = 0.2
_OUTAGES_A_DAY: Final = 0.004
"""Of one connector."""
_OCPP_2_SHARE: Final = 0.25
_QUARTER: Final = 900
_HOURS_A_DAY: Final = 2.0
"""What a meter has counted before a run: so many hours of full power a day since the site was commissioned."""

_ARRIVALS: Final[MappingProxyType[SiteKind, Profile]] = MappingProxyType(
    {
        SiteKind.PUBLIC: ((0, 0.05), (5, 0.02), (9, 0.18), (12, 0.42), (14, 0.3), (17, 0.4), (20, 0.5), (23, 0.14)),
        SiteKind.OFFICE: (
            (0, 0),
            (7.5, 0),
            (8.5, 0.02),
            (9.5, 0.058),
            (10.5, 0.109),
            (11.5, 0.186),
            (12.5, 0.175),
            (13.5, 0.107),
            (14.5, 0.051),
            (15.5, 0.071),
            (16.5, 0.149),
            (17.5, 0.161),
            (18.5, 0.086),
            (19.5, 0.044),
            (20.5, 0.021),
            (21.5, 0.005),
            (23, 0),
        ),
        SiteKind.HOME: ((0, 0.05), (5, 0.01), (12, 0.03), (17, 0.12), (19.5, 0.3), (22, 0.15)),
        SiteKind.DEPOT: ((0, 0.4), (4, 0.05), (9, 0.05), (11.5, 0.35), (14, 0.12), (20, 0.12), (22, 0.5)),
    }
)
"""Vehicles an hour and connector, by hour of day. The office's shape follows 3,395 sessions at workplaces."""
_WEEKEND: Final = MappingProxyType(
    {SiteKind.PUBLIC: 1.2, SiteKind.OFFICE: 0.15, SiteKind.HOME: 1.0, SiteKind.DEPOT: 0.9}
)
_STAY_SECONDS: Final = MappingProxyType(
    {SiteKind.PUBLIC: 480.0, SiteKind.OFFICE: 900.0, SiteKind.HOME: 9_000.0, SiteKind.DEPOT: 600.0}
)
"""Mean time that a vehicle stays plugged when it is charged."""
_ERRORS: Final = (
    ErrorCode.GROUND_FAILURE,
    ErrorCode.HIGH_TEMPERATURE,
    ErrorCode.CONNECTOR_LOCK_FAILURE,
    ErrorCode.EV_COMMUNICATION_ERROR,
    ErrorCode.POWER_METER_FAILURE,
    ErrorCode.READER_FAILURE,
)
_IDLE: Final = ConnectorState.IDLE.value
_PLUGGED: Final = ConnectorState.PLUGGED.value
_CHARGING: Final = ConnectorState.CHARGING.value
_PERIODIC: Final = EvContext.PERIODIC.value
_NO_ERROR: Final = ErrorCode.NO_ERROR.value


def _table(kind: SiteKind) -> tuple[list[float], list[float]]:
    week = [by_hour(_ARRIVALS[kind], (quarter + 0.5) / 4) for quarter in range(96)]
    return week, [rate * _WEEKEND[kind] for rate in week]


_RATES: Final = MappingProxyType({kind: _table(kind) for kind in SiteKind})


class _Vehicle:
    """A vehicle at a connector."""

    __slots__ = ("begun", "capacity", "is_charging", "kwh", "leaves", "power", "session", "soc", "wanted")

    def __init__(self, session: str, begun: int, *, power: float, capacity: float, soc: float, wanted: float) -> None:
        self.session = session
        self.begun = begun
        self.power = power
        """What it would take at an empty battery, kW."""
        self.capacity = capacity
        self.soc = soc
        self.wanted = wanted
        """Energy until it is charged, kWh."""
        self.kwh = 0.0
        self.is_charging = True
        self.leaves = 0

    def takes(self) -> float:
        """Power that the battery would take now, kW."""
        over = self.soc + self.kwh / self.capacity - _TAPER_FROM
        if over <= 0:
            return self.power
        return self.power * (1.0 - (1.0 - _TAPER_TO) * min(1.0, over / (1.0 - _TAPER_FROM)))


class _Connector:
    """One connector."""

    __slots__ = ("error", "head", "id", "idle", "out_until", "register", "state", "vehicle")

    def __init__(self, device_id: str, head: dict[str, Any], register: float) -> None:
        self.id = device_id
        self.head = head
        self.register = register
        self.vehicle: _Vehicle | None = None
        self.out_until = 0
        self.state = _IDLE
        self.error = _NO_ERROR
        self.idle: dict[str, Any] = {}


class _Site:
    """One site and its connectors."""

    def __init__(self, site: Site, seed: int, begin: int, step: int, conditions: Conditions, *, breaks: bool) -> None:
        self.site, self.step, self.conditions = site, step, conditions
        self.outages = _OUTAGES_A_DAY * step / DAY * site.connectors if breaks else 0.0
        self.stream = dice(seed, "charging", site.id)
        self.next_at = begin + self.stream.randrange(step)
        self.cap = site.transformer_limit_kw * LOAD_SHARE
        self.rates = _RATES[site.kind]
        self.is_ocpp_2 = self.stream.random() < _OCPP_2_SHARE
        vocabulary = StatusVocabulary.OCPP_2_0_1 if self.is_ocpp_2 else StatusVocabulary.OCPP_1_6
        days = max(30, (begin - begin_of(site.commissioned)) // DAY)
        self.connectors = [
            _Connector(
                name,
                {
                    "feed": Feed.EV.value,
                    "device_id": name,
                    "group_id": site.id,
                    "status_vocabulary": vocabulary.value,
                    "rated_power_kw": site.rated_power_kw,
                },
                round(site.rated_power_kw * _HOURS_A_DAY * days * self.stream.uniform(0.6, 1.4), 3),
            )
            for name in site.connector_ids()
        ]

    def words(self, state: str) -> str:
        """The vendor's word for a state."""
        if self.is_ocpp_2:
            return _WORDS_2[state]
        return _WORDS_1[state]

    def move(self, said: list[Said], truth: list[Truth]) -> None:
        """One step, up to `next_at`."""
        until = self.next_at
        since = until - self.step
        self.next_at += self.step
        if self.conditions.is_dark(self.site.id, self.site.zone, until):
            self._go_dark()
            return
        self._arrive(since, said)
        share = self._share()
        self._break(until, truth)
        for connector in self.connectors:
            vehicle = connector.vehicle
            if vehicle is not None:
                self._charge(connector, vehicle, (since, until), share, said)
            elif connector.out_until:
                self._out(connector, until, said)
            else:
                said.append((until, connector.id, connector.idle or self._idle(connector)))

    def _share(self) -> float:
        """Share of what they would take that the vehicles get."""
        wanted = sum(
            [each.vehicle.takes() for each in self.connectors if each.vehicle is not None and each.vehicle.is_charging]
        )
        return 1.0 if wanted <= self.cap else self.cap / wanted

    def _arrive(self, since: int, said: list[Said]) -> None:
        rate = self.rates[is_weekend(since)][(since + LOCAL) % DAY // _QUARTER]
        mean = rate * len(self.connectors) * self.step / HOUR
        if mean < 1e-9:
            return
        mean *= self.conditions.vehicles(self.site.zone, since)
        stream = self.stream
        count = poisson(stream, mean)
        for at in sorted([since + 1 + stream.randrange(self.step - 1) for _ in range(count)]):
            free = [each for each in self.connectors if each.vehicle is None and not each.out_until]
            if not free:
                return
            connector = free[stream.randrange(len(free))]
            connector.vehicle = self._vehicle(connector, at)
            said.append((at, connector.id, self._plugged(connector, connector.vehicle, EvContext.BEGIN, 0.0)))

    def _vehicle(self, connector: _Connector, at: int) -> _Vehicle:
        stream, site = self.stream, self.site
        is_bus = site.kind is SiteKind.DEPOT
        capacity = stream.uniform(160, 280) if is_bus else stream.uniform(42, 82)
        power = site.rated_power_kw * 0.95
        if site.rated_power_kw >= 20 and not is_bus:
            power = min(power, stream.uniform(45, 115))
        soc = stream.uniform(0.12, 0.55)
        wanted = capacity * (stream.uniform(0.8, 0.98) - soc)
        if site.kind is SiteKind.OFFICE and site.rated_power_kw < 20:
            hours = max(0.3, stream.gauss(2.4, 1.15))  # plugged for a part of the working day, whatever is missing
            wanted = min(wanted, power * hours)
        return _Vehicle(f"{connector.id}-{at}", at, power=power, capacity=capacity, soc=soc, wanted=wanted)

    def _charge(
        self, connector: _Connector, vehicle: _Vehicle, span: tuple[int, int], share: float, said: list[Said]
    ) -> None:
        since, until = span
        power = 0.0
        if vehicle.is_charging:
            from_at = max(since, vehicle.begun + PREPARING_SECONDS)
            power = vehicle.takes() * share
            energy = power * max(0, until - from_at) / HOUR
            missing = vehicle.wanted - vehicle.kwh
            if energy >= missing:
                done = max(from_at, min(until - 1, from_at + int(missing / power * HOUR) + 1))
                vehicle.kwh += missing
                connector.register += missing
                vehicle.is_charging = False
                stay = self.stream.expovariate(1 / _STAY_SECONDS[self.site.kind])
                vehicle.leaves = done + 60 + int(min(stay, 12 * HOUR))
                power = 0.0
                said.append((done, connector.id, self._plugged(connector, vehicle, EvContext.END, 0.0)))
            else:
                vehicle.kwh += energy
                connector.register += energy
                if until <= vehicle.begun + PREPARING_SECONDS:
                    power = 0.0
        if not vehicle.is_charging and vehicle.leaves < until:
            connector.vehicle = None
            idle = self._idle(connector)
            said.append((vehicle.leaves, connector.id, {**idle, "context": EvContext.STATUS.value}))
            said.append((until, connector.id, idle))
        else:
            said.append((until, connector.id, self._plugged(connector, vehicle, EvContext.PERIODIC, power)))

    def _break(self, until: int, truth: list[Truth]) -> None:
        stream = self.stream
        if stream.random() >= self.outages:
            return
        connector = self.connectors[stream.randrange(len(self.connectors))]
        if connector.vehicle is not None or connector.out_until:
            return
        chance = stream.random()
        connector.out_until = until + stream.randrange(1_800, 14_400)
        error = stream.choice(_ERRORS)
        if chance < 0.6:
            connector.state, connector.error, what = ConnectorState.FAULT.value, error.value, "connector_fault"
        elif chance < 0.8:
            connector.state, what = ConnectorState.OUT_OF_SERVICE.value, "connector_out_of_service"
        else:
            connector.state, what = ConnectorState.NO_CONTACT.value, "connector_silent"
        truth.append(Truth(TruthKind.EVENT, what, connector.id, until, connector.out_until, 1.0))

    def _out(self, connector: _Connector, until: int, said: list[Said]) -> None:
        if until >= connector.out_until:
            connector.out_until, connector.state, connector.error = 0, _IDLE, _NO_ERROR
            said.append((until, connector.id, self._idle(connector)))
        elif connector.state != ConnectorState.NO_CONTACT:
            said.append((until, connector.id, self._reading(connector, connector.state, EvContext.STATUS, 0.0)))

    def _go_dark(self) -> None:
        for connector in self.connectors:
            connector.vehicle, connector.idle = None, {}

    def _idle(self, connector: _Connector) -> dict[str, Any]:
        connector.idle = self._reading(connector, _IDLE, EvContext.PERIODIC, 0.0)
        return connector.idle

    def _reading(self, connector: _Connector, state: str, context: EvContext, power: float) -> dict[str, Any]:
        return {
            **connector.head,
            "context": context.value,
            "status": state,
            "status_word": self.words(state),
            "error_code": connector.error,
            "power_kw": power,
            "energy_register_kwh": round(connector.register, 3),
        }

    def _plugged(self, connector: _Connector, vehicle: _Vehicle, context: EvContext, power: float) -> dict[str, Any]:
        is_direct = self.site.rated_power_kw >= 20
        soc = vehicle.soc + vehicle.kwh / vehicle.capacity
        volts = 380.0 + 110.0 * soc if is_direct else 400.0
        power = round(power, 2)
        fields = {
            **connector.head,
            "context": context.value,
            "status": _CHARGING if power > 0 else _PLUGGED,
            "status_word": self.words(_CHARGING if power > 0 else _PLUGGED),
            "error_code": _NO_ERROR,
            "power_kw": power,
            "energy_register_kwh": round(connector.register, 3),
            "session_id": vehicle.session,
            "session_energy_kwh": round(vehicle.kwh, 3),
            "voltage_v": round(volts, 1),
            "current_a": round(power * 1_000 / volts, 2),
        }
        if is_direct:
            fields["soc_percent"] = round(min(1.0, soc) * 100, 1)
        return fields


_WORDS_1: Final = MappingProxyType(
    {
        "idle": "Available",
        "plugged": "SuspendedEV",
        "charging": "Charging",
        "out_of_service": "Unavailable",
        "fault": "Faulted",
    }
)
_WORDS_2: Final = MappingProxyType(
    {
        "idle": "Available",
        "plugged": "Occupied",
        "charging": "Occupied",
        "out_of_service": "Unavailable",
        "fault": "Faulted",
    }
)


class ChargingModel:
    """All charging sites of a world from a time on, empty at that time.

    Args:
        step: Seconds between two readings of a connector.
        breaks: Whether connectors break, as they do.
    """

    def __init__(
        self, world: World, conditions: Conditions, seed: int, begin: int, step: int, *, breaks: bool = True
    ) -> None:
        self.truth: list[Truth] = []
        self._later: list[Said] = []
        """A step reaches beyond the hour; what is said there is kept until its time."""
        self._sites = [_Site(site, seed, begin, step, conditions, breaks=breaks) for site in world.district.site]

    def advance(self, until: int) -> list[Said]:
        """What was said since the last time, up to and without `until`."""
        said = self._later
        for site in self._sites:
            while site.next_at - site.step < until:
                site.move(said, self.truth)
        self._later = [each for each in said if each[0] >= until]
        return [each for each in said if each[0] < until]
