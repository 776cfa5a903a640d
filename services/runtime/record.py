"""A record as the Kafka client gives it: the seam between reading a log and what is made of its records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Record(Protocol):
    """What a reader uses of a record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since 1970."""
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
