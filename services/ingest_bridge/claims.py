"""Whose a refused item says it is: read from its JSON, else found in its bytes, else from its MQTT properties.

A claim is believed only as far as it has the right form; nothing is acknowledged for another device because of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from schemas.envelope import MAX_SEQ
from schemas.fields import LANE_PATTERN, Feed
from schemas.mqtt import DEVICE_PROPERTY_BOOT, DEVICE_PROPERTY_SEQ

MAX_SEQS: Final = 10_000
"""Sequence numbers looked for in one broken payload."""

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LANE: Final = re.compile(LANE_PATTERN)
_BOOT_IN_BYTES: Final = re.compile(rb'"boot_id"\s{0,8}:\s{0,8}"([A-Za-z0-9][A-Za-z0-9._-]{0,63})"')
_LANE_IN_BYTES: Final = re.compile(rb'"lane"\s{0,8}:\s{0,8}"([a-z:0-9._-]{1,80})"')
_SEQ_IN_BYTES: Final = re.compile(rb'"seq"\s{0,8}:\s{0,8}(\d{1,16})(?=[\s,}])')
_DIGITS: Final = re.compile(r"\d{1,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claims:
    """What could be read; None or empty where nothing could."""

    boot_id: str | None = None
    seqs: tuple[int, ...] = ()
    """Usually one; a broken array may name many."""
    lane: str | None = None
    group_id: str | None = None
    device_id: str | None = None
    feed: Feed | None = None

    @property
    def seq(self) -> int | None:
        """The first sequence number."""
        return self.seqs[0] if self.seqs else None


def claims_in_value(value: Any) -> Claims:
    """Read the claims of a JSON value that is an object; of anything else there are none."""
    if not isinstance(value, dict):
        return Claims()
    seq, feed = value.get("seq"), value.get("feed")
    return Claims(
        boot_id=_identifier(value.get("boot_id")),
        seqs=_seqs(seq),
        lane=_lane(value.get("lane")),
        group_id=_identifier(value.get("group_id")),
        device_id=_identifier(value.get("device_id")),
        feed=Feed(feed) if isinstance(feed, str) and feed in set(Feed) else None,
    )


def claims_in_bytes(payload: bytes, *, whole: bool) -> Claims:
    """Read the claims of bytes that may be anything.

    Args:
        whole: Try to read the payload as JSON first.
    """
    if whole:
        try:
            value = from_json(payload)
        except ValueError:
            value = None
        if isinstance(value, dict):
            return claims_in_value(value)
    boots = set(_BOOT_IN_BYTES.findall(payload))
    lane = _LANE_IN_BYTES.search(payload)
    seqs = tuple(dict.fromkeys(int(found) for found in _SEQ_IN_BYTES.findall(payload)[:MAX_SEQS]))
    return Claims(
        boot_id=boots.pop().decode() if len(boots) == 1 else None,
        seqs=tuple(seq for seq in seqs if seq <= MAX_SEQ),
        lane=_lane(lane.group(1).decode()) if lane else None,
    )


def merge(claims: Claims, properties: Sequence[tuple[str, str]]) -> Claims:
    """Fill what the payload does not say from the message's MQTT user properties."""
    if not properties or (claims.boot_id and claims.seqs):
        return claims
    named = dict(properties)
    seq = named.get(DEVICE_PROPERTY_SEQ, "")
    said = (int(seq),) if _DIGITS.fullmatch(seq) and int(seq) <= MAX_SEQ else ()
    return Claims(
        boot_id=claims.boot_id or _identifier(named.get(DEVICE_PROPERTY_BOOT)),
        seqs=claims.seqs or said,
        lane=claims.lane,
        group_id=claims.group_id,
        device_id=claims.device_id,
        feed=claims.feed,
    )


def _identifier(value: object) -> str | None:
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else None


def _lane(value: object) -> str | None:
    return value if isinstance(value, str) and _LANE.fullmatch(value) else None


def _seqs(value: object) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SEQ else ()
