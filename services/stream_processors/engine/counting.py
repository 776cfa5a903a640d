"""Counting samples into episodes, as the operator's policy says. Pure.

samples   ok  W  ok  W  W  W  ok  W  ok  ok  ok      (raise after 2, clear after 2)
episode               ├──────────────┤
                 started_us          ended_us
                         raised_us       cleared_us

An episode lasts from the first sample beyond the limit to the first of those that ended it. Only event times of samples
count: "for five minutes" means that samples five minutes apart, with none too far from the next, say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from schemas.plan.policy import RulePolicy
from services.stream_processors.engine.payload import Payload

_MICROSECONDS: Final = 1_000_000
_OFFSETS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Debounce:
    """The parts of a rule's policy that count."""

    raise_after: int = 1
    raise_of: int | None = None
    raise_for_us: int = 0
    gap_max_us: int | None = None
    clear_after: int = 1
    clear_for_us: int = 0
    hold_us: int = 0
    step_down_after: int = 1

    @classmethod
    def of(cls, policy: RulePolicy) -> Debounce:
        """Debounce of a rule."""
        return cls(
            raise_after=policy.raise_after,
            raise_of=policy.raise_of,
            raise_for_us=round(policy.raise_for_seconds * _MICROSECONDS),
            gap_max_us=None if policy.gap_max_seconds is None else round(policy.gap_max_seconds * _MICROSECONDS),
            clear_after=policy.clear_after,
            clear_for_us=round(policy.clear_for_seconds * _MICROSECONDS),
            hold_us=round(policy.hold_seconds * _MICROSECONDS),
            step_down_after=policy.step_down_after,
        )


class Sample(NamedTuple):
    """One judged observation of one asset under one rule."""

    at_us: int
    level: int | None
    """Steps beyond the limit: 0 is within it, None says that nothing can be said (neither raises nor clears)."""
    value: float | None
    offset: int
    """Offset of the reading it rests on."""
    payload: Payload = ()
    """What the rule wants to tell of it; JSON-ready."""
    clears: bool = True
    """False on a sample within the limit that is not yet within the clear value: it neither raises nor clears."""


class Peak(NamedTuple):
    """The worst sample of an episode, the first one of its level."""

    at_us: int
    level: int
    value: float | None
    payload: Payload


@dataclass(frozen=True, slots=True)
class Episode:
    """An interval in which a rule was broken; equal episodes say the same."""

    started_us: int
    """First sample beyond the limit."""
    raised_us: int
    """When the debounce was satisfied."""
    level: int
    """Steps beyond the limit as it stands (steps up at once, down after `step_down_after` samples)."""
    peak: Peak
    offsets: tuple[int, ...]
    """Readings that opened it, the worst one, those that ended it; ascending."""
    ended_us: int | None = None
    """First sample of those that ended it; None while it lasts."""
    cleared_us: int | None = None
    """When the debounce of the end was satisfied."""
    now: Peak | None = None
    """The sample with which it took the level at which it stands; None: its peak."""

    @property
    def standing(self) -> Peak:
        """How it stands: the sample with which it took its level."""
        return self.peak if self.now is None else self.now


class Run(NamedTuple):
    """Where the counting stands after a sample: all that is needed to go on from there."""

    recent: tuple[Sample, ...] = ()
    """While calm: the samples that may still open an episode, the oldest first."""
    episode: Episode | None = None
    """The episode that is open."""
    better: tuple[Sample, ...] = ()
    """While open: samples in a row that clear."""
    lower: int = 0
    """While open: samples in a row of a lower level."""


CALM: Final = Run()


def advance(run: Run, sample: Sample, debounce: Debounce) -> tuple[Run, Episode | None]:
    """Count one sample; the second value is the episode if this sample opened, changed or ended it."""
    if sample.level is None:
        return run, None
    if run.episode is None:
        if sample.level == 0 and not run.recent:
            return run, None
        return _while_calm(run, sample, debounce)
    return _while_open(run, run.episode, sample, sample.level, debounce)


def _while_calm(run: Run, sample: Sample, debounce: Debounce) -> tuple[Run, Episode | None]:
    recent = run.recent
    gap_max_us = debounce.gap_max_us
    if recent and gap_max_us is not None and sample.at_us - recent[-1].at_us > gap_max_us:
        recent = ()
    if debounce.raise_of is None:
        if sample.level == 0:
            return CALM, None
        recent = (*recent, sample)
        beyond = recent
    else:
        recent = (*recent, sample)[-debounce.raise_of :]
        while recent and recent[0].level == 0:
            recent = recent[1:]
        beyond = tuple(s for s in recent if s.level)
    enough = len(beyond) >= debounce.raise_after and sample.level != 0
    if not enough or sample.at_us - beyond[0].at_us < debounce.raise_for_us:
        if debounce.raise_of is None and len(recent) > debounce.raise_after + 1:
            # The first one, for the span, and the last ones, for the count, are all that matters; the worst stays too.
            recent = _thinned(recent, debounce.raise_after)
        return Run(recent=recent), None
    top = max(beyond, key=_level)
    episode = Episode(
        started_us=beyond[0].at_us,
        raised_us=sample.at_us,
        level=_level(sample),
        peak=_as_peak(top),
        offsets=_merged((), *(s.offset for s in beyond)),
        now=_as_peak(sample) if _level(sample) < _level(top) else None,
    )
    return Run(episode=episode), episode


