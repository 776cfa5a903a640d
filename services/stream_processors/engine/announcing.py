"""What has been said about the alerts of one key stands in a book; what should stand is said where it differs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from schemas.alert import AlertEventType
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.frame import EpisodeKey, is_over
from services.stream_processors.engine.statements import Statement


@dataclass(slots=True)
class Spoken:
    """The last thing said about one alert."""

    revision: int
    statement: Statement
    as_of_us: int
    """Event time that the rules had reached."""
    retracted: bool = False


Book = dict[EpisodeKey, Spoken]


class Utterance(NamedTuple):
    """One alert event to publish."""

    event: AlertEventType
    key: EpisodeKey
    revision: int
    statement: Statement
    previous_us: int | None = None
    """Event time of the revision before; None: it is the first."""


def difference(
    book: Book,
    wanted: Mapping[EpisodeKey, Statement],
    names: Iterable[EpisodeKey],
    as_of_us: int,
    before_us: int,
) -> list[Utterance]:
    """Say what differs from what was said, for these alerts.

    Args:
        as_of_us: Event time that the rules have reached.
        before_us: What had ended before it is final: what is not in the book was said and forgotten long ago.
    """
    said: list[Utterance] = []
    for name in names:
        known, now = book.get(name), wanted.get(name)
        if now is None:
            if known is not None and not known.retracted and not is_over(known.statement.episode, before_us):
                known.retracted = True
                known.revision += 1
                before_it = _time_of(known.statement)
                said.append(Utterance(AlertEventType.RETRACTED, name, known.revision, known.statement, before_it))
        elif known is None or known.retracted:
            if not is_over(now.episode, before_us):
                said += _raised(book, name, known, now, as_of_us)
        elif known.statement != now and not is_over(known.statement.episode, before_us):
            event, before_it = _event(known, now), _time_of(known.statement)
            known.revision += 1
            known.statement, known.as_of_us = now, as_of_us
            said.append(Utterance(event, name, known.revision, now, before_it))
    return said


def _raised(book: Book, name: EpisodeKey, known: Spoken | None, now: Statement, as_of_us: int) -> list[Utterance]:
    """Raise, and resolve at once what has ended already: a consumer always sees an alert open before it closes."""
    revision, before_it = (0, None) if known is None else (known.revision + 1, _time_of(known.statement))
    book[name] = spoken = Spoken(revision, now, as_of_us)
    episode = now.episode
    if episode.ended_us is None:
        return [Utterance(AlertEventType.RAISED, name, revision, now, before_it)]
    open_still = replace(episode, ended_us=None, cleared_us=None)
    spoken.revision = revision + 1
    return [
        Utterance(AlertEventType.RAISED, name, revision, now._replace(episode=open_still), before_it),
        Utterance(AlertEventType.RESOLVED, name, revision + 1, now, episode.raised_us),
    ]


def _time_of(statement: Statement) -> int:
    """Event time of what was said, as `schemas.alert.Alert.event_time` has it."""
    episode = statement.episode
    return episode.raised_us if episode.ended_us is None else episode.ended_us


def _event(known: Spoken, now: Statement) -> AlertEventType:
    """What kind of change it is: progress of event time, or a correction of what had been said."""
    before, after = known.statement.episode, now.episode
    if before.ended_us is None and after.ended_us is not None:
        return AlertEventType.RESOLVED
    if before == after:
        return AlertEventType.UPDATED
    rewritten = (
        before.ended_us is not None
        or before.raised_us != after.raised_us
        or (before.peak != after.peak and after.peak.at_us <= known.as_of_us)
        or (before.level == after.level and before.peak == after.peak)
    )
    if rewritten:
        return AlertEventType.AMENDED
    return AlertEventType.UPDATED if before.level == after.level else AlertEventType.ESCALATED


def forget_said(book: Book, episodes: Mapping[EpisodeKey, Episode], before_us: int) -> bool:
    """Drop from the book what can no longer change; whether something was.

    Args:
        episodes: Those that are still remembered.
        before_us: What had ended before it cannot change.
    """
    gone = [
        name
        for name, known in book.items()
        if name not in episodes
        and (
            known.statement.episode.raised_us < before_us
            if known.retracted
            else is_over(known.statement.episode, before_us)
        )
    ]
    for name in gone:
        del book[name]
    return bool(gone)
