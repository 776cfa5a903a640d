"""How a round of readings came in: counts and how long live ones were on their way. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.fields import LIVE, Feed
from services.timescale_sink.progress import Progress
from services.timescale_sink.rows import Rows, Values
from services.timescale_sink.tables import ReadingsTable

RECEIVED_AT: Final = -3
"""Place of `received_at` in a copied row; see `tables.KAFKA_COLUMNS`."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Live readings of one round and one feed, with their delays in seconds."""

    live: int = 0
    arrival_s_sum: float = 0.0
    """Observed to received by the bridge; a clock that is ahead counts as 0."""
    arrival_s_max: float = 0.0
    storing_s_sum: float = 0.0
    """Received to written."""
    storing_s_max: float = 0.0

    def __add__(self, other: Intake) -> Intake:
        return Intake(
            self.live + other.live,
            self.arrival_s_sum + other.arrival_s_sum,
            max(self.arrival_s_max, other.arrival_s_max),
            self.storing_s_sum + other.storing_s_sum,
            max(self.storing_s_max, other.storing_s_max),
        )


def intake_of(table: ReadingsTable, rows: Rows, now: datetime) -> Intake:
    """Reckon a round; readings of other lanes have clocks of their own and are left out."""
    lane_at, observed_at = table.fields.index("lane"), table.fields.index("observed_at")
    arrivals = []
    storings = []
    for values in rows.values:
        if values[lane_at] == LIVE:
            received = values[RECEIVED_AT]
            arrivals.append((received - values[observed_at]).total_seconds())
            storings.append((now - received).total_seconds())
    if not arrivals:
        return Intake()
    arrivals = [max(0.0, seconds) for seconds in arrivals]
    storings = [max(0.0, seconds) for seconds in storings]
    return Intake(len(arrivals), sum(arrivals), max(arrivals), sum(storings), max(storings))


def intake_row(feed: Feed, intake: Intake, advanced: Iterable[Progress]) -> Values:
    """Values for `queries/intake.sql`."""
    progress = list(advanced)
    return (
        feed.value,
        sum(p.readings for p in progress),
        sum(p.stored for p in progress),
        sum(p.duplicates for p in progress),
        sum(p.dead_lettered for p in progress),
        intake.live,
        intake.arrival_s_sum,
        intake.arrival_s_max,
        intake.storing_s_sum,
        intake.storing_s_max,
    )
