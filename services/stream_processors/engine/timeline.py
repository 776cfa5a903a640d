"""The timeline of one key: its readings in the order of event time, and the rules' state along them.

    checkpoints   c0 ........ c1 ........ c2 ....... head
    window           e e e e e   e e e e e   e e e

A reading in order costs one `apply` on the head. A late one waits; at the next tick a *shadow* sets out from the last
checkpoint before it, beside the head, and meets what is late in its place:

    head                                         ──▶ what is said follows from it
    window           e e e e e   e e e e e   e e e
    late                         l   l  l            met by the shadow; later ones behind it wait for the next one
    shadow                    c1 ──▶                 goes on by grants: 2 readings for each reading in order,
                                                     `spare` at a tick

When the shadow has come to where the head is, it becomes the head, and the difference is said once: what arose and
vanished on the way is never said. So late readings cost at most twice what readings in order cost, however late they
are, and at rest they are judged within a second. What is concluded depends on the readings and the clock alone, never
on the order of arrival; and when it is said depends on the log alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from services.stream_processors.engine.event_time import span_us
from services.stream_processors.engine.feed_rules import Entry, FeedRules
from services.stream_processors.engine.frame import Checkpoint, Frame, Trail, Voice
from services.stream_processors.engine.position import NEVER_US, Position
from services.stream_processors.engine.window import Window

S = TypeVar("S")

CHECKPOINT_ENTRIES: Final = 32
"""A checkpoint is taken after so many readings at least (more where a key has many assets: copies cost)."""
CHECKPOINT_IN_ORDER: Final = 16
"""The same for rules under which any disorder goes back to one."""
CREDIT_MAX: Final = 64
"""So many readings that were paid for, and not applied again yet, are remembered."""


class Failure(NamedTuple):
    """The rules raised."""

    entry: Entry | None
    wake: tuple[int, str] | None
    detail: str


@dataclass(slots=True)
class Redo(Generic[S]):
    """A shadow on its way."""

    trail: Trail[S]
    """The shadow, from a twin of one of the head's checkpoints on."""
    late: list[Entry]
    """What it meets beside the window, sorted."""
    start: Position
    """The first of what was late."""
    free_to: Position
    """From here on its steps are paid for: the way there from the checkpoint is short, or was paid for already."""
    heard_us: int = -NEVER_US
    """The clock when a reading in order has last paid for it."""
    stands: bool = False
    """It knows that nothing has been paid for the next step; what is only remembered here need not be stored."""
    left_min: int = 0
    """So many readings are left to be applied at least."""


@dataclass(slots=True)
class Timeline(Generic[S]):
    """Readings and frames of one key. The first checkpoint of the trail is the base: what it has applied is final."""

    key: str
    lane: str
    trail: Trail[S]
    window: Window = field(default_factory=Window)
    """Readings behind the base."""
    pending: list[Entry] = field(default_factory=list)
    """Late readings that wait for the next shadow, sorted; not in the window."""
    redo: Redo[S] | None = None
    newest: dict[str, int] = field(default_factory=dict)
    """Time of each asset's newest reading in the window."""
    fired_us: int = -NEVER_US
    """Up to here wakes have been called."""
    closed_us: int = -NEVER_US
    """Readings before it come too late, because the window overflowed."""
    folded_us: int = -NEVER_US
    """Everything before it is final. It stays behind what a shadow still has to judge."""
    credit: int = CREDIT_MAX
    """Readings that may be applied once more for the sake of late ones; below 0: owed."""
    number: int = 1
    """Of the next checkpoint."""
    skipped: set[Position] = field(default_factory=set)
    """Readings at which the rules raised; they are passed over."""
    skipped_wakes: set[tuple[int, str]] = field(default_factory=set)
    failed: list[Failure] = field(default_factory=list)
    """What has to be told of it."""

    @property
    def head(self) -> Frame[S]:
        """What is said follows from it."""
        return self.trail.frame

    def waits(self) -> bool:
        """Whether late readings have not been judged yet."""
        return self.redo is not None or bool(self.pending)


def spacing_of(rules: FeedRules[S]) -> int:
    """How far checkpoints are apart, at least."""
    return CHECKPOINT_ENTRIES if rules.commutes else CHECKPOINT_IN_ORDER


def fee_of(rules: FeedRules[S]) -> int:
    """What it costs to go back, whichever checkpoint there is: the way to what is late, on average."""
    return spacing_of(rules) // 2


def new_timeline(rules: FeedRules[S], key: str, lane: str) -> Timeline[S]:
    """The timeline of a key of which nothing is known."""
    frame = Frame(rules.new_state(key, lane))
    base = Checkpoint(0, frame.position, rules.copy(frame.state), {})
    return Timeline(key, lane, Trail(frame, Voice(frame, span_us(rules.lateness)), [base]))
