"""Which secrets of a subscription sign: all in use, so that a rotation breaks nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pydantic import SecretStr

from schemas.subscription import SigningSecret
from services.alert_life.renderings.signature import signed

MAX_SECRETS: Final = 4
"""Of a subscription; the oldest goes when there are more."""


def signature_headers(event_id: str, body: bytes, secrets: Iterable[SigningSecret], at: datetime) -> dict[str, str]:
    """The headers that let the subscriber see who sent a body, and when.

    Args:
        at: When it is sent; a subscriber refuses what is older than a few minutes.
    """
    return signed(event_id, body, [each.secret.get_secret_value() for each in secrets if is_in_use(each, at)], at)


def is_in_use(secret: SigningSecret, now: datetime) -> bool:
    """Whether a secret signs."""
    return secret.until is None or now < secret.until


def rotated(
    secrets: Iterable[SigningSecret], new: SecretStr, now: datetime, keep: timedelta
) -> tuple[SigningSecret, ...]:
    """The secrets after a rotation: the new one signs from now on, the others for a while longer.

    Args:
        keep: How long the old ones go on.
    """
    old = [
        each if each.until is not None else each.model_copy(update={"until": now + keep})
        for each in secrets
        if is_in_use(each, now)
    ]
    return (SigningSecret(secret=new, added_at=now), *old)[:MAX_SECRETS]
