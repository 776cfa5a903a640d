"""Consumer groups of subscribers. Pure."""

from __future__ import annotations

from typing import Final

GROUP: Final = "delivery-"


def group_of(subscription_id: str, request_id: str | None = None) -> str:
    """Consumer group of a subscriber, or of one of its redeliveries; no subscriber's id has a colon."""
    return f"{GROUP}{subscription_id}" if request_id is None else f"{GROUP}{subscription_id}:{request_id}"
