"""From rows of the database to typed rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar

T = TypeVar("T")


def typed(kind: type[T], rows: Iterable[Any]) -> list[T]:
    """Rows whose columns are the fields of a type.

    Args:
        kind: A dataclass, or a named tuple where there are thousands; a row has a column for each of its fields.
    """
    columns: Any = kind
    values = _values_of(columns)
    return [kind(*values(row)) for row in rows]


@lru_cache
def _values_of(kind: Any) -> Any:
    names = getattr(kind, "_fields", None) or [field.name for field in fields(kind)]
    return itemgetter(*names)


def as_dict(row: Any, *names: str) -> dict[str, Any]:
    """Some fields of a typed row by name, in this order; all of them when none is named."""
    wanted = names or tuple(field.name for field in fields(row))
    return {name: getattr(row, name) for name in wanted}
