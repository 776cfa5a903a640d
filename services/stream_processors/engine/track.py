"""The window of one asset: its samples in order of event time, what came before them, what was announced.

Samples older than the lateness bound are folded into `folded`, the counting as it stood after them. `head` is the
counting after the newest sample, so that a sample in order costs one `advance`; a late one is inserted at its place
and everything since the fold is counted again.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.stream_processors.engine.announcements import (
    Announced,
    Announcement,
    Book,
    announce,
    correct,
    forget_final,
)
from services.stream_processors.engine.episodes import (
    CALM,
    Debounce,
    Episode,
    Run,
    Sample,
    advance,
    dump_episode,
    dump_run,
    load_episode,
    load_run,
    load_sample,
)
from services.stream_processors.engine.events import Fate


@dataclass(slots=True)
class Track:
    """Window, counting and announcements of one asset under one rule."""

    samples: list[Sample] = field(default_factory=list)
    folded: Run = CALM
    head: Run = CALM
    folded_until_us: int | None = None
    """Event time of the newest folded sample; nothing at or before it can be inserted."""
    book: Book = field(default_factory=dict)


class Insertion(NamedTuple):
    """What inserting a sample did."""

    fate: Fate
    replaced: Sample | None
    """The sample of the same moment that no longer counts."""
    announcements: list[Announcement]


def insert(track: Track, sample: Sample, debounce: Debounce, samples_max: int) -> Insertion:
    """Put a sample at its place in the window and say what follows from it.

    Args:
        samples_max: Safety limit of the window; beyond it the oldest samples are folded before their time.
    """
    samples = track.samples
    if track.folded_until_us is not None and sample.at_us <= track.folded_until_us:
        return Insertion(Fate.TOO_LATE, None, [])
    if not samples or sample.at_us > samples[-1].at_us:
        samples.append(sample)
        track.head, episode = advance(track.head, sample, debounce)
        said = [] if episode is None else announce(track.book, episode)
        if len(samples) > samples_max:
            fold(track, samples[max(1, samples_max // 8)].at_us, debounce)
        return Insertion(Fate.IN_ORDER, None, said)
    return _insert_late(track, sample, debounce)


def _insert_late(track: Track, sample: Sample, debounce: Debounce) -> Insertion:
    samples = track.samples
    place = bisect_left(samples, sample.at_us, key=_event_time)
    replaced = samples[place] if samples[place].at_us == sample.at_us else None
    if replaced is None:
        samples.insert(place, sample)
    elif replaced.level == sample.level and replaced.payload == sample.payload:
        if sample.rank > replaced.rank:
            samples[place] = replaced._replace(rank=sample.rank)
        return Insertion(Fate.REPEATED, None, [])
    elif sample.rank <= replaced.rank:
        return Insertion(Fate.REPEATED, None, [])
    else:
        samples[place] = sample
    return Insertion(Fate.LATE, replaced, _count_again(track, debounce))


def revise(track: Track, sample: Sample, debounce: Debounce, samples_max: int) -> Insertion:
    """As `insert`, but a sample of the same moment is always replaced: it is an earlier statement about the same."""
    samples = track.samples
    place = bisect_left(samples, sample.at_us, key=_event_time)
    if place == len(samples) or samples[place].at_us != sample.at_us:
        return insert(track, sample, debounce, samples_max)
    replaced, samples[place] = samples[place], sample
    return Insertion(Fate.LATE, replaced, _count_again(track, debounce))


def _count_again(track: Track, debounce: Debounce) -> list[Announcement]:
    episodes, track.head = _count(track.folded, track.samples, debounce)
    return correct(track.book, episodes, track.folded_until_us)


def _count(run: Run, samples: list[Sample], debounce: Debounce) -> tuple[list[Episode], Run]:
    """All episodes that lie behind `run` and the samples after it, and the counting after the last."""
    found: dict[int, Episode] = {}
    if run.episode is not None:
        found[run.episode.started_us] = run.episode
    for sample in samples:
        run, episode = advance(run, sample, debounce)
        if episode is not None:
            found[episode.started_us] = episode
    return list(found.values()), run


def fold(track: Track, until_us: int, debounce: Debounce) -> None:
    """Fold the samples before `until_us` into the summary; what was said about them is final."""
    count = bisect_left(track.samples, until_us, key=_event_time)
    if count == 0:
        return
    for sample in track.samples[:count]:
        track.folded, _ = advance(track.folded, sample, debounce)
    track.folded_until_us = track.samples[count - 1].at_us
    del track.samples[:count]
    run = track.folded
    pending = run.episode.started_us if run.episode else run.worse[0].at_us if run.worse else None
    forget_final(track.book, track.folded_until_us, pending)


def is_idle(track: Track) -> bool:
    """Whether nothing of the track needs to be remembered."""
    return not track.samples and not track.book and track.folded == CALM


def _event_time(sample: Sample) -> int:
    return sample.at_us


def dump_track(track: Track) -> list[Any]:
    """JSON-ready form of a track; `head` follows from the rest."""
    book = [[known.revision, dump_episode(known.episode), known.retracted] for known in track.book.values()]
    return [[tuple(s) for s in track.samples], dump_run(track.folded), track.folded_until_us, book]


def load_track(dumped: list[Any], debounce: Debounce) -> Track:
    """A track from its JSON-ready form, counted anew from its summary."""
    samples, folded, folded_until_us, book = dumped
    track = Track([load_sample(s) for s in samples], load_run(folded), CALM, folded_until_us)
    for revision, dumped_episode, retracted in book:
        episode = load_episode(dumped_episode)
        track.book[episode.started_us] = Announced(revision, episode, retracted)
    _, track.head = _count(track.folded, track.samples, debounce)
    return track
