"""Which units count now and what they cover together, kept up for the units that changed. Pure.

What a look costs follows from the units that moved, changed or fell silent since the last one; all are counted anew
only when the reach itself has changed (another hour of the day, what legs have taught) or a policy has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.stream_processors.emergency.coverage import STEP_METRES, Counts, Grid
from services.stream_processors.emergency.policy import InForce
from services.stream_processors.emergency.state import DistrictState, Standing
from services.stream_processors.emergency.units import Part, Sighting, Unit, followed, learned


def follow(state: DistrictState, policy: InForce) -> dict[str, Unit | None]:
    """Take in what was seen since the last look, in the order of event time; the units touched, as they were."""
    before: dict[str, Unit | None] = {}
    coverage = policy.settings.coverage
    seen: Iterable[Sighting] = sorted(state.seen)
    for sighting in seen:
        known = state.units.get(sighting.unit)
        unit, drive = followed(known, sighting, coverage)
        if drive is not None:
            learned(state.legs, drive, coverage.travel)
        if unit is not None:
            before.setdefault(sighting.unit, known)
            state.units[sighting.unit] = unit
            state.offset = sighting.offset
    state.seen = []
    return before


def standing_at(
    state: DistrictState, touched: Mapping[str, Unit | None], at_us: int, metres: float, *, policy: InForce, grid: Grid
) -> Standing:
    """What stands at a moment.

    Args:
        touched: The units that were heard of since the last look, as they stood then.
        metres: How far units get.
    """
    reach = STEP_METRES * round(metres / STEP_METRES)
    basis: tuple[Any, ...] = (reach, policy.fresh_us, policy.available)
    known = state.standing
    count = _Count(state, at_us, reach, policy, grid)
    if known is None or known.basis != basis:
        for name, unit in list(state.units.items()):
            count.take(name, None, unit)
    else:
        count.counts, count.covering, count.fresh = known.counts, known.covering, known.fresh
        for name, before in touched.items():
            count.take(name, before, state.units[name])
    if state.heard_us is not None and state.heard_us < at_us - policy.fresh_us:
        count.drop_stale()
    state.heard_us = count.heard_us
    if known is not None and count.counts is known.counts:
        same = (count.covering, count.fresh) == (known.covering, known.fresh)
        return known if same else known._replace(covering=count.covering, fresh=count.fresh)
    cells = count.counts.covered
    people = known.people if known is not None and known.cells == cells else grid.people(cells)
    return Standing(basis, reach, count.counts, count.covering, count.fresh, cells, people)


class _Count:
    """A standing in the making."""

    def __init__(self, state: DistrictState, at_us: int, reach: float, policy: InForce, grid: Grid) -> None:
        self._units, self._reach, self._grid = state.units, reach, grid
        self._oldest_us, self._policy = at_us - policy.fresh_us, policy
        self.heard_us = state.heard_us
        self.counts, self.covering, self.fresh = Counts(), 0, 0

    def take(self, name: str, before: Unit | None, now: Unit) -> None:
        """Count a unit as it is, in place of what it was."""
        part = self._part(now)
        was = Part.NONE if before is None else before.part
        if now.part is not part:
            self._units[name] = now._replace(part=part)
        if part is not Part.NONE and (self.heard_us is None or now.at_us < self.heard_us):
            self.heard_us = now.at_us
        self.fresh += (part is not Part.NONE) - (was is not Part.NONE)
        self.covering += (part is Part.COVERS) - (was is Part.COVERS)
        old = self._cells(before) if was is Part.COVERS else 0
        new = self._cells(now) if part is Part.COVERS else 0
        if old != new:
            if old & ~new:
                self.counts = self.counts.minus(old & ~new)
            if new & ~old:
                self.counts = self.counts.plus(new & ~old)

    def drop_stale(self) -> None:
        """Look at all units once more."""
        self.heard_us = None
        for name, unit in list(self._units.items()):
            if unit.part is not Part.NONE:
                self.take(name, unit, unit)

    def _part(self, unit: Unit) -> Part:
        if unit.at_us < self._oldest_us:
            return Part.NONE
        return Part.COVERS if unit.counted is not None and unit.state in self._policy.available else Part.BUSY

    def _cells(self, unit: Unit | None) -> int:
        return 0 if unit is None or unit.counted is None else self._grid.within(*unit.counted, self._reach)
