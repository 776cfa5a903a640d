"""Time as records: ticks drive every timer, so that a replay of the log repeats every verdict."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, Field

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
    closes: bool = False
    """The lane is over: what is left is judged, then the lane is forgotten. Never in `live`."""
    spare: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """How many readings each key may apply once more at this tick, for the sake of late ones: the owner of a partition
    says so when it has time to spare. 0: late readings wait until readings in order have paid for them."""
