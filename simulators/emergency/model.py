"""Dispatch centre and ambulances: each call gets the nearest free unit and goes through its steps. Pure but for memory.

The only state is what is going on: waiting calls, steps to come, where each unit is. `advance` moves it to a time and
returns what happened on the way; the same calls to the same seed give the same events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from types import MappingProxyType
from typing import Any, Final

from schemas.emergency import Step, UnitState
from schemas.fields import Feed
from simulators.chance import between, draw
from simulators.emergency.calls import Call, Position, calls_in_minute, position_of, road_km, travel_seconds
from simulators.world.district import District

_MINUTE: Final = timedelta(minutes=1)
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
_HOSPITAL_SHARE: Final = 0.75
UNIT_TYPE: Final = "ambulance"


@dataclass(slots=True)
class Unit:
    """One ambulance."""

    id: str
    home: Position
    state: UnitState
    origin: Position
    """Where it stands, or set out from."""
    goal: Position
    left_at: datetime
    arrives_at: datetime

    def position(self, at: datetime) -> Position:
        """Where it is."""
        whole = (self.arrives_at - self.left_at).total_seconds()
        share = 1.0 if whole <= 0 else (at - self.left_at).total_seconds() / whole
        return self.origin.towards(self.goal, min(1.0, max(0.0, share)))

    def drive(self, goal: Position, at: datetime, arrives_at: datetime) -> None:
        """Set out."""
        self.origin, self.goal, self.left_at, self.arrives_at = self.position(at), goal, at, arrives_at


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a device tells."""

    device_id: str
    at: datetime
    fields: dict[str, Any]


@dataclass(order=True, slots=True)
class _Due:
    at: datetime
    order: int
    step: Step = field(compare=False)
    call: Call = field(compare=False)
    unit: Unit | None = field(compare=False)


