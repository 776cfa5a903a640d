"""What has been said about the episodes of one asset, and what must be said now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from schemas.alert import AlertEventType
from services.stream_processors.engine.episodes import Episode


@dataclass(slots=True)
class Announced:
    """The last thing said about one episode."""

    revision: int
    episode: Episode
    retracted: bool = False


class Announcement(NamedTuple):
    """One alert event to publish."""

    event: AlertEventType
    revision: int
    episode: Episode


Book = dict[int, Announced]
"""Announced episodes by their start: the start makes the alert id, so it decides which episode is meant."""


def announce(book: Book, episode: Episode) -> list[Announcement]:
    """Say what an in-order sample did to `episode`: raised, updated or resolved."""
    known = book.get(episode.started_us)
    if known is None or known.retracted:
        return _raised(book, episode)
    return [_say(known, AlertEventType.UPDATED if episode.ended_us is None else AlertEventType.RESOLVED, episode)]


def correct(book: Book, episodes: Iterable[Episode], recomputed_from_us: int | None) -> list[Announcement]:
    """Say what late data changed: the difference of the episodes as now known against what was announced.

    Args:
        episodes: All episodes that the window and the summary before it yield.
        recomputed_from_us: Episodes that were cleared at or before this time are final and not among `episodes`.
    """
    now_known = {episode.started_us: episode for episode in episodes}
    said: list[Announcement] = []
    for started_us in sorted(book):
        known = book[started_us]
        if known.retracted or started_us in now_known or is_final(known.episode, recomputed_from_us):
            continue
        known.retracted = True
        known.revision += 1
        said.append(Announcement(AlertEventType.RETRACTED, known.revision, known.episode))
    for started_us in sorted(now_known):
        episode = now_known[started_us]
        entry = book.get(started_us)
        if entry is None or entry.retracted:
            said += _raised(book, episode)
        elif entry.episode != episode:
            ends = entry.episode.ended_us is None and episode.ended_us is not None
            said.append(_say(entry, AlertEventType.RESOLVED if ends else AlertEventType.AMENDED, episode))
    return said


def is_final(episode: Episode, folded_until_us: int | None) -> bool:
    """Whether no sample that may still come can change the episode."""
    return folded_until_us is not None and episode.cleared_us is not None and episode.cleared_us <= folded_until_us


def forget_final(book: Book, folded_until_us: int, pending_us: int | None) -> None:
    """Drop what can no longer change.

    Args:
        pending_us: Start of the run or episode that the summary holds, if any: it may still come to be.
    """
    for started_us in list(book):
        known = book[started_us]
        gone = known.retracted and started_us <= folded_until_us and started_us != pending_us
        if gone or is_final(known.episode, folded_until_us):
            del book[started_us]


def _raised(book: Book, episode: Episode) -> list[Announcement]:
    """Raise, and resolve at once what has ended already: a consumer always sees an alert open before it closes."""
    known = book.get(episode.started_us)
    revision = 0 if known is None else known.revision + 1
    entry = Announced(revision, episode)
    book[episode.started_us] = entry
    if episode.ended_us is None:
        return [Announcement(AlertEventType.RAISED, revision, episode)]
    still_open = Episode(episode.started_us, episode.raised_us, episode.peak, episode.offsets)
    entry.revision = revision + 1
    return [
        Announcement(AlertEventType.RAISED, revision, still_open),
        Announcement(AlertEventType.RESOLVED, entry.revision, episode),
    ]


def _say(known: Announced, event: AlertEventType, episode: Episode) -> Announcement:
    known.revision += 1
    known.episode = episode
    return Announcement(event, known.revision, episode)
