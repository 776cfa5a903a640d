"""Emergency medicine: calls by hour and place, who is sent, the way there, the hospital. Pure but for memory.

Calls are a Poisson process whose rate follows the hour and what happens in the district; their places follow the
people. The unit that is nearest by road and hour goes; when none is free the call waits. Durations are lognormal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import accumulate
from math import ceil
from random import Random
from types import MappingProxyType
from typing import Any, Final

from schemas.emergency import Step, UnitState
from schemas.fields import Feed
from simulators.reading import utc_text
from simulators.world.dice import dice, poisson
from simulators.world.events import HOUR, Conditions, EventKind, local_hour
from simulators.world.ground import EAST, METRES_A_DEGREE, Spot, metres
from simulators.world.places import World, spot_of
from simulators.world.said import Said
from simulators.world.truth import Truth, TruthKind

BY_HOUR: Final = (
    *(0.72, 0.58, 0.56, 0.52, 0.48, 0.5, 0.6, 0.78, 0.95, 1.14, 1.26, 1.35),
    *(1.38, 1.34, 1.25, 1.23, 1.22, 1.28, 1.36, 1.38, 1.32, 1.1, 0.9, 0.8),
)
"""Calls of each local hour, relative to the day's mean: the shape of 1,992 calls of a week, smoothed."""
UNIT_TYPE: Final = "ambulance"
_TYPES: Final = ("胸痛", "呼吸困难", "外伤", "晕厥", "卒中", "腹痛", "交通事故", "发热")
_ENTRY: Final = (4.05, 0.5)
_DISPATCH: Final = (2.9, 0.6)
_TURNOUT: Final = (4.55, 0.4)
_TO_PATIENT: Final = (4.2, 0.5)
_ON_SCENE: Final = (6.85, 0.45)
_HANDOVER: Final = (7.1, 0.45)
_CLEAN: Final = (5.6, 0.5)
"""Logarithm of the median in seconds, and its spread; 95 of 100 turn out within three minutes, as the national guidance
asks (reference, section 7)."""
_TRANSPORT_SHARE: Final = 0.61
_STATES: Final = MappingProxyType(
    {
        Step.DISPATCHED: UnitState.DISPATCHED,
        Step.RESPONDING: UnitState.RESPONDING,
        Step.ON_SCENE: UnitState.ON_SCENE,
        Step.AT_PATIENT: UnitState.ON_SCENE,
        Step.TRANSPORTING: UnitState.TRANSPORTING,
        Step.AT_HOSPITAL: UnitState.AT_HOSPITAL,
        Step.HANDED_OVER: UnitState.AT_HOSPITAL,
        Step.AVAILABLE: UnitState.AVAILABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call for help."""

    id: str
    at: int
    place: Spot
    street: str
    call_type: str
    priority: str


@dataclass(slots=True)
class _Unit:
    id: str
    rank: int
    """Units of the lowest ranks are the first to be out of service."""
    home: Spot
    state: UnitState
    origin: Spot
    goal: Spot
    left_at: int
    arrives_at: int
    next_at: int
    call: str | None = None

    def position(self, at: int) -> Spot:
        whole = self.arrives_at - self.left_at
        share = 1.0 if whole <= 0 else min(1.0, max(0.0, (at - self.left_at) / whole))
        return Spot(
            self.origin.longitude + (self.goal.longitude - self.origin.longitude) * share,
            self.origin.latitude + (self.goal.latitude - self.origin.latitude) * share,
        )

    def drive(self, goal: Spot, at: int, arrives_at: int) -> None:
        self.origin, self.goal, self.left_at, self.arrives_at = self.position(at), goal, at, arrives_at


@dataclass(order=True, slots=True)
class _Due:
    at: int
    order: int
    step: Step = field(compare=False)
    call: Call | None = field(compare=False)
    """None: look who is free."""
    unit: _Unit | None = field(compare=False)


class EmergencyModel:
    """The emergency medicine of a world from a time on.

    Args:
        step: Seconds between two position reports of an ambulance.
    """

    def __init__(self, world: World, conditions: Conditions, seed: int, begin: int, step: int) -> None:
        self.truth: list[Truth] = []
        self._world, self._conditions, self._seed, self._step = world, conditions, seed, step
        self._at = begin // HOUR * HOUR
        self._begin = begin
        self._stream = dice(seed, "emergency", "units")
        self._units = self._make_units(begin)
        self._hospitals = [spot_of(post) for post in world.district.post if post.hospital]
        self._people = list(accumulate(cell.people for cell in world.cells))
        self._streets = [(spot_of(street), street.name_zh) for street in world.district.street]
        self._waiting: deque[Call] = deque()
        self._due: list[_Due] = []
        self._order = 0
        self._looks: set[int] = set()
        self._timelines: dict[str, dict[str, str]] = {}
        self._head = {"feed": Feed.EMERGENCY.value, "group_id": world.district.district.id}

    def _make_units(self, begin: int) -> list[_Unit]:
        names = [(unit, spot_of(post)) for post in self._world.district.post for unit in post.unit_ids()]
        ranks = list(range(len(names)))
        self._stream.shuffle(ranks)
        return [
            _Unit(
                name,
                rank,
                place,
                UnitState.AVAILABLE,
                place,
                place,
                begin,
                begin,
                begin + self._stream.randrange(self._step),
            )
            for (name, place), rank in zip(names, ranks, strict=True)
        ]

    def advance(self, until: int) -> list[Said]:
        """What was said since the last time, up to and without `until`."""
        while self._at < until:
            for call in self._calls_of(self._at):
                self._expect(call.at, Step.CALL_RECEIVED, call, None)
            self._at += HOUR
        said: list[Said] = []
        while self._due and self._due[0].at < until:
            due = heappop(self._due)
            self._report(due.at, said)
            if due.call is not None:
                said.append(self._happen(due, due.call))
            if due.call is not None and due.step is Step.CALL_ENTERED:
                self._waiting.append(due.call)
            if due.step in {Step.CALL_ENTERED, Step.AVAILABLE}:
                self._assign(due.at)
        self._report(until, said)
        return said

    def _calls_of(self, hour: int) -> Iterator[Call]:
        """The calls of an hour, by thinning: as many as the worst minute asks for, and each kept with its share."""
        stream = dice(self._seed, "emergency", "calls", hour)
        usual = self._world.district.dispatch.calls_per_day / 24 * BY_HOUR[int(local_hour(hour))]
        factors = [self._conditions.calls(hour + 60 * minute) for minute in range(60)]
        most = max(factors)
        for number in range(poisson(stream, usual * most)):
            at = hour + stream.randrange(HOUR)
            keeps = stream.random() * most < factors[(at - hour) // 60]
            call = self._call(stream, at, number)
            if keeps and at >= self._begin:
                yield call

    def _call(self, stream: Random, at: int, number: int) -> Call:
        cell = stream.choices(self._world.cells, cum_weights=self._people)[0]
        place = Spot(
            round(cell.spot.longitude + stream.uniform(-150, 150) / EAST, 5),
            round(cell.spot.latitude + stream.uniform(-150, 150) / METRES_A_DEGREE, 5),
        )
        chance = stream.random()
        return Call(
            id=f"call-{at}-{number}",
            at=at,
            place=place,
            street=min(self._streets, key=lambda each: metres(each[0], place))[1],
            call_type=stream.choice(_TYPES),
            priority="A" if chance < 0.25 else "B" if chance < 0.75 else "C",
        )

    def _expect(self, at: int, step: Step, call: Call | None, unit: _Unit | None) -> None:
        self._order += 1
        heappush(self._due, _Due(at, self._order, step, call, unit))

    def _is_out(self, unit: _Unit, at: int) -> bool:
        return unit.rank < ceil(self._conditions.units_out(at) * len(self._units) - 1e-9)

    def _assign(self, at: int) -> None:
        while self._waiting:
            free = [unit for unit in self._units if unit.state is UnitState.AVAILABLE and not self._is_out(unit, at)]
            if not free:
                self._look_again(at)
                return
            call = self._waiting.popleft()
            ways = [(self._way(unit.position(at), call.place, at), unit.id, unit) for unit in free]
            unit = min(ways)[2]
            unit.state = UnitState.DISPATCHED
            unit.call = call.id
            self._plan(call, unit, at)

    def _look_again(self, at: int) -> None:
        """Units that come back into service are no step of a call: look when the shortage ends."""
        for event in self._conditions.of(EventKind.SHORTAGE):
            if event.holds(at) and event.end not in self._looks:
                self._looks.add(event.end)
                self._expect(event.end, Step.AVAILABLE, None, None)

    def _way(self, start: Spot, end: Spot, at: int) -> int:
        return round(self._world.roads.seconds(start, end, local_hour(at), self._conditions.speed(at)))

    def _plan(self, call: Call, unit: _Unit, at: int) -> None:
        """Fix the steps of the mission; durations belong to the call."""
        stream = dice(self._seed, "emergency", call.id)

        def later(since: int, duration: tuple[float, float]) -> int:
            return since + max(1, round(stream.lognormvariate(*duration)))

        dispatched = later(at, _DISPATCH)
        responding = later(dispatched, _TURNOUT)
        arrival = responding + max(20, round(self._way(unit.position(at), call.place, responding) * _luck(stream)))
        patient = later(arrival, _TO_PATIENT)
        leaving = later(patient, _ON_SCENE)
        self._expect(dispatched, Step.DISPATCHED, call, unit)
        self._expect(responding, Step.RESPONDING, call, unit)
        self._expect(arrival, Step.ON_SCENE, call, unit)
        self._expect(patient, Step.AT_PATIENT, call, unit)
        if stream.random() >= _TRANSPORT_SHARE:
            self._expect(leaving, Step.AVAILABLE, call, unit)
            return
        hospital = self._hospital(call.place, leaving)
        reached = leaving + max(30, round(self._way(call.place, hospital, leaving) * _luck(stream) * 1.15))
        handed = later(reached, _HANDOVER)
        self._expect(leaving, Step.TRANSPORTING, call, unit)
        self._expect(reached, Step.AT_HOSPITAL, call, unit)
        self._expect(handed, Step.HANDED_OVER, call, unit)
        self._expect(later(handed, _CLEAN), Step.AVAILABLE, call, unit)

    def _hospital(self, place: Spot, at: int) -> Spot:
        return min(self._hospitals, key=lambda hospital: (self._way(place, hospital, at), hospital))

    def _happen(self, due: _Due, call: Call) -> Said:
        unit, at = due.unit, due.at
        if due.step is Step.CALL_RECEIVED:
            entered = at + max(5, round(dice(self._seed, "emergency", call.id, "entry").lognormvariate(*_ENTRY)))
            self._expect(entered, Step.CALL_ENTERED, call, None)
        timeline = self._timelines.setdefault(call.id, {})
        timeline.setdefault(f"{due.step}_at", _text(at))
        known = dict(timeline)
        if due.step is Step.ON_SCENE and at - call.at > 600:
            self.truth.append(Truth(TruthKind.EVENT, "late_response", call.id, call.at, at, float(at - call.at)))
        if unit is not None:
            self._move(unit, due, call)
        if due.step is Step.AVAILABLE:
            del self._timelines[call.id]
        device = self._world.district.dispatch.id if unit is None else unit.id
        fields: dict[str, Any] = {
            **self._head,
            "device_id": device,
            "incident_id": call.id,
            "step": due.step.value,
            "call_type": call.call_type,
            "priority": call.priority,
            "street": call.street,
            "longitude": call.place.longitude,
            "latitude": call.place.latitude,
            **known,
        }
        if unit is not None:
            fields |= {"unit_id": unit.id, "unit_type": UNIT_TYPE, "unit_state": unit.state.value}
        return (at, device, fields)

    def _move(self, unit: _Unit, due: _Due, call: Call) -> None:
        """The unit's state and way; it arrives when its next step is due."""
        unit.state = _STATES[due.step]
        ahead = (each.at for each in self._due if each.unit is unit)
        match due.step:
            case Step.RESPONDING:
                unit.drive(call.place, due.at, min(ahead))
            case Step.TRANSPORTING:
                unit.drive(self._hospital(call.place, due.at), due.at, min(ahead))
            case Step.AVAILABLE:
                unit.call = None
                unit.drive(unit.home, due.at, due.at + self._way(unit.position(due.at), unit.home, due.at))
            case _:
                return

    def _report(self, until: int, said: list[Said]) -> None:
        """Position reports up to and without a time."""
        for unit in self._units:
            while unit.next_at < until:
                at = unit.next_at
                unit.next_at += self._step
                is_out = unit.state is UnitState.AVAILABLE and self._is_out(unit, at)
                where = unit.position(at)
                fields: dict[str, Any] = {
                    **self._head,
                    "device_id": unit.id,
                    "unit_id": unit.id,
                    "unit_type": UNIT_TYPE,
                    "unit_state": UnitState.OUT_OF_SERVICE.value if is_out else unit.state.value,
                    "longitude": round(where.longitude, 5),
                    "latitude": round(where.latitude, 5),
                }
                said.append((at, unit.id, fields))


def _luck(stream: Random) -> float:
    """Lights, parked cars, stairs: how much longer or shorter a way is than the model says."""
    return stream.lognormvariate(0.0, 0.28)


def _text(at: int) -> str:
    return utc_text(datetime.fromtimestamp(at, UTC))
