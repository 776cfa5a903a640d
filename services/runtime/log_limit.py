"""A bound on what a service logs: an outage repeats the same sentence, its first ones and their number are enough.

Records that say the same thing (one logger, level and `action`, or one text but for its numbers) share a bucket. What
is held back is counted, and the count is said with the next record of its kind, or on its own after a while. The bound
holds for libraries as well: a client that reconnects ten times a second logs each try.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

_NUMBERS: Final = re.compile(r"0x[0-9a-fA-F]+|\d+")
_KEY_CHARACTERS: Final = 120


@dataclass(frozen=True, slots=True)
class LogLimit:
    """How much of one kind is logged."""

    burst: int = 20
    """So many at once; the kind has been quiet before."""
    every_seconds: float = 10.0
    """Then one in so many seconds."""
    kinds: int = 200
    """Kinds that are told apart; all others share one bucket."""


class _Bucket:
    """What one kind may still log, and what of it was held back."""

    __slots__ = ("held", "since", "spent_until", "what")

    def __init__(self, now: float, what: str) -> None:
        self.spent_until = now
        """Until then its share is spent; a burst lies so far ahead of now."""
        self.held = 0
        self.since = now
        self.what = what


@dataclass(frozen=True, slots=True)
class Held:
    """Records of one kind that were held back."""

    what: str
    """What they said, as their kind has it."""
    count: int
    seconds: float
    """Since the first of them."""


class LogLimiter:
    """Decides record by record; time is monotonic seconds."""

    def __init__(self, limit: LogLimit) -> None:
        self._limit = limit
        self._buckets: dict[str, _Bucket] = {}

    def take(self, kind: str, now: float) -> int | None:
        """Take in one record; None: hold it back; else log it, after so many of its kind that were held back."""
        bucket, limit = self._bucket(kind, now), self._limit
        spent_until = max(bucket.spent_until, now) + limit.every_seconds
        if spent_until - now > limit.burst * limit.every_seconds:
            if not bucket.held:
                bucket.since = now
            bucket.held += 1
            return None
        bucket.spent_until = spent_until
        held, bucket.held = bucket.held, 0
        return held

    def overdue(self, now: float, *, seconds: float) -> list[Held]:
        """What has been held back for so long and is not said yet; it counts as said from now on."""
        found = []
        for bucket in self._buckets.values():
            if bucket.held and now - bucket.since >= seconds:
                found.append(Held(bucket.what, bucket.held, now - bucket.since))
                bucket.held = 0
        return found

    def _bucket(self, kind: str, now: float) -> _Bucket:
        bucket = self._buckets.get(kind)
        if bucket is None:
            kind = kind if len(self._buckets) < self._limit.kinds else "all others"
            bucket = self._buckets.setdefault(kind, _Bucket(now, kind))
        return bucket


def kind_of(record: logging.LogRecord) -> str:
    """Name what a record says: its `action` where it has one, else its text before anything was put into it."""
    message: Any = record.msg
    text = message.get("action") or message.get("event", "") if isinstance(message, Mapping) else message
    return f"{record.name} {record.levelname.lower()} {_NUMBERS.sub('#', str(text))[:_KEY_CHARACTERS]}"


class LimitFilter(logging.Filter):
    """Holds back, on its way to the handler, what has been said often enough."""

    def __init__(self, limit: LogLimit, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._limiter = LogLimiter(limit)
        self._clock = clock

    def filter(self, record: logging.LogRecord) -> bool:
        """Pass the record on, with the number of those before it that were not, or hold it back."""
        held = self._limiter.take(kind_of(record), self._clock())
        if held is None:
            return False
        if held and isinstance(record.msg, dict):
            record.msg = {**record.msg, "held_back": held}
        elif held:
            record.msg = f"{record.msg} (and {held} more like this, held back)"
        return True

    def say_overdue(self, *, seconds: float) -> None:
        """Log what has been held back for some time, kind by kind."""
        for held in self._limiter.overdue(self._clock(), seconds=seconds):
            structlog.stdlib.get_logger(__name__).warning(
                "more of the same was held back",
                action="held_back",
                what=held.what,
                held_back=held.count,
                seconds=round(held.seconds),
            )
