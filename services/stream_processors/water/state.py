"""What is known of one lake: its stations, its open rounds, the sums of its days and months. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from schemas.water import WaterBody
from services.stream_processors.engine.counting import CALM, Episode, Run
from services.stream_processors.water.quality import NOTHING_SEEN, Codes, Memory
from services.stream_processors.water.rhythm import UNKNOWN, Rhythm
from services.stream_processors.water.rounds import Counts, Round, View

LAKE: Final = WaterBody.LAKE.value

CLOSE_ASKED: Final = 1
"""The round's end has been asked for ..."""
SETTLE_ASKED: Final = 2
"""... the time at which it counts ..."""
COUNTED: Final = 4
"""... it counts already ..."""
CHANGED: Final = 8
"""... and it must be published (again)."""


class Station(msgspec.Struct, frozen=True, gc=False):
    """One point; never changed, only replaced."""

    name: str
    body: str
    last_us: int
    """Its newest reading, of whatever quality."""
    last_offset: int
    classes: Run = CALM
    faults: Run = CALM
    algae: Run = CALM
    silence: Episode | None = None
    memory: Memory = NOTHING_SEEN
    ph_day_us: int = 0
    ph_low: float | None = None
    """Lowest pH since the start of that local day."""
    rhythm: Rhythm = UNKNOWN
    """How often it measures, as far as its readings have shown."""


class LakePeriod(NamedTuple):
    """A local day or month of a lake; never changed, only replaced."""

    points: View
    """Sums of the rounds that have ended."""
    classed: int
    """Rounds that could be classed."""
    left_out: Counts = ()
    """In how many rounds each item was left out as doubtful at some point; empty: none was."""


Tally = dict[Codes, int]
"""How often each result of the checks was seen; never changed, only replaced."""


@dataclass(slots=True)
class LakeState:
    """One group in one lane."""

    lake: str
    lane: str
    stations: dict[str, Station] = field(default_factory=dict)
    lakeside: int = 0
    """Stations that stand at the lake itself and not at a river."""
    rounds: dict[int, Round] = field(default_factory=dict)
    """Open rounds by start."""
    periods: dict[tuple[str, int], LakePeriod] = field(default_factory=dict)
    """By kind (`day`, `month`) and start."""
    tallies: dict[int, dict[str, Tally]] = field(default_factory=dict)
    """Results of the checks by local day and point."""
    unsaid: dict[tuple[int, str], None] = field(default_factory=dict)
    """Days and points whose tallies have changed since they were said."""
    says: dict[int, None] = field(default_factory=dict)
    """Times at which changed rounds are to be published ..."""
    hours: dict[int, None] = field(default_factory=dict)
    """... and at which the results of the checks are."""
    run: Run = CALM
    """Counting of the lake's rounds."""

    def copy(self) -> LakeState:
        """A copy that does not change with this one."""
        return LakeState(
            self.lake,
            self.lane,
            self.stations.copy(),
            self.lakeside,
            {start_us: one.copy() for start_us, one in self.rounds.items()},
            self.periods.copy(),
            {day_us: points.copy() for day_us, points in self.tallies.items()},
            self.unsaid.copy(),
            self.says.copy(),
            self.hours.copy(),
            self.run,
        )

    def put(self, device: str, station: Station, before: Station | None) -> None:
        """A station is new or has changed.

        Args:
            before: The station as it was.
        """
        self.stations[device] = station
        if before is None or before.body != station.body:
            self.lakeside += (station.body == LAKE) - (before is not None and before.body == LAKE)

    def drop(self, device: str) -> None:
        """A station has been taken away."""
        station = self.stations.pop(device, None)
        if station is not None and station.body == LAKE:
            self.lakeside -= 1

    def is_blank(self) -> bool:
        """Whether nothing needs to be remembered."""
        known = self.stations or self.rounds or self.periods or self.tallies or self.says or self.hours
        return not known and self.run == CALM
