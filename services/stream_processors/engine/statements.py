"""What has been said about the alerts of one key, and what must be said now. Pure.

The alerts that there should be follow from the episodes of the head alone: groups of one cause are formed, what a
parent covers is left out, what falls into a maintenance window is marked. What has been said is kept in a book; the
difference is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from schemas.alert import AlertEventType, Suppression, SuppressionKind
from schemas.plan.policy import Maintenance, RulePolicy
from services.stream_processors.engine.counting import Episode, Peak, dump_episode, load_episode
from services.stream_processors.engine.event_time import from_us, to_us
from services.stream_processors.engine.frame import EpisodeKey

PolicyOf = Callable[[str, int], RulePolicy | None]
"""The policy of a rule in force at a time."""

_SECOND_US: Final = 1_000_000
_NEVER: Final = 2**62


class Statement(NamedTuple):
    """An alert as it should stand."""

    episode: Episode
    suppression: Suppression | None = None
    members: tuple[tuple[str, str], ...] = ()
    """Alerts (rule, asset) that it stands for."""


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


class Views(NamedTuple):
    """The alerts that there should be, and when to look again."""

    statements: dict[EpisodeKey, Statement]
    review_us: int | None
    """A grace period or a maintenance window ends then."""


def statements_of(
    episodes: Mapping[EpisodeKey, Episode],
    key: str,
    policy_of: PolicyOf,
    maintenance: Iterable[Maintenance],
    clock_us: int | None,
) -> Views:
    """The alerts that should stand, given all episodes of a key."""
    windows = tuple(maintenance)
    found = {name: Statement(episode) for name, episode in episodes.items()}
    policies = {name: policy_of(name[0], name[2]) for name in found}
    for name, statement in _groups(episodes, policies, key):
        found[name] = statement
        policies[name] = policy_of(name[0], name[2])
    review_us = _NEVER
    parents = [
        (name, found[name].episode, policy, frozenset(found[name].members))
        for name, policy in policies.items()
        if policy is not None and (policy.inhibits or found[name].members)
    ]
    if parents:
        found, review_us = _inhibited(found, parents, key, clock_us)
    if windows:
        for name, statement in found.items():
            window = _window(windows, name, statement.episode, key, clock_us)
            if window is not None:
                until_us = to_us(window.ends)
                review_us = min(review_us, until_us)
                mark = Suppression(kind=SuppressionKind.MAINTENANCE, by=window.id, until=from_us(until_us))
                found[name] = statement._replace(suppression=mark)
    return Views(found, None if review_us == _NEVER else review_us)


def _groups(
    episodes: Mapping[EpisodeKey, Episode], policies: Mapping[EpisodeKey, RulePolicy | None], key: str
) -> list[tuple[EpisodeKey, Statement]]:
    """Alerts of the whole group: times in which at least `group_min` assets had the same alert."""
    by_rule: dict[str, tuple[int, list[EpisodeKey]]] = {}
    for name, policy in policies.items():
        if policy is not None and policy.group_min is not None and name[1] != key:
            by_rule.setdefault(name[0], (policy.group_min, []))[1].append(name)
    found: list[tuple[EpisodeKey, Statement]] = []
    for rule, (enough, names) in by_rule.items():
        if len(names) >= enough:
            found += _sweep(rule, enough, names, episodes, key)
    return found


def _sweep(
    rule: str, enough: int, names: list[EpisodeKey], episodes: Mapping[EpisodeKey, Episode], key: str
) -> list[tuple[EpisodeKey, Statement]]:
    edges: list[tuple[int, int, EpisodeKey]] = []
    for name in names:
        episode = episodes[name]
        edges.append((episode.raised_us, 1, name))
        if episode.cleared_us is not None:
            edges.append((episode.cleared_us, 0, name))
    found: list[tuple[EpisodeKey, Statement]] = []
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
) -> tuple[EpisodeKey, Statement]:
    at_us, names = group
    members = tuple(sorted({(name[0], name[1]) for name in names}))
    level = max(episodes[name].peak.level for name in names)
    offsets = tuple(sorted({offset for name in names for offset in episodes[name].offsets})[:1_000])
    peak = Peak(at_us, level, float(len(members)), ())
    episode = Episode(at_us, at_us, level, peak, offsets, ended_us, ended_us)
    return (rule, key, at_us), Statement(episode, None, members)


def _inhibited(
    found: dict[EpisodeKey, Statement],
    parents: list[tuple[EpisodeKey, Episode, RulePolicy, frozenset[tuple[str, str]]]],
    key: str,
    clock_us: int | None,
) -> tuple[dict[EpisodeKey, Statement], int]:
    """Leave out what a parent covers from its start, mark what it came to cover later."""
    over = _parents_of(parents)
    review_us = _NEVER
    kept: dict[EpisodeKey, Statement] = {}
    covered: dict[EpisodeKey, list[tuple[str, str]]] = {}
    for name, statement in found.items():
        hidden = False
        rule, asset, _ = name
        for parent_name, parent, grace_us in _above(over, name, key):
            covers, again_us = _covers(parent, statement.episode, grace_us, clock_us)
            if not covers:
                continue
            review_us = min(review_us, again_us)
            covered.setdefault(parent_name, []).append((rule, asset))
            if parent.raised_us <= statement.episode.raised_us:
                hidden = True
            elif statement.episode.ended_us is None:
                mark = Suppression(kind=SuppressionKind.INHIBITED, by=f"{parent_name[0]}/{parent_name[1]}", until=None)
                statement = statement._replace(suppression=mark)  # noqa: PLW2901 - the same alert, marked
        if not hidden:
            kept[name] = statement
    for parent_name, names in covered.items():
        if parent_name in kept and not kept[parent_name].members:
            kept[parent_name] = kept[parent_name]._replace(members=tuple(sorted(set(names))))
    return kept, review_us


def _above(
    over: dict[tuple[str, str], list[tuple[EpisodeKey, Episode, int]]], name: EpisodeKey, key: str
) -> list[tuple[EpisodeKey, Episode, int]]:
    """What may stand for an alert: parents of its asset, and of the whole group."""
    rule, asset, _ = name
    found = over.get((rule, asset), [])
    if asset != key:
        found = found + over.get((rule, key), [])
    return [parent for parent in found if parent[0] != name]


def _parents_of(
    parents: list[tuple[EpisodeKey, Episode, RulePolicy, frozenset[tuple[str, str]]]],
) -> dict[tuple[str, str], list[tuple[EpisodeKey, Episode, int]]]:
    """By rule and asset (or group) of a child: what may stand for it, with its grace."""
    over: dict[tuple[str, str], list[tuple[EpisodeKey, Episode, int]]] = {}
    for name, episode, policy, members in parents:
        entry = (name, episode, round(policy.inhibit_grace_seconds * _SECOND_US))
        children = members or {(rule, name[1]) for rule in policy.inhibits}
        for child in children:
            over.setdefault(child, []).append(entry)
    return over


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


def _window(
    windows: tuple[Maintenance, ...], name: EpisodeKey, episode: Episode, key: str, clock_us: int | None
) -> Maintenance | None:
    """The maintenance window that silences an alert: it was raised inside and has not outlasted it."""
    rule, asset, _ = name
    for window in windows:
        if window.rules and rule not in window.rules:
            continue
        if window.groups and key not in window.groups:
            continue
        if window.assets and asset not in window.assets:
            continue
        starts_us, ends_us = to_us(window.starts), to_us(window.ends)
        if not starts_us <= episode.raised_us < ends_us:
            continue
        over_us = episode.cleared_us if episode.cleared_us is not None else clock_us
        if over_us is None or over_us <= ends_us - (1 if episode.cleared_us is None else 0):
            return window
    return None


def difference(
    book: Book,
    wanted: Mapping[EpisodeKey, Statement],
    names: Iterable[EpisodeKey],
    as_of_us: int,
    horizon_us: int | None,
) -> list[Utterance]:
    """Say what differs from what was said, for these alerts.

    Args:
        as_of_us: Event time that the rules have reached.
        horizon_us: Alerts cleared at or before it are final: unknown ones were said and forgotten long ago.
    """
    said: list[Utterance] = []
    for name in names:
        known, now = book.get(name), wanted.get(name)
        if now is None:
            if known is not None and not known.retracted and not is_final(known.statement.episode, horizon_us):
                known.retracted = True
                known.revision += 1
                said.append(Utterance(AlertEventType.RETRACTED, name, known.revision, known.statement))
        elif known is None or known.retracted:
            if not is_final(now.episode, horizon_us):
                said += _raised(book, name, known, now, as_of_us)
        elif known.statement != now and not is_final(known.statement.episode, horizon_us):
            event = _event(known, now)
            known.revision += 1
            known.statement, known.as_of_us = now, as_of_us
            said.append(Utterance(event, name, known.revision, now))
    return said


def _raised(book: Book, name: EpisodeKey, known: Spoken | None, now: Statement, as_of_us: int) -> list[Utterance]:
    """Raise, and resolve at once what has ended already: a consumer always sees an alert open before it closes."""
    revision = 0 if known is None else known.revision + 1
    book[name] = spoken = Spoken(revision, now, as_of_us)
    episode = now.episode
    if episode.ended_us is None:
        return [Utterance(AlertEventType.RAISED, name, revision, now)]
    open_still = Episode(episode.started_us, episode.raised_us, episode.level, episode.peak, episode.offsets)
    spoken.revision = revision + 1
    return [
        Utterance(AlertEventType.RAISED, name, revision, now._replace(episode=open_still)),
        Utterance(AlertEventType.RESOLVED, name, revision + 1, now),
    ]


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


def is_final(episode: Episode, horizon_us: int | None) -> bool:
    """Whether no reading that may still come can change the episode."""
    return horizon_us is not None and episode.cleared_us is not None and episode.cleared_us <= horizon_us


def forget_final(book: Book, episodes: dict[EpisodeKey, Episode], policy_of: PolicyOf, horizon_us: int) -> None:
    """Drop what can no longer change, from the book and from the episodes."""
    lasting = [(name, episode) for name, episode in episodes.items() if not is_final(episode, horizon_us)]
    groups = [
        (name[0], set(known.statement.members), known.statement.episode)
        for name, known in book.items()
        if known.statement.members and not known.retracted and not is_final(known.statement.episode, horizon_us)
    ]
    for name in [name for name, episode in episodes.items() if is_final(episode, horizon_us)]:
        policy = policy_of(name[0], name[2])
        if _is_member(name, episodes[name], lasting, policy_of):
            continue
        if policy is None or not _still_matters(name, episodes[name], policy, lasting, groups):
            del episodes[name]
    for name in list(book):
        known = book[name]
        if known.retracted:
            gone = name[2] <= horizon_us and name not in episodes
        else:
            gone = is_final(known.statement.episode, horizon_us) and name not in episodes
        if gone:
            del book[name]


def _is_member(
    name: EpisodeKey, episode: Episode, lasting: list[tuple[EpisodeKey, Episode]], policy_of: PolicyOf
) -> bool:
    """Whether a parent that is not final stands for it: the parent names it as long as it is not final itself."""
    for parent, other in lasting:
        policy = policy_of(parent[0], parent[2])
        if policy is not None and name[0] in policy.inhibits and (episode.cleared_us or 0) > other.raised_us:
            return True
    return False


def _still_matters(
    name: EpisodeKey,
    episode: Episode,
    policy: RulePolicy,
    lasting: list[tuple[EpisodeKey, Episode]],
    groups: list[tuple[str, set[tuple[str, str]], Episode]],
) -> bool:
    """Whether what is final still decides about what is not: a parent about its children, a member about its group."""
    cleared_us = episode.cleared_us or 0
    if policy.inhibits:
        until_us = cleared_us + round(policy.inhibit_grace_seconds * _SECOND_US)
        return any(
            child[0] in policy.inhibits and episode.raised_us <= other.raised_us <= until_us for child, other in lasting
        )
    return any((name[0], name[1]) in members and cleared_us >= group.raised_us for _, members, group in groups)


def dump_book(book: Book) -> list[Any]:
    """JSON-ready form."""
    return [
        [
            name,
            known.revision,
            dump_episode(known.statement.episode),
            None if known.statement.suppression is None else known.statement.suppression.model_dump_json(),
            known.statement.members,
            known.as_of_us,
            known.retracted,
        ]
        for name, known in book.items()
    ]


def load_book(dumped: list[Any]) -> Book:
    """A book from its JSON-ready form."""
    book: Book = {}
    for name, revision, episode, suppression, members, as_of_us, retracted in dumped:
        statement = Statement(
            load_episode(episode),
            None if suppression is None else Suppression.model_validate_json(suppression),
            tuple((rule, asset) for rule, asset in members),
        )
        book[name[0], name[1], name[2]] = Spoken(revision, statement, as_of_us, retracted)
    return book
