"""What a Grafana lacks, has otherwise, or has too much of what is ours. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_SHOWN_AT_MOST: Final = 5


class Action(StrEnum):
    """What is to be done with one thing."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it should be."""

    action: Action
    kind: str
    """`datasource`, `folder` or `board`."""
    uid: str
    title: str
    where: tuple[str, ...] = ()
    """Paths of what differs, the first few; of an update only."""

    def line(self) -> str:
        """The change in one line for people."""
        sign = {Action.CREATE: "+", Action.UPDATE: "~", Action.REMOVE: "-"}[self.action]
        more = f": {', '.join(self.where)}" if self.where else ""
        return f"{sign} {self.kind} {self.uid} ({self.title}){more}"


def differing(wanted: Any, found: Any, path: str = "") -> Iterator[str]:
    """Paths at which something that we want is not so; what a server adds of its own does not count."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            yield from differing(value, found.get(key), f"{path}.{key}" if path else key)
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (ours, theirs) in enumerate(zip(wanted, found, strict=True)):
            yield from differing(ours, theirs, f"{path}[{number}]")
    elif wanted != found:
        yield path


def compare(
    kind: str, uid: str, title: str, wanted: Mapping[str, Any], found: Mapping[str, Any] | None
) -> list[Change]:
    """The change that one thing needs; none where it is as it should be.

    Args:
        found: What the server has; None: nothing.
    """
    if found is None:
        return [Change(Action.CREATE, kind, uid, title)]
    paths = list(differing(dict(wanted), dict(found)))
    if not paths:
        return []
    shown = (
        *paths[:_SHOWN_AT_MOST],
        *([f"and {len(paths) - _SHOWN_AT_MOST} more"] if len(paths) > _SHOWN_AT_MOST else []),
    )
    return [Change(Action.UPDATE, kind, uid, title, tuple(shown))]
