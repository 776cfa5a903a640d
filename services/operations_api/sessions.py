"""Sessions of pages, in memory: a restart ends them all, and the page asks for a new login.

A session is known by 32 random bytes, of which only the hash is kept here, as with keys. It ends after a time without a
request, at its absolute end, when it is ended, and when its key no longer counts. Pure: chance is an argument.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

MOST_SESSIONS: Final = 10_000
MOST_OF_ONE: Final = 50
"""Sessions of one key; the one idle longest ends when another begins."""
MOST_CHARACTERS: Final = 100


@dataclass(frozen=True, slots=True)
class Session:
    """One login."""

    name: str
    """By which it is kept: the hash of what the cookie holds."""
    key_id: str
    csrf: str
    begun_at: datetime
    ends_at: datetime
    used_at: datetime


class Sessions:
    """All sessions.

    Args:
        make_token: Draws an unguessable text.
    """

    def __init__(self, *, idle: timedelta, absolute: timedelta, make_token: Callable[[], str]) -> None:
        self._idle = idle
        self._absolute = absolute
        self._make_token = make_token
        self._sessions: dict[str, Session] = {}

    def begin(self, key_id: str, now: datetime, *, until: datetime | None = None) -> tuple[str, Session]:
        """Begin a session of a key; returns what the cookie holds, and the session.

        Args:
            until: When the key itself ends.
        """
        self._end_old(now)
        own = sorted((s.used_at, name) for name, s in self._sessions.items() if s.key_id == key_id)
        for _, name in own[: max(0, len(own) - MOST_OF_ONE + 1)]:
            del self._sessions[name]
        if len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda name: self._sessions[name].used_at)]
        ends_at = now + self._absolute
        csrf, cookie = self._make_token(), self._make_token()
        session = Session(_digest(cookie), key_id, csrf, now, min(ends_at, until or ends_at), now)
        self._sessions[session.name] = session
        return cookie, session

    def get(self, cookie: str, now: datetime) -> Session | None:
        """The session of a cookie that lasts; it is used now."""
        return self.use(_digest(cookie), now)

    def use(self, name: str, now: datetime) -> Session | None:
        """The session of a name that lasts; it is used now."""
        session = self._sessions.get(name)
        if session is None:
            return None
        if now >= session.ends_at or now >= session.used_at + self._idle:
            del self._sessions[name]
            return None
        used = self._sessions[name] = replace(session, used_at=now)
        return used

    def end(self, cookie: str) -> None:
        """End a session, if it is there."""
        self._sessions.pop(_digest(cookie), None)

    def end_of(self, key_id: str) -> None:
        """End all sessions of a key."""
        self._sessions = {name: session for name, session in self._sessions.items() if session.key_id != key_id}

    def _end_old(self, now: datetime) -> None:
        self._sessions = {
            name: session
            for name, session in self._sessions.items()
            if now < session.ends_at and now < session.used_at + self._idle
        }

    def __len__(self) -> int:
        return len(self._sessions)


def is_own(session: Session, csrf: str | None) -> bool:
    """Whether a write of a session carries the session's own token."""
    return csrf is not None and hmac.compare_digest(session.csrf.encode(), csrf.encode("utf-8", "surrogatepass"))


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie[:MOST_CHARACTERS].encode("utf-8", "surrogatepass")).hexdigest()
