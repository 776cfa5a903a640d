"""Field types that every contract shares: identifiers, times, lanes, quality."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""No measurement of this platform is older; an earlier time is a broken clock or a masked year."""

LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""No clock of this platform runs further; a later time is a broken clock or stands for "never"."""

_ROOM: Final = timedelta(days=3_653)
"""What is reckoned from a time (the beginning of its month, a deadline) may lie so far outside."""

DISTRICT_ZONE: Final = timezone(timedelta(hours=8))
"""People of the district read its local time, which keeps this offset all year, and its days are what plans count in;
files, tables and records are in UTC."""

LIVE: Final = "live"
"""The lane of real life; every other lane is named `exercise:`, `replay:` or `whatif:`."""


class _UtcTime:
    """Pydantic marker: an aware time whose offset is zero and that lies within bounds, checked without running Python.

    JSON gives it as text that begins with its year: pydantic alone would take `"1416325226"` for seconds since 1970.
    """

    def __init__(self, earliest: datetime, latest: datetime) -> None:
        self._earliest, self._latest = earliest, latest

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.custom_error_schema(
            core_schema.str_schema(strict=True, pattern="^[0-9]{4}-"), "time_form", custom_error_message=_TIME_FORM
        )
        read, given = (
            core_schema.datetime_schema(tz_constraint=0, ge=self._earliest, le=self._latest, strict=strict)
            for strict in (False, True)
        )
        return core_schema.json_or_python_schema(core_schema.chain_schema([text, read]), given)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


_TIME_FORM: Final = "Input should be RFC 3339 text with offset zero, as in 2026-07-01T12:00:00Z"

UtcTime = Annotated[datetime, _UtcTime(EARLIEST, LATEST)]
"""RFC 3339 text with offset zero (`Z` or `+00:00`), from 2000 to 2100; never naive, never a number, as text or bare."""

ReckonedTime = Annotated[datetime, _UtcTime(EARLIEST - _ROOM, LATEST + _ROOM)]
"""A time that the platform reckons from a `UtcTime`: the same form, with ten years of room on either side."""

Identifier = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A device, group, boot or asset id: letters, digits, `.`, `_`, `-`; at most 64 characters; safe in every topic."""

LANE_PATTERN: Final = r"^(live|(exercise|replay|whatif):[a-z0-9][a-z0-9._-]{0,62})$"

Lane = Annotated[str, Field(max_length=80, pattern=LANE_PATTERN)]
"""`live`, `exercise:<name>`, `replay:<name>` or `whatif:<name>`; each lane has its own clock, state and alerts."""

NO_CONTROL_CHARACTER: Final = r"^[^\x00-\x1F\x7F-\x9F]*$"
"""No NUL, which neither PostgreSQL nor a header holds, and nothing that a terminal would obey."""

Text = Annotated[str, Field(max_length=200, pattern=NO_CONTROL_CHARACTER)]
"""Short text for people (a name, a street); at most 200 characters, none of them a control character."""

Word = Annotated[str, Field(max_length=40, pattern=NO_CONTROL_CHARACTER)]
"""A word of somebody else's vocabulary, as it came; at most 40 characters, none of them a control character."""

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""A number of something, a place in a list, a revision: what an integer column holds."""

Offset = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A place in a log, or a number of records that goes on for ever: every JSON reader keeps it exactly."""

Figure = Annotated[float, Field(ge=-1e30, le=1e30)]
"""A value that was reckoned: sums and squares of such are still finite."""

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
    BELOW_DETECTION = "below_detection"
    """An item is below the limit of detection of its method; half of that limit stands in its place, as the rule of
    环办监测函〔2020〕82号 wants it for calculations."""
    VALUE_PLACEHOLDER = "value_placeholder"
    """The source shows a placeholder (`--`, `*`) where a value belongs; the value is missing."""
