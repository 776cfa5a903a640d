"""What the screen remembers between two refreshes: snapshots for the rates, and what happened. Pure."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Final

from deploy.local.supervisor import Event, State
from schemas.fields import Feed
from services.district.figures import Snapshot, alert_changes, rates
from services.district.words import alert_sentence, clock, process_troubles
from services.runtime.printable import printable

RATE_WINDOW: Final = timedelta(seconds=10)
EVENTS_KEPT: Final = 20


class Board:
    """The latest figures, the rates over the last seconds, and the last events."""

    def __init__(self) -> None:
        self._history: deque[Snapshot] = deque()
        self.events: deque[str] = deque(maxlen=EVENTS_KEPT)

    @property
    def latest(self) -> Snapshot | None:
        """The newest snapshot."""
        return self._history[-1] if self._history else None

    def rates(self) -> dict[Feed, float | None]:
        """Readings received per second of each feed over the window, as far as it reaches."""
        return rates(self._history)

    def note(self, line: str) -> None:
        """Remember that something happened."""
        self.events.append(line)

    def take(self, snapshot: Snapshot) -> list[str]:
        """Take new figures; return what happened between these and those before, one line each."""
        before = self.latest
        self._history.append(snapshot)
        while len(self._history) > 2 and snapshot.seconds - self._history[1].seconds >= RATE_WINDOW.total_seconds():
            self._history.popleft()
        changes = alert_changes(before, snapshot)
        opened = [alert_sentence(alert, "opened") for alert in changes.opened]
        closed = [alert_sentence(alert, "closed") for alert in changes.closed]
        return [f"{clock(snapshot.at)} {line}" for line in (*opened, *closed, *new_trouble(before, snapshot))]


def new_trouble(before: Snapshot | None, after: Snapshot) -> list[str]:
    """What is wrong now and was not in the snapshot before; of the platform's alerts the supervisor tells itself."""
    known = set(process_troubles(before)) if before is not None else set()
    return [line for line in process_troubles(after) if line not in known]


def event_line(event: Event) -> str | None:
    """Say what happened to a process in a line; None for what is of no interest."""
    words = _words(event)
    return printable(f"{clock(event.at)} {event.name}: {words}") if words is not None else None


def _words(event: Event) -> str | None:
    match event.state:
        case State.READY | State.TROUBLED | State.WAITING:
            return event.detail
        case State.FAILED:
            return f"does not start: {event.detail}"
        case State.STOPPED:
            return "stopped"
        case State.STARTING | State.STOPPING:
            return None
