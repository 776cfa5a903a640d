"""How the topics share the sink: a loop, a round and a connection each, so that no backlog stands before another. Pure.

readings.<feed>          rounds as big as the settings say; nothing else is ever in its round
alerts, indicators, …    small rounds: the process decodes one at a time
readings.<feed>.lanes    small rounds, and at most `LANES_AT_ONCE` of these are written at any time
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.fields import Feed
from schemas.topics import (
    ALERT_ACTIONS,
    ALERTS,
    DEAD_LETTERS,
    DELIVERIES,
    INDICATORS,
    PLAN,
    TARGET_FIGURES,
    readings_topic,
)
from services.timescale_sink.pace import Pace

LANES_AT_ONCE: Final = 2
"""Replays and exercises of all feeds together take at most so many connections."""
SMALL_ROUND: Final = 1_000
"""Records of a round of what is not live readings; decoding and writing one takes a fraction of a second."""
_LIVE: Final = tuple(readings_topic(feed) for feed in Feed)
_LANES: Final = tuple(readings_topic(feed, live=False) for feed in Feed)
TOPICS: Final = (*_LIVE, *_LANES, DEAD_LETTERS, INDICATORS, ALERTS, ALERT_ACTIONS, DELIVERIES, PLAN, TARGET_FIGURES)
CONNECTIONS: Final = len(TOPICS) - len(_LANES) + LANES_AT_ONCE + 3
"""One a loop that may write, and some for what else is done beside them."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one topic gets."""

    topic: str
    round_records: int
    """Records of one round at most."""
    takes_turns: bool
    """Whether it waits for one of the `LANES_AT_ONCE` turns."""

    @property
    def pace(self) -> Pace:
        """When half a round came at once, the rest is waiting already."""
        return Pace(backlog_records=max(1, self.round_records // 2))


def share_of(topic: str, batch_records: int) -> Share:
    """The share of a topic.

    Args:
        batch_records: The most that any round may have.
    """
    live = topic in _LIVE
    return Share(topic, batch_records if live else min(batch_records, SMALL_ROUND), takes_turns=topic in _LANES)
