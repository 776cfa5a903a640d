"""Readings of emergency medicine: the steps of an incident and the units that answer it (reference, section 7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from schemas.envelope import Envelope
from schemas.fields import (
    NO_CONTROL_CHARACTER,
    Feed,
    Identifier,
    Latitude,
    Longitude,
    QualityCode,
    Text,
    UtcTime,
    Word,
)

STEPS_BEFORE: Final = timedelta(days=31)
"""No step lies longer before the reading that tells it: the longest incidents (floods, large fires) last weeks."""

STEPS_AFTER: Final = timedelta(days=1)
"""No step lies later than this after the reading that tells it; some centres enter expected times, none a year 9999."""


class Step(StrEnum):
    """Steps of an incident in the order in which they must happen."""

    CALL_RECEIVED = "call_received"
    CALL_ENTERED = "call_entered"
    """Address and priority determined."""
    DISPATCHED = "dispatched"
    """The unit was assigned."""
    RESPONDING = "responding"
    """Wheels rolling."""
    ON_SCENE = "on_scene"
    AT_PATIENT = "at_patient"
    TRANSPORTING = "transporting"
    """Left the scene for the hospital."""
    AT_HOSPITAL = "at_hospital"
    HANDED_OVER = "handed_over"
    AVAILABLE = "available"
    """The unit is clear; without a unit: the dispatch centre closes the call."""


class UnitState(StrEnum):
    """What a unit is doing, whether or not it has an incident."""

    AVAILABLE = "available"
    DISPATCHED = "dispatched"
    RESPONDING = "responding"
    ON_SCENE = "on_scene"
    TRANSPORTING = "transporting"
    AT_HOSPITAL = "at_hospital"
    OUT_OF_SERVICE = "out_of_service"


class EmergencyReading(Envelope):
    """One step of an incident, or one position report of a unit; `group_id` is the district.

    A step carries the timeline known so far, so that each reading can be understood alone and their order of
    arrival does not matter. `observed_at` is the time of `step`; no time of the timeline lies more than 31 days before
    it or a day after it.
    """

    feed: Literal[Feed.EMERGENCY]
    incident_id: Identifier | None = None
    """The call; null in a position report of a free unit."""
    unit_id: Identifier | None = None
    """The unit; null for a step that concerns the call alone."""
    unit_type: Word | None = None
    """The dispatch centre's own word for the kind of unit."""
    unit_state: UnitState | None = None
    step: Step | None = None
    """Null in a position report."""
    call_type: Text | None = None
    priority: Annotated[str, Field(max_length=20, pattern=NO_CONTROL_CHARACTER)] | None = None
    street: Text | None = None
    """Street or postal area of the incident."""
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    call_received_at: UtcTime | None = None
    call_entered_at: UtcTime | None = None
    dispatched_at: UtcTime | None = None
    responding_at: UtcTime | None = None
    on_scene_at: UtcTime | None = None
    at_patient_at: UtcTime | None = None
    transporting_at: UtcTime | None = None
    at_hospital_at: UtcTime | None = None
    handed_over_at: UtcTime | None = None
    available_at: UtcTime | None = None

    @model_validator(mode="after")
    def _steps_near(self) -> EmergencyReading:
        if _TIMELINE_SET.isdisjoint(self.__pydantic_fields_set__):
            return self
        for name, at in zip(_TIMELINE, self._timeline(), strict=True):
            if at is not None and not -STEPS_BEFORE <= at - self.observed_at <= STEPS_AFTER:
                raise ValueError(f"{name} lies more than 31 days before observed_at, or more than a day after it")
        return self

    def doubts(self) -> tuple[QualityCode, ...]:
        """The steps known must be in their order."""
        known = [at for at in self._timeline() if at is not None]
        if any(later < earlier for earlier, later in pairwise(known)):
            return (QualityCode.STEPS_OUT_OF_ORDER,)
        return ()

    def _timeline(self) -> tuple[datetime | None, ...]:
        return (
            self.call_received_at,
            self.call_entered_at,
            self.dispatched_at,
            self.responding_at,
            self.on_scene_at,
            self.at_patient_at,
            self.transporting_at,
            self.at_hospital_at,
            self.handed_over_at,
            self.available_at,
        )


_TIMELINE: Final = tuple(f"{step}_at" for step in Step)
_TIMELINE_SET: Final = frozenset(_TIMELINE)