def _thinned(recent: tuple[Sample, ...], keep: int) -> tuple[Sample, ...]:
    top = max(recent, key=_level)
    chosen = {recent[0].at_us, top.at_us, *(s.at_us for s in recent[-keep:])}
    return tuple(s for s in recent if s.at_us in chosen)


def _while_open(
    run: Run, episode: Episode, sample: Sample, level: int, debounce: Debounce
) -> tuple[Run, Episode | None]:
    if level > 0:
        return _still_beyond(run, episode, sample, level, debounce)
    if not sample.clears:
        return (run._replace(better=()) if run.better else run), None
    better = (*run.better, sample)
    held = sample.at_us - episode.raised_us >= debounce.hold_us
    spans = sample.at_us - better[0].at_us >= debounce.clear_for_us
    if len(better) < debounce.clear_after or not held or not spans:
        kept = better if len(better) <= debounce.clear_after + 1 else (better[0], *better[-debounce.clear_after :])
        return Run(episode=episode, better=kept, lower=run.lower), None
    ended = replace(
        episode,
        ended_us=better[0].at_us,
        cleared_us=sample.at_us,
        offsets=_merged(episode.offsets, *(s.offset for s in better)),
    )
    return CALM, ended


def _still_beyond(
    run: Run, episode: Episode, sample: Sample, level: int, debounce: Debounce
) -> tuple[Run, Episode | None]:
    changed = episode
    lower = 0
    if level > episode.peak.level:
        offsets = _merged(episode.offsets, sample.offset)
        changed = replace(episode, peak=_as_peak(sample), level=level, offsets=offsets, now=None)
    elif level > episode.level:
        changed = replace(episode, level=level, now=_as_peak(sample))
    elif level < episode.level:
        lower = run.lower + 1
        if lower >= debounce.step_down_after:
            changed, lower = replace(episode, level=level, now=_as_peak(sample)), 0
    if changed is episode:
        same = not run.better and lower == run.lower
        return (run if same else Run(episode=episode, lower=lower)), None
    return Run(episode=changed, lower=lower), changed


def _level(sample: Sample) -> int:
    return sample.level or 0


def _as_peak(sample: Sample) -> Peak:
    return Peak(sample.at_us, _level(sample), sample.value, sample.payload)


def _merged(known: tuple[int, ...], *more: int) -> tuple[int, ...]:
    return tuple(sorted({*known, *more}))[:_OFFSETS_MAX]


def dump_run(run: Run) -> list[Any]:
    """JSON-ready form of a run."""
    episode = run.episode
    return [
        [tuple(s) for s in run.recent],
        None if episode is None else dump_episode(episode),
        [tuple(s) for s in run.better],
        run.lower,
    ]


def load_run(dumped: list[Any]) -> Run:
    """A run from its JSON-ready form."""
    recent, episode, better, lower = dumped
    return Run(
        tuple(_load_sample(s) for s in recent),
        None if episode is None else load_episode(episode),
        tuple(_load_sample(s) for s in better),
        lower,
    )


def _load_sample(dumped: list[Any]) -> Sample:
    at_us, level, value, offset, payload, clears = dumped
    return Sample(at_us, level, value, offset, frozen(payload), clears)


def dump_episode(episode: Episode) -> list[Any]:
    """JSON-ready form of an episode."""
    return [
        episode.started_us,
        episode.raised_us,
        episode.level,
        tuple(episode.peak),
        episode.offsets,
        episode.ended_us,
        episode.cleared_us,
        *(() if episode.now is None else (tuple(episode.now),)),
    ]


def load_episode(dumped: list[Any]) -> Episode:
    """An episode from its JSON-ready form."""
    started_us, raised_us, level, peak, offsets, ended_us, cleared_us, *now = dumped
    stands = _load_peak(now[0]) if now else None
    return Episode(started_us, raised_us, level, _load_peak(peak), tuple(offsets), ended_us, cleared_us, stands)


def _load_peak(dumped: list[Any]) -> Peak:
    at_us, level, value, payload = dumped
    return Peak(at_us, level, value, frozen(payload))


def frozen(dumped: Any) -> Any:
    """Lists of a JSON document as the tuples they were."""
    return tuple(frozen(part) for part in dumped) if isinstance(dumped, list) else dumped
