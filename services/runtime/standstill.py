"""Whether work stands still though there is more of it, and for how long. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

K = TypeVar("K", bound=Hashable)

Place: TypeAlias = tuple[str, int]
"""Topic and partition."""


class Stillness(Generic[K]):
    """Remembers since when each of several things has not moved though there is work for it."""

    def __init__(self) -> None:
        self._seen: dict[K, tuple[Hashable, float]] = {}
        self.moved_at = 0.0
        """When any of them was last seen to be elsewhere than before."""

    def has_moved(self, key: K, token: Hashable) -> bool:
        """Whether one is elsewhere than at the last look."""
        known = self._seen.get(key)
        return known is None or known[0] != token

    def look(self, standing: Mapping[K, tuple[Hashable, bool]], now: float) -> dict[K, float]:
        """Seconds for which each has stood still; one that moved or has nothing to do is left out.

        Args:
            standing: How far each is, in any words, and whether there is more for it. What is missing is forgotten.
            now: Seconds on a clock that never jumps.
        """
        still: dict[K, float] = {}
        seen: dict[K, tuple[Hashable, float]] = {}
        for key, (token, has_more) in standing.items():
            moved = self.has_moved(key, token)
            if moved:
                self.moved_at = now
            if moved or not has_more:
                seen[key] = (token, now)
            else:
                seen[key] = self._seen[key]
                still[key] = now - seen[key][1]
        self._seen = seen
        return still


@dataclass(slots=True)
class Assigned:
    """When a member of a group last had partitions."""

    at: float
    """Seconds on a clock that never jumps."""

    def counts(self, places: Collection[Place], now: float, limit_seconds: float) -> bool:
        """Whether what a member has now tells anything: while the group is divided it has nothing for a moment.

        Args:
            places: What it has now.
            limit_seconds: Whoever has nothing for so long has no work.
        """
        if places:
            self.at = now
        return bool(places) or now - self.at >= limit_seconds


@dataclass(slots=True)
class Standing:
    """How far the partitions of a topic are, what is being done, and since when; says it when they stand still."""

    who: str
    """Whose work it is, as in "the sink"."""
    done: str
    """What is done to a record, as in "stored"."""
    part: str = "starting"
    """What is being done just now, as it stands behind "is"."""
    part_since: float = 0.0
    """Seconds on a clock that never jumps."""
    positions: dict[Place, int] = field(default_factory=dict)
    _stillness: Stillness[Place] = field(default_factory=Stillness)

    def begin(self, part: str, now: float) -> None:
        """Another part of the work begins."""
        if part != self.part:
            self.part, self.part_since = part, now

    def reached(self, positions: Mapping[Place, int]) -> None:
        """Offset behind what is done, by partition; one that has still to be placed keeps what is known of it."""
        self.positions.update(positions)

    def standing_still(self, ends: Mapping[Place, int], now: float, limit_seconds: float) -> str | None:
        """What to tell the operator when records have been waiting for so long and nothing moved; else None.

        Args:
            ends: Where each partition ends in Kafka.
        """
        at = {place: self.positions.get(place, 0) for place in ends}
        still = self._stillness.look({place: (at[place], ends[place] > at[place]) for place in ends}, now)
        stuck = {place: seconds for place, seconds in still.items() if seconds >= limit_seconds}
        if not stuck:
            return None
        (topic, partition), seconds = max(stuck.items(), key=lambda item: (item[1], item[0]))
        waiting = sum(ends[place] - at[place] for place in stuck)
        others = f" and {len(stuck) - 1} more" if len(stuck) > 1 else ""
        return (
            f"{waiting:,} records wait and nothing of {topic} {partition}{others} was {self.done} for {seconds:.0f} s;"
            f" {self.who} is {self.part}, for {now - self.part_since:.0f} s"
        )
