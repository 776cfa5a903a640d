"""Whether the bridge's work stands still, and which part of it: what its health says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STILL_SECONDS: Final = 5.0
"""Work that has not moved for so long stands still."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What was taken and how it moves; durations in seconds."""

    messages: int
    """Taken from the MQTT broker and not yet acknowledged."""
    size: int
    """Their bytes."""
    is_full: bool
    """The bound is reached: nothing more is read."""
    still_seconds: float
    """Since Kafka last took any of it; 0 when nothing waits."""
    saving_seconds: float
    """Since the receipts that are being saved were handed over; 0 when none are."""


def what_stands_still(progress: Progress) -> dict[str, str]:
    """Return what is wrong by part of the bridge; nothing while the work moves, however slowly."""
    found: dict[str, str] = {}
    if progress.messages and progress.still_seconds >= STILL_SECONDS:
        full = "; the bound is reached, nothing more is read" if progress.is_full else ""
        found["kafka"] = (
            f"Kafka has taken nothing for {progress.still_seconds:.0f} s; {progress.messages:,} messages "
            f"({progress.size / 2**20:.1f} MiB) wait, unacknowledged{full}; is Kafka running, and has its disk room?"
        )
    if progress.saving_seconds >= STILL_SECONDS:
        found["receipts"] = (
            f"Kafka has not taken the receipts for {progress.saving_seconds:.0f} s, so devices hear none "
            "and keep their readings"
        )
    return found
