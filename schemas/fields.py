"""Field types that every contract shares: identifiers, times, lanes, quality."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""No measurement of this platform is older; an earlier time is a broken clock or a masked year."""

LIVE: Final = "live"
"""The lane of real life; every other lane is named `exercise:`, `replay:` or `whatif:`."""


class _UtcTime:
    """Pydantic marker: an aware time whose offset is zero, checked without running Python."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.datetime_schema(tz_constraint=0, ge=EARLIEST, strict=True)


UtcTime = Annotated[datetime, _UtcTime()]
"""RFC 3339 text with offset zero (`Z` or `+00:00`), not before 2000-01-01; never naive, never a bare number."""

Identifier = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A device, group, boot or asset id: letters, digits, `.`, `_`, `-`; at most 64 characters; safe in every topic."""

LANE_PATTERN: Final = r"^(live|(exercise|replay|whatif):[a-z0-9][a-z0-9._-]{0,62})$"

Lane = Annotated[str, Field(max_length=80, pattern=LANE_PATTERN)]
"""`live`, `exercise:<name>`, `replay:<name>` or `whatif:<name>`; each lane has its own clock, state and alerts."""

Text = Annotated[str, Field(max_length=200)]
"""Short text for people (a name, a street); at most 200 characters."""

Longitude = Annotated[float, Field(ge=-180, le=180)]
"""Degrees east, WGS-84 (not GCJ-02, not BD-09)."""

Latitude = Annotated[float, Field(ge=-90, le=90)]
"""Degrees north, WGS-84 (not GCJ-02, not BD-09)."""

CONTRACT = ConfigDict(
    strict=True,
    frozen=True,
    extra="forbid",
    allow_inf_nan=False,
    use_attribute_docstrings=True,
)
"""The configuration of every model in this package: strict types, no unknown field, no NaN."""


class Feed(StrEnum):
    """The five feeds; the same word is the module, topic, table, dashboard and test."""

    EV = "ev"
    WATER = "water"
    PARKING = "parking"
    EMERGENCY = "emergency"
    TAX = "tax"


class Quality(StrEnum):
    """How far a reading can be trusted, as its sender says. Modelled on the data flags of HJ 212-2017, table 8."""

    GOOD = "good"
    """Normal operation (flag N)."""
    MAINTENANCE = "maintenance"
    """Measured while the station was being serviced (flag M)."""
    STOPPED = "stopped"
    """The station was shut down (flag F)."""
    CALIBRATING = "calibrating"
    """Measured during calibration (flag C)."""
    FAULT = "fault"
    """The instrument reports a fault (flag D)."""
    NO_CONTACT = "no_contact"
    """The logger had lost its instrument (flag B)."""
    OVER_RANGE = "over_range"
    """Beyond the measuring range (flag T)."""
    MANUAL = "manual"
    """Entered by hand (flag S)."""
    UNCERTAIN = "uncertain"
    """None of the above; `quality_codes` say what is in doubt."""


FUTURE_TOLERANCE: Final = timedelta(minutes=5)
"""A reading dated further ahead of the platform's clock is marked `future_time` and moves no time."""


class QualityCode(StrEnum):
    """What exactly is in doubt about a reading; stored beside it, never a reason to drop it."""

    FREE_NEGATIVE = "free_negative"
    """A car park reports fewer than zero free spaces."""
    FREE_ABOVE_CAPACITY = "free_above_capacity"
    """A car park reports more free spaces than it has."""
    STEPS_OUT_OF_ORDER = "steps_out_of_order"
    """A step of a unit's timeline is earlier than the step that must come before it."""
    STATUS_MISMATCH = "status_mismatch"
    """The connector state does not follow from the vendor's word by the mapping of its vocabulary."""
    WRONG_SIGN = "wrong_sign"
    """A tax refund whose amount is not negative, or a payment whose amount is."""
    FUTURE_TIME = "future_time"
    """Dated ahead of the platform's clock when it arrived."""
    YEAR_RESTORED = "year_restored"
    """The source masks the century (0014 for 2014); the sender put it back."""
    YEAR_INFERRED = "year_inferred"
    """The source gives month and day only; the sender took the year from the file."""
    ZONE_ASSUMED = "zone_assumed"
    """The source names no time zone; the sender took the times as they stand for UTC."""
    VALUE_PLACEHOLDER = "value_placeholder"
    """The source shows a placeholder (`--`, `*`) where a value belongs; the value is missing."""
