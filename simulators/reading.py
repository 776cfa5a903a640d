"""Readings as the bytes that devices send. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson


def utc_text(at: datetime) -> str:
    """Write a time as the contracts want it: offset zero, microseconds only where there are some."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def reading_bytes(fields: Mapping[str, Any], *, boot_id: str, seq: int, at: datetime) -> bytes:
    """Write one reading: a model's fields in the envelope; fields without a value are left out."""
    known = {
        name: utc_text(value) if isinstance(value, datetime) else value
        for name, value in fields.items()
        if value is not None
    }
    return orjson.dumps({**known, "boot_id": boot_id, "seq": seq, "observed_at": utc_text(at)})


def message_bytes(readings: Sequence[bytes]) -> bytes:
    """Write one message: a reading as an object, several as an array."""
    return readings[0] if len(readings) == 1 else b"[" + b",".join(readings) + b"]"
