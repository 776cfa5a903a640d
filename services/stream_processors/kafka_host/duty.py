"""What one host judges, and the names that follow from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.fields import Feed
from schemas.topics import readings_topic, state_topic


@dataclass(frozen=True, slots=True)
class Duty:
    """One feed's readings of real life, or those of its other lanes."""

    feed: Feed
    live: bool = True

    @property
    def name(self) -> str:
        """What health, logs and tasks call it: `ev`, `ev.lanes`."""
        return self.feed.value if self.live else f"{self.feed}.lanes"

    @property
    def topic(self) -> str:
        """Topic of the readings."""
        return readings_topic(self.feed, live=self.live)

    @property
    def state(self) -> str:
        """Compacted topic of the state."""
        return state_topic(self.feed, live=self.live)

    @property
    def group(self) -> str:
        """Consumer group."""
        return f"processor.{self.name}"

    def transactional_id(self, partition: int) -> str:
        """Name under which the owner of a partition writes its state; a new owner under it fences the old one."""
        return f"{self.feed}-{'live' if self.live else 'lanes'}-{partition}"
