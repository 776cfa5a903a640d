"""What the city brain knows: every event once, and how each alert stands by the highest revision of it. Pure.

An event that is repeated changes nothing. One that arrives behind a later revision is counted, and the later one
stands. Exercises are kept apart from real life.

What the platform is owed is in the books as well: receipts of an alert's events, and that an alert has been taken.
Nothing is owed for what people did: a receipt comes back as an event, and would be confirmed for ever.
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


class What(StrEnum):
    """What goes back to the platform."""

    RECEIPT = "receipt"
    """An event is in the books."""
    TAKEN = "taken"
    """The duty desk here has an alert."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing that the platform is to be told."""

    what: What
    id: str
    """Of a receipt the event's; else the alert's."""


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

    returns: bool = False
    """Whether the platform is told anything."""
    takes: frozenset[str] = frozenset()
    """Severities of alerts that the duty desk takes at once."""
    seen: dict[str, bool] = field(default_factory=dict)
    """Event ids in the order of their arrival, and whether each is of an exercise."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    repeated: int = 0
    """Repeats that this process has seen."""
    old: int = 0
    owed: dict[Owed, None] = field(default_factory=dict)
    """In the order in which it came to be owed."""
    taken: set[str] = field(default_factory=set)
    """Alerts that the duty desk has taken."""
    told: dict[What, int] = field(default_factory=lambda: dict.fromkeys(What, 0))
    """How much the platform has been told."""

    def take(self, event: Event) -> Taken:
        """Enter an event."""
        taken = self._take(event)
        if taken is not Taken.REPEATED and event.kind is Kind.ALERT and self.returns:
            self.owed[Owed(What.RECEIPT, event.id)] = None
            self._take_on(event)
        return taken

    def settle(self, owed: Owed) -> None:
        """The platform knows, or has refused to."""
        self.owed.pop(owed, None)
        self.told[owed.what] += 1
        if owed.what is What.TAKEN:
            self.taken.add(owed.id)

    def forget_owed(self, most: int) -> None:
        """Owe no more than so much: what has been owed longest goes."""
        for owed in list(self.owed)[: max(0, len(self.owed) - most)]:
            del self.owed[owed]

    def _take_on(self, event: Event) -> None:
        alert = None if event.alert_id is None else self.alerts.get(event.alert_id)
        if event.alert_id is None or alert is None or event.alert_id in self.taken:
            return
        if alert.standing == "open" and not alert.acknowledged and alert.severity in self.takes:
            self.taken.add(event.alert_id)
            self.owed[Owed(What.TAKEN, event.alert_id)] = None

    def _take(self, event: Event) -> Taken:
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