class EmergencyModel:
    """The district's emergency medicine from a time on."""

    def __init__(self, seed: int, district: District, begin: datetime) -> None:
        self._seed = seed
        self._district = district
        self._at = begin.replace(second=0, microsecond=0)
        self._reached = begin
        self._units = [
            Unit(unit, place, UnitState.AVAILABLE, place, place, begin, begin)
            for post in district.post
            for place in (position_of(post),)
            for unit in post.unit_ids()
        ]
        self._hospitals = [position_of(post) for post in district.post if post.hospital]
        self._waiting: deque[Call] = deque()
        self._due: list[_Due] = []
        self._order = 0
        self._timelines: dict[str, dict[str, datetime]] = {}

    def advance(self, until: datetime) -> list[Happening]:
        """Return what happened since the last time, in order."""
        while self._at <= until:
            for call in calls_in_minute(self._seed, self._district, self._at):
                if call.at > self._reached:
                    self._expect(call.at, Step.CALL_RECEIVED, call, None)
            self._at += _MINUTE
        happened = []
        while self._due and self._due[0].at <= until:
            due = heappop(self._due)
            happened.append(self._happen(due))
            if due.step is Step.CALL_ENTERED:
                self._waiting.append(due.call)
            if due.step in {Step.CALL_ENTERED, Step.AVAILABLE}:
                self._assign(due.at)
        self._reached = until
        return happened

    def positions(self, at: datetime) -> Iterator[Happening]:
        """Return the position report of each unit."""
        for unit in self._units:
            where = unit.position(at)
            yield Happening(
                unit.id,
                at,
                {
                    **self._head(unit.id),
                    "unit_id": unit.id,
                    "unit_type": UNIT_TYPE,
                    "unit_state": unit.state,
                    "longitude": round(where.longitude, 5),
                    "latitude": round(where.latitude, 5),
                },
            )

    def _head(self, device_id: str) -> dict[str, Any]:
        return {"feed": Feed.EMERGENCY, "device_id": device_id, "group_id": self._district.district.id}

    def _expect(self, at: datetime, step: Step, call: Call, unit: Unit | None) -> None:
        self._order += 1
        heappush(self._due, _Due(at, self._order, step, call, unit))

    def _assign(self, at: datetime) -> None:
        while self._waiting:
            free = [unit for unit in self._units if unit.state is UnitState.AVAILABLE]
            if not free:
                return
            call = self._waiting.popleft()
            unit = min(free, key=lambda each: (road_km(each.position(at), call.place), each.id))
            unit.state = UnitState.DISPATCHED
            self._plan(call, unit, at)

    def _plan(self, call: Call, unit: Unit, at: datetime) -> None:
        """Fix the steps of the mission; durations belong to the call."""
        key = (self._seed, call.id)

        def later(since: datetime, low: float, high: float, *name: object) -> datetime:
            return since + timedelta(seconds=round(between(low, high, *key, *name)))

        dispatched = later(at, 4, 20, "dispatch")
        responding = later(dispatched, 35, 150, "turnout")
        arrival = responding + timedelta(seconds=round(travel_seconds(unit.position(at), call.place, responding)))
        patient = later(arrival, 25, 120, "to patient")
        self._expect(dispatched, Step.DISPATCHED, call, unit)
        self._expect(responding, Step.RESPONDING, call, unit)
        self._expect(arrival, Step.ON_SCENE, call, unit)
        self._expect(patient, Step.AT_PATIENT, call, unit)
        if draw(*key, "transport") >= _HOSPITAL_SHARE:
            self._expect(later(patient, 420, 1_200, "treated"), Step.AVAILABLE, call, unit)
            return
        leaving = later(patient, 360, 1_020, "loading")
        hospital = self._hospital(call.place)
        reached = leaving + timedelta(seconds=round(travel_seconds(call.place, hospital, leaving)))
        handed = later(reached, 360, 1_200, "handover")
        self._expect(leaving, Step.TRANSPORTING, call, unit)
        self._expect(reached, Step.AT_HOSPITAL, call, unit)
        self._expect(handed, Step.HANDED_OVER, call, unit)
        self._expect(later(handed, 60, 420, "cleaning"), Step.AVAILABLE, call, unit)

    def _hospital(self, place: Position) -> Position:
        return min(self._hospitals, key=lambda hospital: road_km(place, hospital))

    def _happen(self, due: _Due) -> Happening:
        call, unit = due.call, due.unit
        if due.step is Step.CALL_RECEIVED:
            entered = due.at + timedelta(seconds=round(between(15, 70, self._seed, call.id, "entry")))
            self._expect(entered, Step.CALL_ENTERED, call, None)
        timeline = self._timelines.setdefault(call.id, {})
        timeline[f"{due.step}_at"] = due.at
        known = dict(timeline)
        if unit is not None:
            self._move(unit, due)
        if due.step is Step.AVAILABLE:
            del self._timelines[call.id]
        device = self._district.dispatch.id if unit is None else unit.id
        fields = {
            **self._head(device),
            "incident_id": call.id,
            "step": due.step,
            "call_type": call.call_type,
            "priority": call.priority,
            "street": call.street,
            "longitude": call.place.longitude,
            "latitude": call.place.latitude,
            **known,
        }
        if unit is not None:
            fields |= {"unit_id": unit.id, "unit_type": UNIT_TYPE, "unit_state": unit.state}
        return Happening(device, due.at, fields)

    def _move(self, unit: Unit, due: _Due) -> None:
        unit.state = _STATES[due.step]
        match due.step:
            case Step.RESPONDING:
                seconds = travel_seconds(unit.position(due.at), due.call.place, due.at)
                unit.drive(due.call.place, due.at, due.at + timedelta(seconds=seconds))
            case Step.TRANSPORTING:
                hospital = self._hospital(due.call.place)
                seconds = travel_seconds(due.call.place, hospital, due.at)
                unit.drive(hospital, due.at, due.at + timedelta(seconds=seconds))
            case Step.AVAILABLE:
                seconds = travel_seconds(unit.position(due.at), unit.home, due.at)
                unit.drive(unit.home, due.at, due.at + timedelta(seconds=seconds))
            case _:
                return
