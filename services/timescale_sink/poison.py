"""When refused rows are no longer the senders' fault, and when a record is given up for want of room. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class PoisonPolicy:
    """Stop when the database refuses most of the recent rows and they come from many devices.

    One hostile sender, however loud, never satisfies the second condition.
    """

    window_rows: int = 2_000
    refused_share: float = 0.5
    devices_min: int = 20


@dataclass(slots=True)
class PoisonWatch:
    """What the last rows came to: None for one that was taken, the device for one that was refused."""

    policy: PoisonPolicy = field(default_factory=PoisonPolicy)
    recent: deque[str | None] = field(default_factory=deque)

    def note(self, taken: int, refused_devices: list[str]) -> bool:
        """Add a batch; true when the sink should stop."""
        self.recent.extend([None] * min(taken, self.policy.window_rows))
        self.recent.extend(refused_devices)
        while len(self.recent) > self.policy.window_rows:
            self.recent.popleft()
        refused = [device for device in self.recent if device is not None]
        return (
            len(self.recent) == self.policy.window_rows
            and len(refused) > self.policy.refused_share * self.policy.window_rows
            and len(set(refused)) >= self.policy.devices_min
        )


ATTEMPTS: Final = 3
"""So often a record is tried alone, with a pause before each, until it is refused for want of room."""


@dataclass(slots=True)
class Strikes:
    """How often the record in front was tried alone: others wait behind it."""

    record: tuple[str, int, int] | None = None
    """Topic, partition and offset."""
    count: int = 0

    def note(self, record: tuple[str, int, int]) -> bool:
        """Count another failure of a record; true when it has had its last."""
        self.count = self.count + 1 if record == self.record else 1
        self.record = record
        return self.count >= ATTEMPTS
