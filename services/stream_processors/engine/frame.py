"""What is known of one key at one position of event time: the rules' state, and what follows from it so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.feed_rules import Figure

S = TypeVar("S")

Position = tuple[int | str, ...]
"""Where in the order of event time: (time, device, boot, seq) of an entry, or (time, `AFTER`) of a wake."""

AFTER: Final = "\U0010ffff"
"""Sorts behind every device: a wake comes after the readings of its moment."""

NEVER_US: Final = 2**62
"""Later than any time."""

NOWHERE: Final[Position] = (-NEVER_US,)

EpisodeKey = tuple[str, str, int]
"""Rule, asset, start."""

FigureKey = tuple[str, str, int, int]
"""Indicator, subject, period."""


@dataclass(slots=True)
class Frame(Generic[S]):
    """One state of one key."""

    state: S
    position: Position = NOWHERE
    """Everything up to here has been applied."""
    wakes: dict[str, int] = field(default_factory=dict)
    episodes: dict[EpisodeKey, Episode] = field(default_factory=dict)
    """All that can still change."""
    figures: dict[FigureKey, Figure] = field(default_factory=dict)

    def copy(self, copy_state: Callable[[S], S]) -> Frame[S]:
        """A frame that does not change when this one does."""
        return Frame(
            copy_state(self.state), self.position, self.wakes.copy(), self.episodes.copy(), self.figures.copy()
        )

    def due(self, until_us: int) -> tuple[int, str] | None:
        """The first wake before a time."""
        found: tuple[int, str] | None = None
        for name, at_us in self.wakes.items():
            if at_us < until_us and (found is None or (at_us, name) < found):
                found = (at_us, name)
        return found


class Voice(Generic[S]):
    """Writes what rules say into a frame, and remembers what was touched."""

    __slots__ = ("episodes", "figures", "frame", "next_wake_us")

    def __init__(self, frame: Frame[S]) -> None:
        self.frame = frame
        self.episodes: dict[EpisodeKey, None] = {}
        """Touched since the last `quiet`, in order."""
        self.figures: dict[FigureKey, None] = {}
        self.next_wake_us: int = NEVER_US
        """The earliest wake set since `await_wakes`."""

    def episode(self, rule: str, asset: str, episode: Episode) -> None:
        """See `feed_rules.Say`."""
        key = (rule, asset, episode.started_us)
        self.frame.episodes[key] = episode
        self.episodes[key] = None

    def no_episode(self, rule: str, asset: str, started_us: int) -> None:
        """See `feed_rules.Say`."""
        key = (rule, asset, started_us)
        if self.frame.episodes.pop(key, None) is not None:
            self.episodes[key] = None

    def figure(self, figure: Figure) -> None:
        """See `feed_rules.Say`."""
        key = (figure.id, figure.subject, figure.period_start_us, figure.period_end_us)
        self.frame.figures[key] = figure
        self.figures[key] = None

    def wake(self, name: str, at_us: int) -> None:
        """See `feed_rules.Say`."""
        self.frame.wakes[name] = at_us
        self.next_wake_us = min(self.next_wake_us, at_us)

    def no_wake(self, name: str) -> None:
        """See `feed_rules.Say`."""
        self.frame.wakes.pop(name, None)

    def quiet(self) -> None:
        """Forget what was touched."""
        self.episodes.clear()
        self.figures.clear()

    def await_wakes(self) -> None:
        """Watch anew which wakes are set."""
        self.next_wake_us = NEVER_US
