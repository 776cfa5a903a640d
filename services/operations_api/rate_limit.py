"""How often somebody may ask: a bucket of tokens each, filled in the run of time. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MOST_BUCKETS: Final = 10_000
"""Those asked least recently are forgotten; whoever is forgotten begins with a full bucket."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What somebody may do."""

    per_second: float
    """In the long run."""
    burst: float
    """At once, after a silence."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimit:
    """Buckets by name, all of the same rate."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_for(self, name: str, now: float, *, tokens: float = 1.0) -> float:
        """Take tokens from a bucket; 0 when they were there, else the seconds until they are (none is taken then).

        Args:
            now: Seconds of a clock that only goes forward.
        """
        bucket = self._filled(name, now)
        if bucket.tokens >= tokens:
            bucket.tokens -= tokens
            return 0.0
        return (tokens - bucket.tokens) / self.rate.per_second

    def is_empty(self, name: str, now: float) -> bool:
        """Whether a bucket has not one token, without taking any."""
        return self._filled(name, now).tokens < 1.0

    def _filled(self, name: str, now: float) -> _Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(self.rate.burst, now)
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
            bucket.tokens = min(self.rate.burst, bucket.tokens + (now - bucket.at) * self.rate.per_second)
            bucket.at = now
        return bucket
