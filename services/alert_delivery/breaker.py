"""The circuit breaker of one subscriber. Pure: each step returns the breaker that comes next.

    closed ──failures in a row──▶ open ──its time is over──▶ half open: one probe ──┬─ success ─▶ closed
      ▲                            ▲                                                └─ failure ─▶ open, for longer
      └────────── any success      └─────────────────────────────────────────────────────────────┘

Beside it, a subscriber that asks for rest (`Retry-After`) is left alone until then, whatever its state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_DOUBLINGS_MAX: Final = 30


class BreakerState(StrEnum):
    """Whether the subscriber is spoken to."""

    CLOSED = "closed"
    OPEN = "open"
    """Not spoken to until a time."""
    HALF_OPEN = "half_open"
    """One event at a time may try."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When it opens, and for how long."""

    failures: int = 5
    """So many in a row open it."""
    first: timedelta = timedelta(seconds=2)
    """Bound of the first rest; doubles with each probe that fails, up to `longest`."""
    longest: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of one subscriber's answers."""

    failures: int = 0
    """In a row."""
    failing_since: datetime | None = None
    """The first failure since the last success."""
    opened: int = 0
    """How often it was opened since the last success."""
    open_until: datetime | None = None
    rests_until: datetime | None = None
    """What the subscriber has asked for."""

    def state(self, now: datetime) -> BreakerState:
        """How it stands."""
        if self.rests_until is not None and now < self.rests_until:
            return BreakerState.OPEN
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN

    def until(self) -> datetime | None:
        """When it is worth to look again; None when it is closed."""
        return max((at for at in (self.open_until, self.rests_until) if at is not None), default=None)


CLOSED: Final = Breaker()


def after_answer(breaker: Breaker, now: datetime) -> Breaker:
    """The subscriber has answered, be it with a refusal: it lives. A rest that it has asked for lasts all the same."""
    rests = breaker.rests_until is not None and now < breaker.rests_until
    return replace(CLOSED, rests_until=breaker.rests_until) if rests else CLOSED


def after_failure(breaker: Breaker, policy: BreakerPolicy, now: datetime, chance: float) -> Breaker:
    """An attempt has failed that may be better next time.

    Args:
        chance: From 0 to 1: the rest lasts from half of its bound to all of it, so that many do not probe at once.
    """
    counted = replace(breaker, failures=breaker.failures + 1, failing_since=breaker.failing_since or now)
    was_probe = breaker.open_until is not None and now >= breaker.open_until
    if not was_probe and (counted.failures < policy.failures or breaker.open_until is not None):
        return counted  # those that were under way when it opened change nothing
    bound = min(policy.longest, policy.first * 2 ** min(breaker.opened, _DOUBLINGS_MAX))
    return replace(counted, opened=breaker.opened + 1, open_until=now + bound * (0.5 + chance / 2))


def after_request_for_rest(breaker: Breaker, now: datetime, asked: timedelta) -> Breaker:
    """The subscriber lives and wants to be left alone for a while."""
    failing_since = breaker.failing_since or now
    return replace(breaker, failing_since=failing_since, rests_until=max(now + asked, breaker.rests_until or now))
