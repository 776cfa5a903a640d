"""What the rules need of a reading, as it stands in the window of its key. Pure.

    position report   (step, unit, state, place)
    step of a call    (step, unit, state, place, unit_type, street, times)

Step, unit and state are words or None, the place is (longitude, latitude), times are microseconds or None in the order
received, entered, dispatched, on scene, available.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.emergency import STEPS_AFTER, STEPS_BEFORE, EmergencyReading, Step
from services.stream_processors.emergency.calls import Told
from services.stream_processors.emergency.units import Sighting
from services.stream_processors.engine.event_time import span_us, to_us
from services.stream_processors.engine.feed_rules import Entry

REPORT: Final = 4
"""Length of the payload of a position report."""

_LAST_YEAR: Final = 9_998
"""The months and days after a reading must exist."""
_BEFORE_US: Final = span_us(STEPS_BEFORE)
_AFTER_US: Final = span_us(STEPS_AFTER)


def payload_of(reading: EmergencyReading) -> tuple[str, tuple[Any, ...]] | None:
    """The call (or the unit) and the payload of a reading."""
    if reading.observed_at.year > _LAST_YEAR:
        return None
    unit = reading.unit_id
    place = None if reading.longitude is None or reading.latitude is None else (reading.longitude, reading.latitude)
    state = None if reading.unit_state is None else reading.unit_state.value
    if reading.incident_id is None:
        return (unit or reading.device_id), (None, unit, state, place)
    times = tuple(
        None if at is None else to_us(at)
        for at in (
            reading.call_received_at,
            reading.call_entered_at,
            reading.dispatched_at,
            reading.on_scene_at,
            reading.available_at,
        )
    )
    step = None if reading.step is None else reading.step.value
    return reading.incident_id, (step, unit, state, place, reading.unit_type, reading.street, times)


def sighting_of(entry: Entry) -> Sighting:
    """What a reading tells of its unit."""
    step, unit, state, place = entry.payload[:REPORT]
    return Sighting(*entry[:4], entry.offset, unit, step, state, place)


def told_of(entry: Entry, *, counts: Callable[[str | None], bool], from_entry: bool) -> tuple[int | None, Told]:
    """Start of the clock of a call, and what a step tells of it; times that cannot be are as if not told.

    Args:
        counts: Whether the arrival of a unit of some type stops the clock.
        from_entry: The clock runs from the entry of the call and not from its receipt.
    """
    step, unit, _, _, unit_type, street, times = entry.payload
    received, entered, dispatched, on_scene, available = [_near(at, entry.at_us) for at in times]
    closes = unit is None and step == Step.AVAILABLE
    scene = on_scene if on_scene is not None and counts(unit_type) else None
    told = Told(entry.at_us, entry.offset, unit, street, dispatched or on_scene, scene, available, closes)
    return (entered if from_entry else received), told


def _near(at_us: int | None, told_us: int) -> int | None:
    """A time as the contract allows it; a window kept by an earlier release may hold others."""
    return at_us if at_us is not None and -_BEFORE_US <= at_us - told_us <= _AFTER_US else None
