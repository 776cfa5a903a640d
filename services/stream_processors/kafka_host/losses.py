"""Readings that are gone unjudged: said until the operator accepts it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import orjson

from schemas.loss_acceptance import ACCEPT_KEY, ACCEPTED_FOR

LOSS_KEY: Final = b'["loss"]'
"""State record of the host: what is gone and not accepted yet."""
OWNER_KEY: Final = b'["owner"]'
"""State record of the host: who took the partition over last."""
LOG_KEY: Final = b'["log"]'
"""State record of the host: by what the log is known again."""
HOST_KEYS: Final = frozenset({ACCEPT_KEY, LOSS_KEY, OWNER_KEY, LOG_KEY})
"""Records of the state topic that are not the engine's."""


class Loss(NamedTuple):
    """Records `first` to `before - 1` of a partition were never judged."""

    first: int
    before: int
    why: str

    def sentence(self, partition: int) -> str:
        """For the operator."""
        return f"partition {partition}: offsets {self.first} to {self.before - 1} were never judged, {self.why}"


def encode_losses(losses: Iterable[Loss]) -> bytes | None:
    """Value of the host's record; None when there is nothing to say."""
    found = [list(loss) for loss in losses]
    return orjson.dumps(found) if found else None


def losses_in(records: Mapping[bytes, bytes]) -> list[Loss]:
    """What the host's record says."""
    raw = records.get(LOSS_KEY)
    return [] if raw is None else [Loss(first, before, why) for first, before, why in orjson.loads(raw)]


def is_accepted(records: Mapping[bytes, bytes], now: datetime) -> bool:
    """Whether the operator has lately accepted a loss in this partition."""
    raw = records.get(ACCEPT_KEY)
    if raw is None:
        return False
    try:
        at = datetime.fromisoformat(orjson.loads(raw)["at"]).astimezone(UTC)
    except (ValueError, KeyError, TypeError):
        return False
    return now - at <= ACCEPTED_FOR
