"""Time as records: ticks drive every timer, so that a replay of the log repeats every verdict."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from schemas.fields import CONTRACT, Lane, UtcTime

KIND_HEADER: Final = "kind"
"""Kafka header on the readings topics; absent on a reading, `tick` on a tick, `plan` on a published document."""

KIND_TICK: Final = b"tick"

KIND_PLAN: Final = b"plan"


class Tick(BaseModel):
    """The lane's clock has reached `at`.

    In `live` the owner of a partition writes one every second; in any other lane whoever drives the lane sends it
    over MQTT (`jianghan/<feed>/clock/<lane>`) and the bridge copies it into every partition of the feed.
    """

    model_config = CONTRACT

    lane: Lane
    at: UtcTime
