"""Event time as whole microseconds since 1970 (UTC): what the engine's state and its comparisons use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

MICROSECONDS: Final = 1_000_000
"""Microseconds of a second."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US: Final = 86_400 * MICROSECONDS
_LOCAL_OFFSET_US: Final = 8 * 3_600 * MICROSECONDS
"""Local time is UTC+08:00, always; never a named zone."""


def to_us(at: datetime) -> int:
    """Microseconds of an aware time, exact."""
    since = at - _EPOCH
    return since.days * _DAY_US + since.seconds * MICROSECONDS + since.microseconds


def from_us(at_us: int) -> datetime:
    """The aware UTC time of these microseconds."""
    return _EPOCH + timedelta(microseconds=at_us)


def iso(at_us: int) -> str:
    """RFC 3339 text with `Z`."""
    return from_us(at_us).isoformat().removesuffix("+00:00") + "Z"


def span_us(span: timedelta) -> int:
    """Microseconds of a duration, exact."""
    return span.days * _DAY_US + span.seconds * MICROSECONDS + span.microseconds


def local_text(at_us: int) -> str:
    """Minutes of local time for people, `2026-11-24 10:15`."""
    return (_EPOCH + timedelta(microseconds=at_us + _LOCAL_OFFSET_US)).strftime("%Y-%m-%d %H:%M")


def local_period_start(at_us: int, length_us: int) -> int:
    """Start of the period that holds `at_us`, periods being aligned to local midnight.

    Args:
        length_us: Length of a period; divides a day.
    """
    return (at_us + _LOCAL_OFFSET_US) // length_us * length_us - _LOCAL_OFFSET_US
