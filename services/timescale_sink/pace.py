"""How long to gather before the next round of writing: quick when quiet, big batches when busy. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """A round has a fixed cost of some milliseconds, so a busy topic gathers; a quiet one writes at once."""

    quiet_records: int = 20
    """A round of fewer was quiet."""
    quiet_seconds: float = 0.03
    """What a quiet topic waits before it looks again; a record that comes later than that is written at once."""
    gather_seconds: float = 0.15
    """What a busy topic waits for more."""
    backlog_records: int = 2_500
    """A round of more means that records are waiting already."""

    def pause(self, records: int) -> float:
        """Seconds to wait after a round of so many records."""
        if records == 0 or records >= self.backlog_records:
            return 0.0
        return self.quiet_seconds if records < self.quiet_records else self.gather_seconds
