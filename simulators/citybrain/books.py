"""What the city brain knows: every event once, and how each alert stands by the highest revision of it. Pure.

An event that is repeated changes nothing. One that arrives behind a later revision is counted, and the later one
stands. Exercises are kept apart from real life.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from simulators.citybrain.event import Event, Kind


class Taken(StrEnum):
    """What became of an event that was received."""

    NEW = "new"
    REPEATED = "repeated"
    """It is in the books already."""
    OLD = "old"
    """A later revision of its alert is in the books: it is counted and changes nothing else."""


@dataclass(frozen=True, slots=True)
class Alert:
    """How an alert stands here."""

    revision: int = -1
    """-1 while only actions on it are known."""
    what: str = ""
    severity: str | None = None
    place: str = ""
    over: bool = False
    exercise: bool = False
    acknowledged: bool = False

    @property
    def standing(self) -> str:
        """In one word."""
        if self.what == "retracted":
            return "retracted"
        return "resolved" if self.over else "open"


@dataclass(slots=True)
class Books:
    """Everything that is known."""

    seen: dict[str, bool] = field(default_factory=dict)
    """Event ids in the order of their arrival, and whether each is of an exercise."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    repeated: int = 0
    """Repeats that this process has seen."""
    old: int = 0

    def take(self, event: Event) -> Taken:
        """Enter an event."""
        if event.id in self.seen:
            self.repeated += 1
            return Taken.REPEATED
        self.seen[event.id] = event.exercise
        if event.alert_id is None or event.kind is Kind.UNKNOWN:
            return Taken.NEW
        alert = self.alerts.get(event.alert_id, Alert(exercise=event.exercise))
        if event.kind is Kind.ACTION:
            taken = event.what in {"acknowledged", "assigned"}
            self.alerts[event.alert_id] = replace(alert, acknowledged=alert.acknowledged or taken)
            return Taken.NEW
        if event.revision is not None and event.revision <= alert.revision:
            self.old += 1
            return Taken.OLD
        self.alerts[event.alert_id] = replace(
            alert,
            revision=-1 if event.revision is None else event.revision,
            what=event.what,
            severity=event.severity,
            place=event.place,
            over=event.over,
            exercise=event.exercise,
        )
        return Taken.NEW

    def open(self, *, exercise: bool) -> int:
        """How many alerts are open."""
        return sum(1 for each in self.alerts.values() if each.standing == "open" and each.exercise is exercise)
