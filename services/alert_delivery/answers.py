"""What a subscriber's answer means, and when an event is tried again. Pure: time and chance are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

_AGAIN_4XX: Final = frozenset({408, 425, 429})
"""Request Timeout, Too Early, Too Many Requests: the same request may be taken later."""
_GONE: Final = 410
_DOUBLINGS_MAX: Final = 30
GRACE: Final = timedelta(hours=1)
"""Nothing is given up before the subscriber was in trouble for so long, however old the event is."""


class Verdict(StrEnum):
    """What an answer means for the event."""

    DELIVERED = "delivered"
    AGAIN = "again"
    """No answer, or one that may be better next time."""
    REFUSED = "refused"
    """It will not change: a redirect, which is never followed, or a fault that the subscriber finds in the request."""
    GONE = "gone"
    """The subscriber wants nothing any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one attempt."""

    status: int | None
    """None: no whole answer came."""
    asked: timedelta | None = None
    """How long the subscriber wants to be left alone (`Retry-After`)."""
    detail: str = ""
    """What went wrong, for people."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patiently an event is tried again."""

    first: timedelta = timedelta(seconds=1)
    """Bound of the wait after the first failure; doubles up to `longest`."""
    longest: timedelta = timedelta(minutes=5)
    asked_longest: timedelta = timedelta(hours=1)
    """A subscriber that asks for more rest than this gets so much."""


def judge(status: int | None) -> Verdict:
    """What an answer of this HTTP status means; None: there was no answer."""
    if status is None or status >= 500 or status in _AGAIN_4XX:
        return Verdict.AGAIN
    if 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if status == _GONE else Verdict.REFUSED


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read `Retry-After` (RFC 9110, 10.2.3): seconds or an HTTP date; what is neither says nothing."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:12]), 10**9))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(timedelta(), at - now)


def wait_before_next(policy: RetryPolicy, attempts: int, chance: float, asked: timedelta | None) -> timedelta:
    """How long to wait after the last of so many attempts: exponential with full jitter, and what was asked for.

    Args:
        attempts: Failed attempts so far, at least 1.
        chance: From 0 to 1.
    """
    bound: timedelta = min(policy.longest, policy.first * int(2 ** min(attempts - 1, _DOUBLINGS_MAX)))
    return max(bound * chance, min(asked or timedelta(), policy.asked_longest))


def is_given_up(recorded_at: datetime, failing_since: datetime | None, now: datetime, give_up_after: timedelta) -> bool:
    """Whether an event has been tried for as long as the subscription says.

    Args:
        recorded_at: When it came to Kafka.
        failing_since: Since when this event, or every event of the subscriber, fails; None: nothing has failed.
        give_up_after: Of the subscription.
    """
    if failing_since is None or now < recorded_at + give_up_after:
        return False
    return now >= failing_since + min(give_up_after, GRACE)
