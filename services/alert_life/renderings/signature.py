"""Signatures of webhooks by the Standard Webhooks specification: symmetric, `v1`, HMAC-SHA256.

`webhook-id` is the CloudEvents id, the same for every attempt; `webhook-timestamp` the seconds since 1970 at which this
attempt was sent; `webhook-signature` is `v1,<base64>` of `<id>.<timestamp>.<body>`, one for each secret in force, with
a space between.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the form of a secret, not one
TOLERANCE: Final = timedelta(minutes=5)
"""An attempt whose timestamp is further away than this, either way, is refused: somebody may be repeating it."""


class Verdict(StrEnum):
    """What a receiver finds."""

    GOOD = "good"
    INCOMPLETE = "incomplete"
    """One of the three headers is missing or unreadable."""
    STALE = "stale"
    WRONG = "wrong"
    """No signature is of a secret that the receiver knows."""


def signed(event_id: str, body: bytes, secrets: Iterable[str], at: datetime) -> dict[str, str]:
    """The three headers of an attempt.

    Args:
        secrets: `whsec_…`, every one in force.

    Raises:
        ValueError: a secret has another form.
    """
    timestamp = str(int(at.timestamp()))
    signatures = [f"v1,{_mac(secret, event_id, timestamp, body)}" for secret in secrets]
    return {ID: event_id, TIMESTAMP: timestamp, SIGNATURE: " ".join(signatures)}


def verified(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: datetime) -> Verdict:
    """Whether an attempt is signed with one of the secrets and is of now.

    Args:
        headers: By names in small letters.
    """
    event_id, timestamp, signatures = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not event_id or not signatures or not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        return Verdict.INCOMPLETE
    if abs(now - datetime.fromtimestamp(0, UTC) - timedelta(seconds=int(timestamp))) > TOLERANCE:
        return Verdict.STALE
    offered = [each.partition(",")[2] for each in signatures.split() if each.startswith("v1,")]
    expected = [_mac(secret, event_id, timestamp, body) for secret in secrets]
    fits = [hmac.compare_digest(one.encode(), other.encode()) for one in offered for other in expected]
    return Verdict.GOOD if any(fits) else Verdict.WRONG


def _mac(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a webhook secret begins with {SECRET_PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"what follows {SECRET_PREFIX} in a webhook secret is not base64") from None
    mac = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return base64.b64encode(mac).decode()
