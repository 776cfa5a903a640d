"""What a model gives: who said what when; and how often each kind of device speaks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simulators.world.truth import Truth

Said = tuple[int, str, dict[str, Any]]
"""When (whole seconds since 1970), which device, and the reading's own fields. The fields are not changed by anybody:
a device that has nothing new to say gives the same object again."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two readings. Steps of an incident and begins and ends of charging are told when they happen."""

    ev: int = 240
    """Of a connector; a site counts as dark after 300 s without a reading."""
    water: int = 900
    """Of a point whose register says nothing else."""
    parking: int = 300
    emergency: int = 60
    """Of an ambulance's position."""


class Model(Protocol):
    """A model of one feed."""

    truth: list[Truth]
    """What it did of its own accord that a platform should notice."""

    def advance(self, until: int) -> Sequence[Said]:
        """What was said since the last time, up to and without `until`; each device's readings are in order."""
        ...
