"""An alert that stands for others: a parent covers its children, for as long as it lasts and a grace behind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from schemas.alert import Suppression, SuppressionKind
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.frame import EpisodeKey

_NEVER: Final = 2**62

Alert = tuple[str, str]
"""Rule and asset."""


class Parent(NamedTuple):
    """What may stand for others."""

    name: EpisodeKey
    episode: Episode
    grace_us: int
    children: frozenset[Alert]


class Cover(NamedTuple):
    """What parents do to the alerts of a key."""

    hidden: frozenset[EpisodeKey]
    """Covered from their start: not said."""
    marked: dict[EpisodeKey, Suppression]
    """Said already when a parent came to cover them."""
    members: dict[EpisodeKey, tuple[Alert, ...]]
    """Of each parent: what it stands for."""
    review_us: int | None
    """Then a grace ends."""


def covered(
    episodes: Mapping[EpisodeKey, Episode], parents: Iterable[Parent], key: str
) -> dict[EpisodeKey, list[Parent]]:
    """The parents that may stand for each alert: of its asset, and of the whole group."""
    over: dict[Alert, list[Parent]] = {}
    for parent in parents:
        for child in parent.children:
            over.setdefault(child, []).append(parent)
    found: dict[EpisodeKey, list[Parent]] = {}
    for name in episodes:
        above = list(over.get(name[:2], ()))
        if name[1] != key:
            above += over.get((name[0], key), ())
        above = [parent for parent in above if parent.name != name]
        if above:
            found[name] = above
    return found


def cover(episodes: Mapping[EpisodeKey, Episode], parents: Iterable[Parent], key: str, clock_us: int | None) -> Cover:
    """Leave out what a parent covers from its start, mark what it came to cover later."""
    review_us = _NEVER
    hidden: set[EpisodeKey] = set()
    marked: dict[EpisodeKey, Suppression] = {}
    members: dict[EpisodeKey, set[Alert]] = {}
    for name, above in covered(episodes, parents, key).items():
        child = episodes[name]
        for parent in above:
            covers, again_us = _covers(parent.episode, child, parent.grace_us, clock_us)
            if not covers:
                continue
            review_us = min(review_us, again_us)
            members.setdefault(parent.name, set()).add(name[:2])
            if parent.episode.raised_us <= child.raised_us:
                hidden.add(name)
            elif child.ended_us is None:
                by = f"{parent.name[0]}/{parent.name[1]}"
                marked[name] = Suppression(kind=SuppressionKind.INHIBITED, by=by, until=None)
    sorted_members = {name: tuple(sorted(found)) for name, found in members.items()}
    return Cover(frozenset(hidden), marked, sorted_members, None if review_us == _NEVER else review_us)


def may_cover(parent: Parent, child: Episode) -> bool:
    """Whether a parent decides about a child, or may come to."""
    if child.cleared_us is not None and child.cleared_us <= parent.episode.raised_us:
        return False
    end_us = parent.episode.cleared_us
    return end_us is None or child.raised_us <= end_us + parent.grace_us


def _covers(parent: Episode, child: Episode, grace_us: int, clock_us: int | None) -> tuple[bool, int]:
    """Whether a parent covers a child, and until when that may change by itself."""
    if child.cleared_us is not None and child.cleared_us <= parent.raised_us:
        return False, _NEVER
    if parent.ended_us is None:
        return True, _NEVER
    end_us = (parent.cleared_us or parent.ended_us) + grace_us
    if child.raised_us > end_us:
        return False, _NEVER
    if child.cleared_us is not None:
        return child.cleared_us <= end_us, _NEVER
    if clock_us is not None and clock_us >= end_us:
        return False, _NEVER
    return True, end_us
