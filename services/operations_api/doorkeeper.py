"""Who asks, and whether they may: keys, sessions, rates, and the table of roles, in this order.

1. An address that showed too many wrong keys lately waits.
2. A key or a session's cookie says who asks; a key goes before a cookie.
3. Whoever asks too often waits; writes have a rate of their own.
4. The role has the permission, or not.
5. A write of a session carries its token and comes from our own page.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import structlog
from fastapi import Request

from schemas.api_key import ApiKey, ApiKeyRegister
from schemas.map_login import read_login
from services.operations_api.access import CSRF_HEADER, Principal
from services.operations_api.errors import NotAllowed, NotKnown, TooMany
from services.operations_api.keys import counts, holder_of
from services.operations_api.rate_limit import Rate, RateLimit
from services.operations_api.roles import Permission, may, roles_with
from services.operations_api.sessions import Session, Sessions, is_own
from services.operations_api.used_tokens import UsedTokens
from services.runtime import metrics

log = structlog.stdlib.get_logger()

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="operations API"'}
_OURS: Final = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site` for what our own page, or nobody's page, asks."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one asker may do, and how many wrong keys one address may show."""

    reads: Rate
    writes: Rate
    wrong_keys: Rate


class Doorkeeper:
    """Lets in whoever may.

    Args:
        monotonic: Seconds of a clock that only goes forward.
        login_secret: Signs one-time tokens; None: there are none.
    """

    def __init__(
        self,
        sessions: Sessions,
        rates: Rates,
        used: UsedTokens,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        login_secret: bytes | None,
    ) -> None:
        self.register = ApiKeyRegister()
        self._sessions = sessions
        self._reads, self._writes = RateLimit(rates.reads), RateLimit(rates.writes)
        self._wrong_keys = RateLimit(rates.wrong_keys)
        self._used = used
        self._now = now
        self._monotonic = monotonic
        self._login_secret = login_secret

    def go_by(self, register: ApiKeyRegister) -> None:
        """Use another register from now on; sessions of keys that no longer count end at their next request."""
        self.register = register

    def let_in(self, request: Request, permission: Permission, key: str | None, cookie: str | None) -> Principal:
        """Say who asks, if they may.

        Raises:
            NotKnown: no key or session, or one that does not count.
            NotAllowed: the role may not, or a write of a session comes without its token or from another page.
            TooMany: more than one may ask.
        """
        now = self._now()
        session = None if key is not None or cookie is None else self._sessions.get(cookie, now)
        entry = self._known(request, key, session, now)
        principal = _principal(entry, session)
        request.state.principal = principal
        self._within_rate(request, principal)
        if not may(entry.role, permission):
            raise NotAllowed(f"{entry.id} is {entry.role}; this takes {roles_with(permission)}.")
        if session is not None and request.method not in SAFE:
            _check_own_page(request, session)
        return principal

    def still_counts(self, principal: Principal) -> bool:
        """Whether whoever listens for long may go on."""
        entry = self.register.get(principal.id)
        now = self._now()
        over = principal.expires_at is not None and now >= principal.expires_at
        # A page that listens uses its session.
        ended = principal.session is not None and self._sessions.use(principal.session, now) is None
        return entry is not None and entry.role is principal.role and counts(entry, now) and not (over or ended)

    def begin_session(self, request: Request, token: str) -> tuple[str, Principal]:
        """Begin a session with a one-time token or a key; returns the cookie's value and who it is.

        Raises:
            NotKnown: the token is none of ours, over, or used; or the key does not count.
            NotAllowed: another site's page asks.
            TooMany: the address has shown too many wrong ones.
        """
        _check_site(request)
        now = self._now()
        self._check_wrong_keys(request)
        entry = self._holder_of_token(token, now) or holder_of(token, self.register, now)
        if entry is None:
            self._count_wrong_key(request)
            raise NotKnown(
                "The token is wrong, used or over: `district map login` prints a new link.", headers=_CHALLENGE
            )
        cookie, session = self._sessions.begin(entry.id, now, until=entry.expires_at)
        principal = _principal(entry, session)
        request.state.principal = principal
        return cookie, principal

    def _holder_of_token(self, token: str, now: datetime) -> ApiKey | None:
        login = None if self._login_secret is None else read_login(token, self._login_secret, now)
        if login is None:
            return None
        entry = self.register.get(login.key_id)
        if entry is None or not counts(entry, now) or not self._used.use(login.nonce, login.until, now):
            return None
        return entry

    def _known(self, request: Request, key: str | None, session: Session | None, now: datetime) -> ApiKey:
        if key is not None:
            self._check_wrong_keys(request)
            entry = holder_of(key, self.register, now)
            if entry is None:
                self._count_wrong_key(request)
                raise NotKnown("The key is wrong, revoked or over: ask for a new one.", headers=_CHALLENGE)
            return entry
        if session is None:
            raise NotKnown("Show a key (`Authorization: Bearer …`) or log in on the page.", headers=_CHALLENGE)
        entry = self.register.get(session.key_id)
        if entry is None or not counts(entry, now):
            self._sessions.end_of(session.key_id)
            raise NotKnown("The session's key has been revoked or is over.", headers=_CHALLENGE)
        return entry

    def _within_rate(self, request: Request, principal: Principal) -> None:
        limit = self._reads if request.method in SAFE else self._writes
        wait = limit.wait_for(principal.id, self._monotonic())
        if wait > 0:
            metrics.API_REFUSED.labels("too_many").inc()
            raise _too_many(f"{principal.id} asks too often", wait)

    def _check_wrong_keys(self, request: Request) -> None:
        if self._wrong_keys.is_empty(_address(request), self._monotonic()):
            metrics.API_REFUSED.labels("too_many").inc()
            raise _too_many("Too many wrong keys came from this address", 1 / self._wrong_keys.rate.per_second)

    def _count_wrong_key(self, request: Request) -> None:
        address = _address(request)
        metrics.API_REFUSED.labels("wrong_key").inc()
        log.warning("a wrong, revoked or expired key was shown", action="refuse_key", client=address)
        self._wrong_keys.wait_for(address, self._monotonic())


def _too_many(who: str, wait: float) -> TooMany:
    seconds = max(1, math.ceil(wait))
    return TooMany(f"{who}: come again in {seconds} s.", headers={"Retry-After": str(seconds)})


def _principal(entry: ApiKey, session: Session | None) -> Principal:
    return Principal(
        id=entry.id,
        name=entry.name or entry.id,
        role=entry.role,
        csrf=None if session is None else session.csrf,
        session=None if session is None else session.name,
        expires_at=entry.expires_at if session is None else session.ends_at,
    )


def _check_own_page(request: Request, session: Session) -> None:
    _check_site(request)
    if not is_own(session, request.headers.get(CSRF_HEADER)):
        metrics.API_REFUSED.labels("csrf").inc()
        raise NotAllowed(f"A write of a session carries `{CSRF_HEADER}` with the value that `GET me` gives as `csrf`.")


def _check_site(request: Request) -> None:
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    foreign = site is not None and site not in _OURS
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host", ""):
        foreign = True
    if foreign:
        metrics.API_REFUSED.labels("cross_site").inc()
        raise NotAllowed("Another site's page asks; only the map's own page may write.")


def _address(request: Request) -> str:
    return "unknown" if request.client is None else request.client.host
