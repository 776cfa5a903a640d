"""Which alerts have to be looked at again when some episodes have changed: those that hang together with them. Pure.

A parent of the whole group stands for children of every asset. When one child changes, the others need no second look:
what the parent stands for is known from what was said of it. So a storm of thousands of alerts under one parent costs
each of them its own asset's alerts and the parents, not all of the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.plan.policy import PolicyDocument
from services.stream_processors.engine.announcing import Book
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.frame import EpisodeKey
from services.stream_processors.engine.statements import Statement


class Tied(NamedTuple):
    """Rules of which one alert decides about others, under any version of the policy."""

    rules: frozenset[str]
    grouped: bool
    """Whether many alerts of one rule become one: then each decides about all."""

    @classmethod
    def of(cls, policies: Iterable[PolicyDocument]) -> Tied:
        """Those that group, inhibit or are inhibited."""
        found: set[str] = set()
        grouped = False
        for policy in policies:
            for rule in policy.rule:
                grouped = grouped or rule.group_min is not None
                if rule.inhibits or rule.group_min is not None:
                    found |= {rule.id, *rule.inhibits}
        return cls(frozenset(found), grouped)


class Concerned(NamedTuple):
    """What has to be looked at again."""

    episodes: dict[EpisodeKey, Episode]
    names: set[EpisodeKey]
    """Of these it is said what differs."""
    assets: frozenset[str] | None = None
    """Set when of the group's other alerts only these assets' are among them."""


def concerned(
    touched: Iterable[EpisodeKey], episodes: Mapping[EpisodeKey, Episode], book: Book, key: str, tied: Tied
) -> Concerned:
    """What hangs together with episodes that have changed."""
    names = set(touched)
    chosen = {name: episodes[name] for name in names if name in episodes}
    assets = frozenset(name[1] for name in names if name[0] in tied.rules)
    if not assets:
        return Concerned(chosen, names)
    all_tied = [name for name in episodes if name[0] in tied.rules]
    parents = [name for name in all_tied if name[1] == key]
    if tied.grouped or key in assets or not all(name in book and not book[name].retracted for name in parents):
        chosen |= {name: episodes[name] for name in all_tied}
        return Concerned(chosen, names | {name for name in book if name[0] in tied.rules})
    near = assets | {key}
    chosen |= {name: episodes[name] for name in all_tied if name[1] in near}
    return Concerned(chosen, names | {name for name in book if name[1] in near and name[0] in tied.rules}, assets)


def with_known_members(
    statements: dict[EpisodeKey, Statement], book: Book, key: str, assets: frozenset[str]
) -> dict[EpisodeKey, Statement]:
    """Statements with what the group's parents stand for among the assets that were not looked at again."""
    found = statements.copy()
    for name, statement in statements.items():
        known = book.get(name)
        if name[1] == key and known is not None:
            kept = [member for member in known.statement.members if member[1] not in assets]
            if kept:
                found[name] = statement._replace(members=tuple(sorted({*statement.members, *kept})))
    return found
