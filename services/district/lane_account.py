"""What the lanes worker says of lanes: how far each partition is, whether all is judged, what stands still. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schemas.fields import Feed
from schemas.lane import LanePhase, LaneStatus
from schemas.topics import readings_topic, topic_spec

Ends = Mapping[int, int]
"""Offset behind the last record of each partition that a feed's lanes travel in."""


@dataclass(slots=True)
class LaneAccount:
    """One lane of one feed, from what is said of it."""

    feed: Feed
    lane: str
    latest: dict[int, LaneStatus] = field(default_factory=dict)
    """The last status of each partition."""

    def hear(self, statuses: Iterable[LaneStatus]) -> None:
        """Take statuses in the order in which they were said; those of other lanes are passed over."""
        for status in statuses:
            if (status.feed, status.lane) == (self.feed, self.lane):
                self.latest[status.partition] = status

    @property
    def partitions(self) -> int:
        """In how many partitions the lane has to be judged."""
        return topic_spec(readings_topic(self.feed, live=False)).partitions

    @property
    def judged(self) -> int:
        """Readings of this opening that were judged."""
        return sum(each.judged for each in self.latest.values())

    @property
    def refused(self) -> int:
        """Readings of this opening whose judging failed."""
        return sum(each.refused for each in self.latest.values())

    @property
    def clock(self) -> datetime | None:
        """The lane's own time where it is least far; None until every partition has one."""
        clocks = [each.clock for each in self.latest.values() if each.clock is not None]
        return min(clocks) if len(clocks) == self.partitions else None

    @property
    def furthest(self) -> datetime | None:
        """The lane's own time where it is furthest."""
        return max((each.clock for each in self.latest.values() if each.clock is not None), default=None)

    @property
    def is_open(self) -> bool:
        """Whether any partition holds it open."""
        return any(each.phase is LanePhase.OPEN for each in self.latest.values())

    @property
    def is_over(self) -> bool:
        """Whether it was open once and is closed.

        Opened again it begins without memory, and its revisions begin at 0: whoever has the higher ones of before keeps
        those.
        """
        return not self.is_open and any(each.phase is LanePhase.CLOSED for each in self.latest.values())

    @property
    def refusal(self) -> str | None:
        """Why it was not opened, where it was not."""
        words = [each.detail for each in self.latest.values() if each.phase is LanePhase.REFUSED]
        return (words[0] or f"lane {self.lane} is not opened: too many are open") if words else None

    def is_judged(self, ends: Ends) -> bool:
        """Whether everything before these offsets has been judged."""
        return all(
            partition in self.latest and self.latest[partition].next_offset >= end for partition, end in ends.items()
        )

    def is_closed(self, ends: Ends) -> bool:
        """Whether the lane was closed behind these offsets: an earlier opening's end does not count."""
        return all(
            (known := self.latest.get(partition)) is not None
            and known.phase is LanePhase.CLOSED
            and known.next_offset > end
            for partition, end in ends.items()
        )

    def lag(self, ends: Ends) -> int:
        """Records of the partitions, of this lane and others, that are still to be judged."""
        return sum(max(0, end - self.latest[each].next_offset) for each, end in ends.items() if each in self.latest)


def accounts(statuses: Iterable[LaneStatus]) -> list[LaneAccount]:
    """Every lane of which something was said, by feed and name."""
    found: dict[tuple[Feed, str], LaneAccount] = {}
    for status in statuses:
        account = found.setdefault((status.feed, status.lane), LaneAccount(status.feed, status.lane))
        account.hear([status])
    return [found[key] for key in sorted(found)]
