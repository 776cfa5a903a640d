"""How long to gather before the next round of writing: quick when quiet, big batches when busy. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """A round has a fixed cost of some milliseconds, so a busy sink gathers; a quiet one writes at once."""

    quiet_records: int = 50
    """A round of fewer was quiet: the next record is written as soon as it comes."""
    gather_seconds: float = 0.08
    """What a busy sink waits for more."""
    backlog_records: int = 2_500
    """A round of more means that records are waiting already."""

    def pause(self, records: int) -> float:
        """Seconds to wait after a round of so many records."""
        if records < self.quiet_records or records >= self.backlog_records:
            return 0.0
        return self.gather_seconds
