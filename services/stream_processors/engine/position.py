"""Where in the order of event time something stands. Pure."""

from __future__ import annotations

from typing import Final

from services.stream_processors.engine.feed_rules import Entry

Position = tuple[int | str, ...]
"""(time, device, boot, seq) of an entry, or (time, `AFTER`) of a wake."""

AFTER: Final = "\U0010ffff"
"""Sorts behind every device: a wake comes after the readings of its moment."""

NEVER_US: Final = 2**62
"""Later than any time."""

NOWHERE: Final[Position] = (-NEVER_US,)
"""Before everything."""


def position_of(entry: Entry) -> Position:
    """Where an entry stands."""
    return entry[:4]


def time_of(position: Position) -> int:
    """The event time of a position."""
    at_us = position[0]
    return at_us if isinstance(at_us, int) else 0
