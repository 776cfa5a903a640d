"""Readings of charging connectors, with the vendors' words mapped to one vocabulary (OCPP, OCPI, T/CEC 102)."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.envelope import Envelope
from schemas.fields import Feed, Identifier, QualityCode, Text, Word


class ConnectorState(StrEnum):
    """State of one connector in this platform's own words."""

    IDLE = "idle"
    """Free: a vehicle could start charging now."""
    PLUGGED = "plugged"
    """A vehicle is connected, no energy flows."""
    CHARGING = "charging"
    """Energy flows."""
    RESERVED = "reserved"
    OUT_OF_SERVICE = "out_of_service"
    """Not offered just now, but not broken."""
    FAULT = "fault"
    NO_CONTACT = "no_contact"
    """The platform of the operator has lost the charger."""


class StatusVocabulary(StrEnum):
    """Where the vendor's word comes from."""

    OCPP_1_6 = "ocpp1.6"
    OCPP_2_0_1 = "ocpp2.0.1"
    OCPI_2_2_1 = "ocpi2.2.1"
    TCEC_102 = "tcec102"


class ErrorCode(StrEnum):
    """`errorCode` of OCPP 1.6 StatusNotification; `NoError` when healthy."""

    NO_ERROR = "NoError"
    CONNECTOR_LOCK_FAILURE = "ConnectorLockFailure"
    EV_COMMUNICATION_ERROR = "EVCommunicationError"
    GROUND_FAILURE = "GroundFailure"
    HIGH_TEMPERATURE = "HighTemperature"
    INTERNAL_ERROR = "InternalError"
    LOCAL_LIST_CONFLICT = "LocalListConflict"
    OTHER_ERROR = "OtherError"
    OVER_CURRENT_FAILURE = "OverCurrentFailure"
    OVER_VOLTAGE = "OverVoltage"
    POWER_METER_FAILURE = "PowerMeterFailure"
    POWER_SWITCH_FAILURE = "PowerSwitchFailure"
    READER_FAILURE = "ReaderFailure"
    RESET_FAILURE = "ResetFailure"
    UNDER_VOLTAGE = "UnderVoltage"
    WEAK_SIGNAL = "WeakSignal"


class EvContext(StrEnum):
    """Why the reading was sent (the contexts of OCPP meter values, and status notifications)."""

    STATUS = "status"
    PERIODIC = "sample_periodic"
    CLOCK = "sample_clock"
    BEGIN = "transaction_begin"
    END = "transaction_end"


_S = ConnectorState
STATES: Final = MappingProxyType(
    {
        StatusVocabulary.OCPP_1_6: MappingProxyType(
            {
                "Available": _S.IDLE,
                "Preparing": _S.PLUGGED,
                "SuspendedEV": _S.PLUGGED,
                "SuspendedEVSE": _S.PLUGGED,
                "Finishing": _S.PLUGGED,
                "Charging": _S.CHARGING,
                "Reserved": _S.RESERVED,
                "Unavailable": _S.OUT_OF_SERVICE,
                "Faulted": _S.FAULT,
            }
        ),
        StatusVocabulary.OCPP_2_0_1: MappingProxyType(
            {
                "Available": _S.IDLE,
                "Occupied": _S.PLUGGED,
                "Reserved": _S.RESERVED,
                "Unavailable": _S.OUT_OF_SERVICE,
                "Faulted": _S.FAULT,
            }
        ),
        StatusVocabulary.OCPI_2_2_1: MappingProxyType(
            {
                "AVAILABLE": _S.IDLE,
                "BLOCKED": _S.PLUGGED,
                "CHARGING": _S.CHARGING,
                "RESERVED": _S.RESERVED,
                "INOPERATIVE": _S.OUT_OF_SERVICE,
                "PLANNED": _S.OUT_OF_SERVICE,
                "REMOVED": _S.OUT_OF_SERVICE,
                "OUTOFORDER": _S.FAULT,
                "UNKNOWN": _S.NO_CONTACT,
            }
        ),
        StatusVocabulary.TCEC_102: MappingProxyType(
            {
                "0": _S.NO_CONTACT,
                "1": _S.IDLE,
                "2": _S.PLUGGED,
                "3": _S.CHARGING,
                "4": _S.RESERVED,
                "255": _S.FAULT,
            }
        ),
    }
)
"""Vendor's word to our word (reference: OCPP 1.6 and 2.0.1 schemas, OCPI 2.2.1 mod_locations, T/CEC 102
ConnectorStatusInfo). OCPP 2.0.1 says `Occupied` for charging too: energy flow (`power_kw` above 0) tells them apart."""


@lru_cache(1_024)
def states_for(vocabulary: StatusVocabulary, word: str) -> frozenset[ConnectorState]:
    """The states that a vendor's word can stand for; empty when the vocabulary does not know the word."""
    state = STATES[vocabulary].get(word)
    if state is None:
        return frozenset()
    if vocabulary is StatusVocabulary.OCPP_2_0_1 and word == "Occupied":
        return frozenset((ConnectorState.PLUGGED, ConnectorState.CHARGING))
    return frozenset((state,))


class EvReading(Envelope):
    """State and meter of one connector; `group_id` is the charging site, `device_id` the connector."""

    feed: Literal[Feed.EV]
    context: EvContext
    status: ConnectorState
    """State in this platform's words."""
    status_vocabulary: StatusVocabulary | None = None
    """Vocabulary of `status_word`."""
    status_word: Word | None = None
    """The vendor's own word."""
    error_code: ErrorCode = ErrorCode.NO_ERROR
    rated_power_kw: Annotated[float, Field(gt=0, le=5_000)] | None = None
    """What the connector can deliver, kW."""
    power_kw: Annotated[float, Field(ge=-5_000, le=5_000)] | None = None
    """Power just now, kW; negative when the vehicle feeds back."""
    energy_register_kwh: Annotated[float, Field(ge=0, le=1e9)] | None = None
    """Meter reading (Energy.Active.Import.Register), kWh."""
    session_id: Identifier | None = None
    session_energy_kwh: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """Energy of the session so far, kWh."""
    voltage_v: Annotated[float, Field(ge=0, le=2_000)] | None = None
    current_a: Annotated[float, Field(ge=-2_000, le=2_000)] | None = None
    soc_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """State of charge of the vehicle's battery, percent."""
    site_name: Text | None = None
    """Name for people."""

    def doubts(self) -> tuple[QualityCode, ...]:
        """The vendor's word must map to the state given."""
        if self.status_vocabulary is None or self.status_word is None:
            return ()
        if self.status in states_for(self.status_vocabulary, self.status_word):
            return ()
        return (QualityCode.STATUS_MISMATCH,)
