"""Everything known of one key in one lane."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from services.stream_processors.engine.announcing import Book
from services.stream_processors.engine.device_clocks import Clocks
from services.stream_processors.engine.feed_rules import FeedRules
from services.stream_processors.engine.frame import Before, EpisodeKey, FigureKey
from services.stream_processors.engine.indicators import Published
from services.stream_processors.engine.numbers import Numbers
from services.stream_processors.engine.timeline import Timeline, new_timeline
from services.stream_processors.engine.window import Window

S = TypeVar("S")

_HOUR_US: Final = 3_600 * 1_000_000


@dataclass(slots=True)
class Written:
    """Which parts of the state have been given, so that only what differs is given again."""

    touched: bool = True
    """Anything may differ."""
    alerts: bool = True
    hours: set[int] = field(default_factory=set)
    """Of figures that may differ (see `hour_of`)."""
    digests: dict[str, bytes] = field(default_factory=dict)
    """Of parts that are written again and again."""
    checkpoints: set[int] = field(default_factory=set)
    befores: dict[str, tuple[Before, ...]] = field(default_factory=dict)
    open: tuple[tuple[Before, ...], int] = ((), 0)
    """What the part `before` was made of, and its size."""
    pieces: dict[str, int] = field(default_factory=dict)
    """Of parts that had to be cut."""


@dataclass(slots=True)
class Held:
    """What old readings have touched and has not been said yet: the rest of what is old may change it once more."""

    episodes: set[EpisodeKey] = field(default_factory=set)
    figures: set[FigureKey] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.episodes or self.figures)


@dataclass(slots=True)
class KeyState(Generic[S]):
    """Everything known of one key in one lane."""

    key: str
    lane: str
    line: Timeline[S]
    book: Book = field(default_factory=dict)
    published: dict[FigureKey, Published] = field(default_factory=dict)
    ahead: Window = field(default_factory=lambda: Window("a"))
    """Readings dated in the future."""
    clock_us: int | None = None
    """The lane's clock when the key was last looked at."""
    review_us: int | None = None
    """A grace period or a maintenance window ends then."""
    held: Held = field(default_factory=Held)
    numbers: Numbers = field(default_factory=Numbers)
    """Of the readings that came."""
    clocks: Clocks | None = None
    """Devices whose clocks are wrong; nearly always there are none."""
    written: Written = field(default_factory=Written)


def new_key_state(rules: FeedRules[S], key: str, lane: str) -> KeyState[S]:
    """State of a key of which nothing is known."""
    return KeyState(key, lane, new_timeline(rules, key, lane))


def hour_of(name: FigureKey) -> int:
    """The hour in which a figure's period ends: figures of one hour are written together."""
    return name[3] // _HOUR_US
