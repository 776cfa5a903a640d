"""One-time tokens that begin a session on the map: `district map login` makes one, the operations API takes it once.

A token says whose session it begins and until when it may be used, signed with a secret that only the command line and
the API know. That it is used once is the API's to remember.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

FRAGMENT: Final = "login="
"""In the address of the map, behind `#`: browsers do not send what stands there, so no log has it."""
LASTS: Final = timedelta(minutes=15)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Login:
    """What a token says."""

    key_id: str
    """Id of the entry in the register of keys that the session belongs to."""
    until: datetime
    nonce: str
    """Tells two tokens of the same second apart."""


def write_login(login: Login, secret: bytes) -> str:
    """The token."""
    seconds = int((login.until - _EPOCH).total_seconds())
    said = f"{login.key_id}|{seconds}|{login.nonce}".encode()
    return f"{_base64(said)}.{_base64(_signature(said, secret))}"


def read_login(token: str, secret: bytes, now: datetime) -> Login | None:
    """What a token says; None when it is none of ours or over."""
    said, _, signature = token.partition(".")
    try:
        words, signed = _bytes(said), _bytes(signature)
        if not hmac.compare_digest(signed, _signature(words, secret)):
            return None
        key_id, seconds, nonce = words.decode().split("|")
        until = _EPOCH + timedelta(seconds=int(seconds))
    except (ValueError, OverflowError):
        return None
    return Login(key_id, until, nonce) if now < until else None


def _signature(said: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, b"map-login\0" + said, hashlib.sha256)


def _base64(words: bytes) -> str:
    return base64.urlsafe_b64encode(words).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
