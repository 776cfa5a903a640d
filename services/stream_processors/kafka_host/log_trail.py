"""By what a partition's log is known again, as it stands in the state. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from services.runtime.log_look import Trail
from services.runtime.same_log import Mark
from services.stream_processors.kafka_host.losses import LOG_KEY


def encode_trail(trail: Trail) -> bytes | None:
    """Value of the host's record; None when there is nothing to say."""
    if trail.proof is None:
        return None
    return orjson.dumps({"mark": str(trail.proof), "end": trail.end})


def trail_in(records: Mapping[bytes, bytes]) -> Trail:
    """What the host's record says; what cannot be read says nothing."""
    try:
        found = orjson.loads(records[LOG_KEY])
        end = found["end"]
        return Trail(Mark.read(found["mark"]), end if isinstance(end, int) else None)
    except (KeyError, ValueError, TypeError):
        return Trail()
