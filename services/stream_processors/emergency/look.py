"""A look at coverage: what stands, whether it is enough, what would restore it, and when to look again. Pure.

Units report in any order between two looks; a look, on a fixed moment of the day, takes in what was seen up to it. It
is asked for only while something has changed or can change by itself: the hour changes, an alert waits for its
debounce, and, at that very moment, a unit grows stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from schemas.district import Post
from services.stream_processors.emergency.coverage import Grid, best_move
from services.stream_processors.emergency.figures import coverage_figure
from services.stream_processors.emergency.policy import COVERAGE_LOW, InForce
from services.stream_processors.emergency.standing import follow, standing_at
from services.stream_processors.emergency.state import Cover, DistrictState, Standing
from services.stream_processors.emergency.units import HOUR_US, Part, reach_metres
from services.stream_processors.engine.counting import Sample, advance
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start
from services.stream_processors.engine.feed_rules import Say
from services.stream_processors.engine.periods import Period

_MINUTE_US: Final = 60 * MICROSECONDS
_LOST_NAMED: Final = 10
_NO_ADVICE: Final = (None, 0, (), None)


class Lookout:
    """Looks at the coverage of the district that has a grid.

    Args:
        grid: Its cells.
        posts: Where a unit may be sent to.
    """

    def __init__(self, grid: Grid, posts: Sequence[Post]) -> None:
        self._grid, self._posts = grid, tuple(posts)

    def watches(self, district: str, policy: InForce) -> bool:
        """Whether coverage of a district is said."""
        return district == policy.group and self._grid.everyone > 0

    def look(self, state: DistrictState, at_us: int, limit_us: int, policy: InForce, say: Say) -> int | None:
        """Judge coverage at a moment.

        Args:
            limit_us: Time in which a unit must be on scene.

        Returns:
            When to look again though nothing is reported.
        """
        touched = follow(state, policy)
        known, before = state.standing, state.cover
        metres = reach_metres(state.legs, at_us, limit_us, policy.settings.coverage.travel)
        standing = standing_at(state, touched, at_us, metres, policy=policy, grid=self._grid)
        if touched or standing is not known:
            state.advice = None
        state.standing = standing
        people = standing.people if standing.fresh else -1
        cover = Cover(at_us, -1, 0) if before is None else before.until(at_us)
        state.cover = cover = cover._replace(people=people, units=standing.covering)
        self._judge(state, standing, at_us, policy, say)
        if before is None or (before.people, before.units) != (cover.people, cover.units):
            start_us = local_period_start(at_us, _MINUTE_US)
            minute = Period(start_us, start_us + _MINUTE_US)
            move, grid = self._move(state, standing, policy), self._grid
            say.figure(
                coverage_figure(state.district, standing.cells, cover, minute, grid=grid, policy=policy, move=move)
            )
        return _next_us(state, standing, at_us, policy)

    def _judge(self, state: DistrictState, standing: Standing, at_us: int, policy: InForce, say: Say) -> None:
        if not standing.fresh:
            return
        share = standing.people / self._grid.everyone
        level = 0 if share >= policy.coverage_least else 1 if share >= policy.coverage_least / 2 else 2
        if level == 0:
            state.best_cells, state.advice = standing.cells, None
        episode = state.low.episode
        payload = _NO_ADVICE
        if level > (0 if episode is None else episode.peak.level):
            payload = self._advised(state, standing)
        sample = Sample(at_us, level, round(share, 6), state.offset, payload, share >= policy.coverage_clear)
        state.low, changed = advance(state.low, sample, policy.coverage_low)
        if changed is not None:
            say.episode(COVERAGE_LOW, state.district, changed)

    def _move(self, state: DistrictState, standing: Standing, policy: InForce) -> tuple[str, str, str, int] | None:
        """Unit, post, its name and the people whom the best move brings back, while too few can be reached."""
        if not standing.fresh or standing.people / self._grid.everyone >= policy.coverage_least:
            return None
        move: tuple[str, str, str, int] | None = self._advised(state, standing)[3]
        return move

    def _advised(self, state: DistrictState, standing: Standing) -> tuple[Any, ...]:
        """The advice, worked out once until something changes."""
        state.advice = state.advice or self._advice(state, standing)
        return state.advice

    def _advice(self, state: DistrictState, standing: Standing) -> tuple[Any, ...]:
        """What an operator needs to restore coverage."""
        reached = {
            name: self._grid.within(*unit.counted, standing.reach)
            for name, unit in state.units.items()
            if unit.part is Part.COVERS and unit.counted is not None
        }
        places = {post.id: self._grid.within(post.longitude, post.latitude, standing.reach) for post in self._posts}
        move = best_move(self._grid, reached, places)
        names = {post.id: post.name_zh for post in self._posts}
        lost = self._grid.names(state.best_cells & ~standing.cells, _LOST_NAMED)
        told = None if move is None else (move.unit, move.to, names[move.to], move.people)
        return None, self._grid.everyone - standing.people, lost, told


def look_at_us(at_us: int, policy: InForce) -> int:
    """The first moment of the grid that is not before a time."""
    return local_period_start(at_us - 1, policy.pace_us) + policy.pace_us


def _next_us(state: DistrictState, standing: Standing, at_us: int, policy: InForce) -> int | None:
    """The next moment of the grid at which something can have changed, or the very one at which a unit grows stale."""
    if not standing.fresh:
        return None
    moments = [local_period_start(at_us, HOUR_US) + HOUR_US]
    if state.low.recent or state.low.better or state.low.lower:
        moments.append(at_us + 1)
    due_us = look_at_us(min(moments), policy)
    return due_us if state.heard_us is None else min(due_us, state.heard_us + policy.fresh_us + 1)
