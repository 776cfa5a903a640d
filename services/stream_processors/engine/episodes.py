"""Episodes: intervals of event time in which a limit was exceeded, found by counting consecutive samples.

samples   ok  W  ok  W  W  W  ok  W  ok  ok  ok      (raise after 2, clear after 2)
episode               ├──────────────┤
                 started_us          ended_us
                         raised_us       cleared_us

An episode lasts from the first sample beyond the limit to the first of those that ended it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple


@dataclass(frozen=True, slots=True)
class Debounce:
    """How many consecutive samples it takes, as the operator's policy says."""

    raise_after: int
    """Samples in a row beyond the limit that open an episode; at least 1."""
    clear_after: int
    """Samples in a row within the limit that end it; at least 1."""


class Sample(NamedTuple):
    """One judged observation of one asset."""

    at_us: int
    """Event time; an asset has one sample a moment."""
    level: int | None
    """Steps beyond the limit: 0 is within it, None says that nothing can be said (such a sample neither raises nor
    clears)."""
    value: float | None
    """What was observed."""
    offsets: tuple[int, ...]
    """Offsets of the readings it rests on."""
    rank: tuple[int, str]
    """Decides between two samples of the same moment: the greater one counts, whatever the order of arrival."""
    payload: tuple[float | None, ...]
    """The measured values, as the feed's rules know them."""


class Peak(NamedTuple):
    """The worst sample of an episode, the first one of its level."""

    at_us: int
    level: int
    value: float | None
    payload: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Episode:
    """An interval in which the limit was exceeded; equal episodes say the same."""

    started_us: int
    """First sample beyond the limit."""
    raised_us: int
    """Sample that satisfied the debounce."""
    peak: Peak
    offsets: tuple[int, ...]
    """Readings that opened it, the worst one, those that ended it; ascending."""
    ended_us: int | None = None
    """First sample of those that ended it; None while it lasts."""
    cleared_us: int | None = None
    """Sample that satisfied the debounce of the end."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where the counting stands after a sample: all that is needed to go on from there."""

    worse: tuple[Sample, ...] = ()
    """Samples in a row beyond the limit, no episode yet."""
    episode: Episode | None = None
    """The episode that is open."""
    better: tuple[Sample, ...] = ()
    """Samples in a row within the limit, the episode still open."""


CALM: Final = Run()


def advance(run: Run, sample: Sample, debounce: Debounce) -> tuple[Run, Episode | None]:
    """Count one sample; the second value is the episode if this sample opened, worsened or ended it."""
    if sample.level is None:
        return run, None
    if run.episode is None:
        return _while_calm(run, sample, sample.level, debounce)
    return _while_open(run, run.episode, sample, sample.level, debounce)


def _while_calm(run: Run, sample: Sample, level: int, debounce: Debounce) -> tuple[Run, Episode | None]:
    if level == 0:
        return (CALM if run.worse else run), None
    worse = (*run.worse, sample)
    if len(worse) < debounce.raise_after:
        return Run(worse=worse), None
    top = max(worse, key=lambda s: s.level or 0)
    episode = Episode(
        started_us=worse[0].at_us,
        raised_us=sample.at_us,
        peak=Peak(top.at_us, top.level or 0, top.value, top.payload),
        offsets=_merged((), *(s.offsets for s in worse)),
    )
    return Run(episode=episode), episode


def _while_open(
    run: Run, episode: Episode, sample: Sample, level: int, debounce: Debounce
) -> tuple[Run, Episode | None]:
    if level > episode.peak.level:
        peak = Peak(sample.at_us, level, sample.value, sample.payload)
        worsened = replace(episode, peak=peak, offsets=_merged(episode.offsets, sample.offsets))
        return Run(episode=worsened), worsened
    if level > 0:
        return (Run(episode=episode) if run.better else run), None
    better = (*run.better, sample)
    if len(better) < debounce.clear_after:
        return Run(episode=episode, better=better), None
    ended = replace(
        episode,
        ended_us=better[0].at_us,
        cleared_us=sample.at_us,
        offsets=_merged(episode.offsets, *(s.offsets for s in better)),
    )
    return CALM, ended


def _merged(known: tuple[int, ...], *more: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted({*known, *(offset for offsets in more for offset in offsets)}))


def dump_run(run: Run) -> list[Any]:
    """JSON-ready form of a run."""
    episode = run.episode
    return [
        [tuple(s) for s in run.worse],
        None if episode is None else dump_episode(episode),
        [tuple(s) for s in run.better],
    ]


def load_run(dumped: list[Any]) -> Run:
    """A run from its JSON-ready form."""
    worse, episode, better = dumped
    return Run(
        tuple(load_sample(s) for s in worse),
        None if episode is None else load_episode(episode),
        tuple(load_sample(s) for s in better),
    )


def load_sample(dumped: list[Any]) -> Sample:
    """A sample from its JSON-ready form (the tuple itself as a list)."""
    at_us, level, value, offsets, rank, payload = dumped
    return Sample(at_us, level, value, tuple(offsets), (rank[0], rank[1]), tuple(payload))


def dump_episode(episode: Episode) -> list[Any]:
    """JSON-ready form of an episode."""
    return [
        episode.started_us,
        episode.raised_us,
        tuple(episode.peak),
        episode.offsets,
        episode.ended_us,
        episode.cleared_us,
    ]


def load_episode(dumped: list[Any]) -> Episode:
    """An episode from its JSON-ready form."""
    started_us, raised_us, (at_us, level, value, payload), offsets, ended_us, cleared_us = dumped
    peak = Peak(at_us, level, value, tuple(payload))
    return Episode(started_us, raised_us, peak, tuple(offsets), ended_us, cleared_us)
