"""Many alerts with one cause become one alert of the group. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas.plan.policy import RulePolicy
from services.stream_processors.engine.counting import Episode, Peak
from services.stream_processors.engine.frame import EpisodeKey

_OFFSETS_MAX = 1_000


class Group(NamedTuple):
    """A time in which enough assets had the same alert."""

    name: EpisodeKey
    episode: Episode
    members: tuple[EpisodeKey, ...]


def groups_of(
    episodes: Mapping[EpisodeKey, Episode], policies: Mapping[EpisodeKey, RulePolicy | None], key: str
) -> list[Group]:
    """Alerts of the whole group: times in which at least `group_min` assets had the same alert."""
    by_rule: dict[str, tuple[int, list[EpisodeKey]]] = {}
    for name, policy in policies.items():
        if policy is not None and policy.group_min is not None and name[1] != key:
            by_rule.setdefault(name[0], (policy.group_min, []))[1].append(name)
    found: list[Group] = []
    for rule, (enough, names) in by_rule.items():
        if len(names) >= enough:
            found += _sweep(rule, enough, names, episodes, key)
    return found


def _sweep(
    rule: str, enough: int, names: list[EpisodeKey], episodes: Mapping[EpisodeKey, Episode], key: str
) -> list[Group]:
    edges: list[tuple[int, int, EpisodeKey]] = []
    for name in names:
        episode = episodes[name]
        edges.append((episode.raised_us, 1, name))
        if episode.cleared_us is not None:
            edges.append((episode.cleared_us, 0, name))
    found: list[Group] = []
    standing: dict[EpisodeKey, None] = {}
    group: tuple[int, dict[EpisodeKey, None]] | None = None
    for at_us, opens, name in sorted(edges):
        if opens:
            standing[name] = None
        else:
            standing.pop(name, None)
        if group is None and len(standing) >= enough:
            group = (at_us, dict(standing))
        elif group is not None and len(standing) < enough:
            found.append(_group(rule, key, group, at_us, episodes))
            group = None
        elif group is not None and opens:
            group[1][name] = None
    if group is not None:
        found.append(_group(rule, key, group, None, episodes))
    return found


def _group(
    rule: str,
    key: str,
    group: tuple[int, dict[EpisodeKey, None]],
    ended_us: int | None,
    episodes: Mapping[EpisodeKey, Episode],
) -> Group:
    at_us, names = group
    level = max(episodes[name].peak.level for name in names)
    offsets = tuple(sorted({offset for name in names for offset in episodes[name].offsets})[:_OFFSETS_MAX])
    peak = Peak(at_us, level, float(len({name[:2] for name in names})), ())
    episode = Episode(at_us, at_us, level, peak, offsets, ended_us, ended_us)
    return Group((rule, key, at_us), episode, tuple(sorted(names)))
