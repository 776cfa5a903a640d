"""What is known of one key at one position of event time: the rules' state, and what follows from it so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.position import NEVER_US, NOWHERE, Position

S = TypeVar("S")
K = TypeVar("K")
V = TypeVar("V")

EpisodeKey = tuple[str, str, int]
"""Rule, asset, start."""

FigureKey = tuple[str, str, int, int]
"""Indicator, subject, period."""

PASSED: Final = ":passed"
"""Wake of the engine's own: the first wake that a reading has taken back although it lay before that reading. The clock
had not come so far, or it would have been called; when the clock does, what was said must follow from calling it."""

_HOUR_US: Final = 3_600 * 1_000_000


@dataclass(slots=True)
class Before:
    """How episodes and figures stood at a checkpoint: those only that were touched later; None: there was none."""

    episodes: dict[EpisodeKey, Episode | None] = field(default_factory=dict)
    figures: dict[FigureKey, Figure | None] = field(default_factory=dict)

    def undo(self, episodes: dict[EpisodeKey, Episode], figures: dict[FigureKey, Figure]) -> None:
        """Bring what stood later back to how it stood at the checkpoint."""
        _undo(self.episodes, episodes)
        _undo(self.figures, figures)

    def __bool__(self) -> bool:
        return bool(self.episodes or self.figures)


def _undo(before: dict[K, V | None], now: dict[K, V]) -> None:
    for key, value in before.items():
        if value is None:
            now.pop(key, None)
        else:
            now[key] = value


def joined(befores: Iterable[Before]) -> Before:
    """What several in a row come to, the earliest first: how it stood at the first of their checkpoints."""
    found = Before()
    for before in befores:
        found.episodes = {**before.episodes, **found.episodes}
        found.figures = {**before.figures, **found.figures}
    return found


@dataclass(slots=True)
class Frame(Generic[S]):
    """One state of one key."""

    state: S
    position: Position = NOWHERE
    """Everything up to here has been applied."""
    wakes: dict[str, int] = field(default_factory=dict)
    next_us: int = NEVER_US
    """No wake is earlier."""
    episodes: dict[EpisodeKey, Episode] = field(default_factory=dict)
    """All that can still change."""
    figures: dict[FigureKey, Figure] = field(default_factory=dict)
    before: Before = field(default_factory=Before)
    """How it stood at the last checkpoint."""

    def due(self, until_us: int) -> list[tuple[int, str]]:
        """The wakes before a time, in order."""
        if self.next_us >= until_us or self.first_us() >= until_us:
            return []
        return sorted([(at_us, name) for name, at_us in self.wakes.items() if at_us < until_us])

    def first_us(self) -> int:
        """Time of the earliest wake, `NEVER_US` without any."""
        self.next_us = first_us = min(self.wakes.values(), default=NEVER_US)
        return first_us


@dataclass(slots=True)
class Checkpoint(Generic[S]):
    """A state to which one can go back: state, position and wakes are never changed."""

    number: int
    """Names its part of the state."""
    position: Position
    state: S | None
    """None when it is packed."""
    wakes: dict[str, int]
    packed: tuple[int, bytes] | None = None
    """Version and bytes of the state."""
    applied: int = 0
    """Readings applied up to here."""
    before: Before = field(default_factory=Before)
    """Of the time from here to the next checkpoint (of the last one: in the frame that has gone on from here)."""


class Voice(Generic[S]):
    """Writes what rules say into a frame, and remembers what was touched.

    Args:
        lateness_us: What ended so long before the moment at which the rules are is not changed any more. That is a
            question of event time alone, never of the clock: the same readings say the same in any order.
    """

    __slots__ = ("_asked", "at_us", "episodes", "figures", "frame", "lateness_us", "next_wake_us", "reading_us")

    def __init__(self, frame: Frame[S], lateness_us: int) -> None:
        self.frame = frame
        self.lateness_us = lateness_us
        self.at_us = 0
        """The moment at which the rules are."""
        self.episodes: dict[EpisodeKey, None] = {}
        """Touched since the last `quiet`, in order."""
        self.figures: dict[FigureKey, None] = {}
        self.next_wake_us: int = NEVER_US
        """The earliest wake set since it was last set to `NEVER_US`."""
        self.reading_us: int = -NEVER_US
        """Time of the reading that is applied; `-NEVER_US` while a wake is called."""
        self._asked: set[str] = set()
        """Wakes before this reading that it has asked for itself: it may take them back."""

    def reads(self, at_us: int) -> None:
        """A reading of this time is applied now."""
        self.at_us = self.reading_us = at_us
        if self._asked:
            self._asked.clear()

    def wakes(self, at_us: int) -> None:
        """A wake is called now, when the rules have come to this time."""
        self.at_us, self.reading_us = at_us, -NEVER_US

    def episode(self, rule: str, asset: str, episode: Episode) -> None:
        """See `feed_rules.Say`."""
        key = (rule, asset, episode.started_us)
        frame = self.frame
        known = frame.episodes.get(key)
        if is_over(known or episode, self.at_us - self.lateness_us):
            return
        frame.before.episodes.setdefault(key, known)
        frame.episodes[key] = episode
        self.episodes[key] = None

    def no_episode(self, rule: str, asset: str, started_us: int) -> None:
        """See `feed_rules.Say`."""
        key = (rule, asset, started_us)
        frame = self.frame
        known = frame.episodes.get(key)
        if known is None or is_over(known, self.at_us - self.lateness_us):
            return
        frame.before.episodes.setdefault(key, known)
        del frame.episodes[key]
        self.episodes[key] = None

    def figure(self, figure: Figure) -> None:
        """See `feed_rules.Say`."""
        key = (figure.id, figure.subject, figure.period_start_us, figure.period_end_us)
        if is_past(key, self.at_us - self.lateness_us):
            return
        frame = self.frame
        frame.before.figures.setdefault(key, frame.figures.get(key))
        frame.figures[key] = figure
        self.figures[key] = None

    def wake(self, name: str, at_us: int) -> None:
        """See `feed_rules.Say`."""
        frame = self.frame
        known_us = frame.wakes.get(name)
        if known_us is not None and known_us < self.reading_us and known_us != at_us:
            self._pass(name, known_us)
        if at_us < self.reading_us:
            self._asked.add(name)
        frame.wakes[name] = at_us
        frame.next_us = min(frame.next_us, at_us)
        self.next_wake_us = min(self.next_wake_us, at_us)

    def no_wake(self, name: str) -> None:
        """See `feed_rules.Say`."""
        known_us = self.frame.wakes.pop(name, None)
        if known_us is not None and known_us < self.reading_us:
            self._pass(name, known_us)

    def _pass(self, name: str, at_us: int) -> None:
        if name not in self._asked:
            frame = self.frame
            frame.wakes[PASSED] = min(at_us, frame.wakes.get(PASSED, at_us))
            frame.next_us = min(frame.next_us, at_us)

    def touch(self, before: Before) -> None:
        """What stood differently once may have to be said."""
        self.episodes.update(dict.fromkeys(before.episodes))
        self.figures.update(dict.fromkeys(before.figures))

    def quiet(self) -> None:
        """Forget what was touched."""
        self.episodes.clear()
        self.figures.clear()


@dataclass(slots=True)
class Trail(Generic[S]):
    """A frame that goes forward, and the checkpoints that it has left behind. The first one is its base."""

    frame: Frame[S]
    voice: Voice[S]
    checkpoints: list[Checkpoint[S]]
    since: int = 0
    """Readings applied since the last checkpoint."""

    def drop_last(self) -> None:
        """Do without the last checkpoint."""
        gone = self.checkpoints.pop()
        last = self.checkpoints[-1]
        self.since += max(0, gone.applied - last.applied)
        self.frame.before, last.before = joined([last.before, self.frame.before]), Before()

    def drop(self, index: int) -> None:
        """Do without a checkpoint between the first and the last."""
        gone = self.checkpoints.pop(index)
        last = self.checkpoints[index - 1]
        last.before = joined([last.before, gone.before])

    def thin(self, keep: int) -> None:
        """Do without one checkpoint, so that they stand the closer the nearer they are to the frame.

        Args:
            keep: So many of the newest stay.
        """
        now = self.checkpoints[-1].applied + self.since
        applied = [checkpoint.applied for checkpoint in self.checkpoints]
        gaps = [
            (after - before) / (now - here + 1)
            for before, here, after in zip(applied, applied[1:], applied[2 : len(applied) - keep + 1], strict=False)
        ]
        self.drop(gaps.index(min(gaps)) + 1)

    def index_before(self, position: Position) -> int:
        """The last checkpoint that stands before a position, at least the base."""
        index = len(self.checkpoints) - 1
        while index > 0 and self.checkpoints[index].position >= position:
            index -= 1
        return index

    def changed_since(self, index: int) -> Before:
        """How what was touched since a checkpoint stood there."""
        return joined([*(checkpoint.before for checkpoint in self.checkpoints[index:]), self.frame.before])


def frame_at(trail: Trail[S], index: int, state: S) -> Frame[S]:
    """A frame as it stood at a checkpoint of a trail.

    Args:
        state: A copy of the checkpoint's.
    """
    checkpoint = trail.checkpoints[index]
    episodes, figures = trail.frame.episodes.copy(), trail.frame.figures.copy()
    trail.changed_since(index).undo(episodes, figures)
    wakes = checkpoint.wakes.copy()
    return Frame(state, checkpoint.position, wakes, min(wakes.values(), default=NEVER_US), episodes, figures)


def take_checkpoint(trail: Trail[S], number: int, copy_state: Callable[[S], S]) -> None:
    """Remember how the frame stands now."""
    frame = trail.frame
    last = trail.checkpoints[-1]
    last.before, frame.before = frame.before, Before()
    state, applied = copy_state(frame.state), last.applied + trail.since
    trail.checkpoints.append(Checkpoint(number, frame.position, state, frame.wakes.copy(), applied=applied))
    trail.since = 0


def is_over(episode: Episode, before_us: int) -> bool:
    """Whether an episode had ended before a time."""
    return episode.cleared_us is not None and episode.cleared_us < before_us


def is_past(name: FigureKey, before_us: int) -> bool:
    """Whether a figure's period and as much again (an hour at least) were over before a time."""
    _, _, start_us, end_us = name
    return end_us + max(end_us - start_us, _HOUR_US) < before_us
