"""Who sent a request, and is it of now: Standard Webhooks as a receiver implements it. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from simulators.citybrain.errors import Refused
from simulators.errors import SettingRefused

TOLERANCE: Final = timedelta(minutes=5)
_PREFIX: Final = "whsec_"


def keys_of(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """The keys in `whsec_…` secrets.

    Raises:
        SettingRefused: one has another form.
    """
    return tuple(map(_key_of, secrets))


def _key_of(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not key or not secret.startswith(_PREFIX):
        raise SettingRefused(f"a webhook secret is {_PREFIX} and base64, as it was shown to the subscriber")
    return key


def verify(headers: Mapping[str, str], body: bytes, keys: Iterable[bytes], now: datetime) -> None:
    """See that a request is signed with one of the keys, and recently.

    Args:
        headers: Names in small letters.

    Raises:
        Refused: 401; it is not, and the message says in which way.
    """
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not (event_id and signatures and timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Refused(401, "webhook-id, webhook-timestamp and webhook-signature are needed")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise Refused(401, "webhook-timestamp is more than five minutes away from this clock")
    signed = f"{event_id}.{timestamp}.".encode() + body
    expected = [b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys]
    offered = [each.encode() for each in signatures.split()]
    if not any(hmac.compare_digest(one, other) for one in offered for other in expected):
        raise Refused(401, "no signature is of a secret that is known here")
