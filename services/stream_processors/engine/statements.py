"""The alerts that there should be: they follow from the episodes of the head, the policy and the clock alone. Pure.

Groups of one cause are formed (`grouping`), what a parent covers is left out (`inhibition`), what falls into a
maintenance window is marked (`silencing`). What has been said of it is another matter (`announcing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from schemas.alert import Suppression
from schemas.plan.policy import Maintenance, RulePolicy
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.frame import EpisodeKey, is_over
from services.stream_processors.engine.grouping import Group, groups_of
from services.stream_processors.engine.inhibition import Parent, cover, covered, may_cover
from services.stream_processors.engine.silencing import silenced

PolicyOf = Callable[[str, int], RulePolicy | None]
"""The policy of a rule in force at a time."""

WindowsAt = Callable[[int], tuple[Maintenance, ...]]
"""The maintenance windows of the policy in force at a time."""

_SECOND_US: Final = 1_000_000


class Statement(NamedTuple):
    """An alert as it should stand."""

    episode: Episode
    suppression: Suppression | None = None
    members: tuple[tuple[str, str], ...] = ()
    """Alerts (rule, asset) that it stands for."""


class Views(NamedTuple):
    """The alerts that there should be, and when to look again."""

    statements: dict[EpisodeKey, Statement]
    review_us: int | None
    """A grace period or a maintenance window ends then."""


def statements_of(
    episodes: Mapping[EpisodeKey, Episode],
    key: str,
    policy_of: PolicyOf,
    windows_at: WindowsAt,
    clock_us: int | None,
) -> Views:
    """The alerts that should stand.

    Args:
        episodes: All of a key, or those of rules that have nothing to do with the others.
    """
    groups, parents = _causes(episodes, key, policy_of)
    reviews: list[int] = []
    found = {name: Statement(episode) for name, episode in sorted(episodes.items(), key=_name)}
    for group in groups:
        found[group.name] = Statement(group.episode, None, tuple(sorted({name[:2] for name in group.members})))
    if parents:
        every = {name: statement.episode for name, statement in found.items()}
        covering = cover(every, parents, key, clock_us)
        if covering.review_us is not None:
            reviews.append(covering.review_us)
        found = {
            name: statement._replace(
                suppression=covering.marked.get(name), members=statement.members or covering.members.get(name, ())
            )
            for name, statement in found.items()
            if name not in covering.hidden
        }
    for name, statement in found.items():
        windows = windows_at(statement.episode.raised_us)
        mark = silenced(windows, name, statement.episode, key, clock_us) if windows else None
        if mark is not None and mark.until is not None:
            reviews.append(to_us(mark.until))
            found[name] = statement._replace(suppression=mark)
    return Views(found, min(reviews, default=None))


def _name(item: tuple[EpisodeKey, Episode]) -> EpisodeKey:
    return item[0]


def _causes(episodes: Mapping[EpisodeKey, Episode], key: str, policy_of: PolicyOf) -> tuple[list[Group], list[Parent]]:
    """Groups, and all that stands for others."""
    policies = {name: policy_of(name[0], name[2]) for name in sorted(episodes)}
    groups = groups_of(episodes, policies, key)
    parents = []
    for group in groups:
        policy = policy_of(group.name[0], group.name[2])
        if policy is not None:
            children = frozenset((name[0], name[1]) for name in group.members)
            parents.append(Parent(group.name, group.episode, _grace_us(policy), children))
    taken = {group.name for group in groups}
    for name, policy in policies.items():
        if policy is not None and policy.inhibits and name not in taken:
            children = frozenset((rule, name[1]) for rule in policy.inhibits)
            parents.append(Parent(name, episodes[name], _grace_us(policy), children))
    return groups, parents


def _grace_us(policy: RulePolicy) -> int:
    return round(policy.inhibit_grace_seconds * _SECOND_US)


def final_episodes(
    episodes: Mapping[EpisodeKey, Episode], key: str, policy_of: PolicyOf, before_us: int
) -> list[EpisodeKey]:
    """Episodes that no reading can change any more, nor what depends on them.

    Alerts of one cause hang together: a member decides when its group began, a parent whether its children are said.
    So all of them go, or none.

    Args:
        before_us: What had ended before it cannot change.
    """
    over = [name for name, episode in episodes.items() if is_over(episode, before_us)]
    if not over:
        return []
    groups, parents = _causes(episodes, key, policy_of)
    if not groups and not parents:
        return over
    every = {**episodes, **{group.name: group.episode for group in groups}}
    ties = [(group.name, member) for group in groups for member in group.members]
    ties += [
        (parent.name, name)
        for name, above in covered(every, parents, key).items()
        for parent in above
        if may_cover(parent, every[name])
    ]
    lasting = _reached([name for name, episode in every.items() if not is_over(episode, before_us)], ties)
    return [name for name in over if name not in lasting]


def _reached(names: list[EpisodeKey], ties: list[tuple[EpisodeKey, EpisodeKey]]) -> set[EpisodeKey]:
    """All that hangs together with these."""
    near: dict[EpisodeKey, list[EpisodeKey]] = {}
    for one, other in ties:
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    found, waiting = set(names), list(names)
    while waiting:
        for name in near.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
