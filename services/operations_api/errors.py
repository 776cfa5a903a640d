"""What the API answers when it cannot do what was asked.

    ProblemError               answered as `application/problem+json` (RFC 9457); `problems` turns it into a response
    ├── NotKnown               401: no key, or one that is wrong, revoked or over
    ├── NotAllowed             403: the role may not, or a page of somebody else asks
    ├── NotThere               404
    ├── Overtaken              409: somebody else acted first; carries the alert as it now stands
    ├── AnotherUse             422: an idempotency key that stands for another action
    ├── NotUsable              422: a wish that contradicts what is there
    ├── TooMany                429: wait and come again
    └── NotNow                 503: Kafka or the database does not answer; wait and come again

None of them stops the service. `services.runtime.errors` has those that do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ProblemError(Exception):
    """What happened, to what, and what to do; never holds what the asker may not see."""

    status: ClassVar[int]
    kind: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self, detail: str, *, more: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.more = dict(more or {})
        self.headers = dict(headers or {})


class NotKnown(ProblemError):
    """Nobody knows who asks."""

    status = 401
    kind = "not-known"
    title = "Not known"


class NotAllowed(ProblemError):
    """Whoever asks may not."""

    status = 403
    kind = "not-allowed"
    title = "Not allowed"


class NotThere(ProblemError):
    """There is no such thing."""

    status = 404
    kind = "not-there"
    title = "Not there"


class Overtaken(ProblemError):
    """Somebody else acted first; nothing was changed."""

    status = 409
    kind = "overtaken"
    title = "Somebody else acted first"


class AnotherUse(ProblemError):
    """The idempotency key was used for another action."""

    status = 422
    kind = "another-use"
    title = "The key stands for another action"


class NotUsable(ProblemError):
    """The request contradicts what is there."""

    status = 422
    kind = "not-usable"
    title = "Not usable"


class TooMany(ProblemError):
    """More than one may ask; `Retry-After` says when to come again."""

    status = 429
    kind = "too-many"
    title = "Too many requests"


class NotNow(ProblemError):
    """A server behind the API does not answer."""

    status = 503
    kind = "not-now"
    title = "Not now"
