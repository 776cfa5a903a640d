"""The dead letter of a refusal: everything known about it, each part within its bound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from schemas.dead_letter import MAX_DETAIL_CHARS, DeadLetter, DeadLetterSource
from services.ingest_bridge.judge import Refused
from services.ingest_bridge.routes import AnyRoute, ClockRoute, ClosedRoute, Route

MAX_TOPIC_CHARS: Final = 1_024
MAX_PROPERTIES_CHARS: Final = 16_384


def dead_letter(
    refused: Refused,
    topic: bytes,
    route: AnyRoute,
    properties: Sequence[tuple[str, str]],
    received_at: datetime,
) -> DeadLetter:
    """Describe a refusal. Device and group are those of the topic where it has them: the broker vouches for those."""
    claims = refused.claims
    feed, group_id, device_id = claims.feed, claims.group_id, claims.device_id
    lane = claims.lane
    if isinstance(route, Route):
        feed, group_id, device_id = route.feed, route.group_id, route.device_id
    elif isinstance(route, ClosedRoute):
        feed, group_id, device_id = route.topic.feed, route.topic.group_id, route.topic.device_id
    elif isinstance(route, ClockRoute):
        feed, lane = route.topic.feed, route.topic.lane
    return DeadLetter(
        source=DeadLetterSource.INGEST_BRIDGE,
        reason=refused.reason,
        detail=_text(refused.detail, MAX_DETAIL_CHARS),
        received_at=received_at,
        mqtt_topic=_text(topic.decode(errors="replace"), MAX_TOPIC_CHARS),
        mqtt_properties=_properties(properties),
        feed=feed,
        lane=lane,
        group_id=group_id,
        device_id=device_id,
        boot_id=claims.boot_id,
        seq=claims.seq,
        element=refused.element,
    )


def _properties(properties: Sequence[tuple[str, str]]) -> str | None:
    """User properties as a JSON object; a name that comes twice has a list of its values."""
    if not properties:
        return None
    values: dict[str, list[str]] = {}
    for name, value in properties:
        values.setdefault(name, []).append(value)
    single = {name: many[0] if len(many) == 1 else many for name, many in values.items()}
    return _text(json.dumps(single, ensure_ascii=False), MAX_PROPERTIES_CHARS)


def _text(text: str, most: int) -> str:
    """Text without what a header or a database column cannot hold, cut to its bound."""
    return text[:most].replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
