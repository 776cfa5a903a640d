"""What is known of one lake: its stations, its open rounds, the sums of its days and months. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from schemas.water import WaterBody
from services.stream_processors.engine.counting import (
    CALM,
    Episode,
    Run,
    dump_episode,
    dump_run,
    frozen,
    load_episode,
    load_run,
)
from services.stream_processors.water.quality import NOTHING_SEEN, Codes, Memory
from services.stream_processors.water.rounds import PointSums, View, dump_sums, load_sums

LAKE: Final = WaterBody.LAKE.value

CLOSE_ASKED: Final = 1
"""The round's end has been asked for ..."""
SETTLE_ASKED: Final = 2
"""... the time at which it counts ..."""
COUNTED: Final = 4
"""... it counts already ..."""
CHANGED: Final = 8
"""... and it must be published (again)."""


class Station(NamedTuple):
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


@dataclass(slots=True)
class LakeState:
    """One group in one lane. All parts are replaced, never changed, so that a copy is a copy of the dictionaries."""

    lake: str
    lane: str
    stations: dict[str, Station] = field(default_factory=dict)
    rounds: dict[int, int] = field(default_factory=dict)
    """Open rounds by start, with their marks."""
    sums: dict[tuple[str, int, str], PointSums] = field(default_factory=dict)
    """By kind of period (`round`, `day`, `month`), its start, and point."""
    classed_rounds: dict[tuple[str, int], int] = field(default_factory=dict)
    """Rounds that could be classed in each day and month."""
    codes: dict[tuple[int, str, Codes], int] = field(default_factory=dict)
    """How often each result of the checks was seen, by local day and point."""
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
            self.rounds.copy(),
            self.sums.copy(),
            self.classed_rounds.copy(),
            self.codes.copy(),
            self.says.copy(),
            self.hours.copy(),
            self.run,
        )

    def view(self, kind: str, start_us: int) -> View:
        """What each point contributes to a period."""
        return {point: sums for (k, at_us, point), sums in self.sums.items() if k == kind and at_us == start_us}

    def is_blank(self) -> bool:
        """Whether nothing needs to be remembered."""
        known = (
            self.stations or self.rounds or self.sums or self.classed_rounds or self.codes or self.says or self.hours
        )
        return not known and self.run == CALM


def dump_lake(state: LakeState) -> list[Any]:
    """JSON-ready form."""
    return [
        [[name, *_dump_station(station)] for name, station in state.stations.items()],
        list(state.rounds.items()),
        [[*key, dump_sums(sums)] for key, sums in state.sums.items()],
        [[*key, count] for key, count in state.classed_rounds.items()],
        [[*key, count] for key, count in state.codes.items()],
        list(state.says),
        list(state.hours),
        dump_run(state.run),
    ]


def load_lake(dumped: list[Any], lake: str, lane: str) -> LakeState:
    """State from its JSON-ready form."""
    stations, rounds, sums, classed, codes, says, hours, run = dumped
    return LakeState(
        lake,
        lane,
        {name: _load_station(rest) for name, *rest in stations},
        dict(rounds),
        {(kind, start_us, point): load_sums(part) for kind, start_us, point, part in sums},
        {(kind, start_us): count for kind, start_us, count in classed},
        {(day_us, point, tuple(found)): count for day_us, point, found, count in codes},
        dict.fromkeys(says),
        dict.fromkeys(hours),
        load_run(run),
    )


def _dump_station(station: Station) -> list[Any]:
    return [
        *station[:4],
        dump_run(station.classes),
        dump_run(station.faults),
        dump_run(station.algae),
        None if station.silence is None else dump_episode(station.silence),
        list(station.memory),
        station.ph_day_us,
        station.ph_low,
    ]


def _load_station(dumped: list[Any]) -> Station:
    name, body, last_us, last_offset, classes, faults, algae, silence, memory, ph_day_us, ph_low = dumped
    return Station(
        name,
        body,
        last_us,
        last_offset,
        load_run(classes),
        load_run(faults),
        load_run(algae),
        None if silence is None else load_episode(silence),
        Memory(*frozen(memory)),
        ph_day_us,
        ph_low,
    )
