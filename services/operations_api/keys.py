"""Whose key it is. Pure: the register as it stands and the moment decide.

Keys are compared by their hash in constant time; a wrong one costs as much as a right one.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final

from schemas.api_key import ApiKey, ApiKeyRegister

MOST_CHARACTERS: Final = 64 + 1 + 43
"""Of a key: id, a dot, 32 bytes as base64url."""
_NOBODY: Final = hashlib.sha256(b"nobody's").hexdigest()


def holder_of(key: str, register: ApiKeyRegister, now: datetime) -> ApiKey | None:
    """The entry of a key that counts now; None when it is wrong, revoked or over."""
    key_id, _, secret = key.partition(".")
    entry = register.get(key_id) if secret and len(key) <= MOST_CHARACTERS else None
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    matches = hmac.compare_digest(digest, _NOBODY if entry is None else entry.sha256)
    return entry if entry is not None and matches and counts(entry, now) else None


def counts(entry: ApiKey, now: datetime) -> bool:
    """Whether a key counts now."""
    return entry.revoked_at is None and (entry.expires_at is None or now < entry.expires_at)
