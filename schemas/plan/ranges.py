"""What a figure of a document can be: by its unit, and for dates and durations. Pure.

A unit is what stands before the first ` (`: `class (1=I .. 5=V)` is the unit `class`. Of a unit that is not in the
vocabulary only this is asked: a finite number that a double holds to the whole digit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AwareDatetime, Field

from schemas.plan.errors import Location

DAY_SECONDS: Final = 86_400
YEAR_SECONDS: Final = 366 * DAY_SECONDS
"""The longest duration that a document may name."""
LATENESS_SECONDS_MAX: Final = 60 * DAY_SECONDS
"""The longest bound for late readings: all that lies within it is kept."""

Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))]
"""A day on which something can be in force."""
Instant = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), le=datetime(2199, 12, 31, tzinfo=UTC))]
"""A moment that a document may name."""
Seconds = Annotated[float, Field(ge=0, le=YEAR_SECONDS)]
"""A duration that may be none."""
WholeSeconds = Annotated[int, Field(ge=1, le=YEAR_SECONDS)]
"""A duration that is one."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole."""


class Range(NamedTuple):
    """What a figure can be, ends included."""

    what: str
    """A duration, a count ..."""
    low: float
    high: float


_ANY: Final = Range("a figure", -1e15, 1e15)
_COUNT: Final = Range("a count", 0, 1e12)
_DISTANCE: Final = Range("a distance", 0, 1e9)
_AREA: Final = Range("an area", 0, 1e12)
_SHARE: Final = Range("a share", 0, 1)
_MONEY: Final = Range("an amount", 0, 1e15)
_CONTENT: Final = Range("a content", 0, 1e9)

RANGES: Final = MappingProxyType(
    {
        "s": Range("a duration", 0, YEAR_SECONDS),
        "min": Range("a duration", 0, YEAR_SECONDS / 60),
        "h": Range("a duration", 0, YEAR_SECONDS / 3_600),
        "d": Range("a duration", 0, YEAR_SECONDS / DAY_SECONDS),
        "sampling intervals": Range("a duration", 0, 1e6),
        **dict.fromkeys(
            ("count", "buildings", "entries", "free spaces", "marks", "people", "posts/10k residents", "readings"),
            _COUNT,
        ),
        **dict.fromkeys(("m", "km"), _DISTANCE),
        **dict.fromkeys(("m2", "km2", "mu", "ha"), _AREA),
        **dict.fromkeys(("1", "times"), Range("a ratio", 0, 1e6)),
        "%": Range("a percentage", 0, 1e4),
        "class": Range("a class", 1, 6),
        **dict.fromkeys(("CNY", "CNY/year", "USD"), _MONEY),
        **dict.fromkeys(("mg/L", "ug/L", "1/L", "uS/cm", "NTU"), _CONTENT),
        "km/h": Range("a speed", 0, 1e3),
        "kW": Range("a power", 0, 1e9),
        "kWh": Range("an energy", 0, 1e12),
        "Cel": Range("a temperature or a difference of two", -273.15, 1e4),
    }
)
"""Units that are known. A share of something (`share of residents`) lies between 0 and 1."""


def range_of(unit: str) -> Range:
    """What a figure of a unit can be."""
    word = unit.partition(" (")[0]
    return _SHARE if word.split(" ")[0] == "share" else RANGES.get(word, _ANY)


def out_of_range(value: float, unit: str) -> str | None:
    """Why a figure cannot be; None when it can."""
    what, low, high = range_of(unit)
    if low <= value <= high:
        return None
    figure = f"{_text(value)} {unit.partition(' (')[0]}".rstrip()
    return f"{figure} cannot be: {what} lies between {_text(low)} and {_text(high)}"


def _text(value: float) -> str:
    return f"{value:,.15g}" if abs(value) < _LONG else f"{'-' if value < 0 else ''}a number beyond 1e+300"


_LONG: Final = 1e300


def odd_values(node: Any, place: Location = ()) -> Iterator[tuple[Location, str]]:
    """Values of settings that no feed can mean and that JSON does not carry to the processors as they are."""
    match node:
        case dict():
            for key, value in node.items():
                yield from odd_values(value, (*place, str(key)))
        case list() | tuple():
            for n, value in enumerate(node):
                yield from odd_values(value, (*place, n))
        case bool() | str() | None:
            pass
        case int() | float():
            if (reason := out_of_range(node, "")) is not None:
                yield place, reason
        case _:
            yield place, f"{node} is neither text nor a number nor true or false"
