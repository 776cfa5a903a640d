"""JSON pointers inside one document. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def target(pointer: str, document: Mapping[str, Any]) -> Any:
    """What `#/a/b` points at.

    Raises:
        KeyError: nothing is there.
    """
    found: Any = document
    for part in pointer.removeprefix("#").split("/")[1:]:
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def followed(value: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object itself, when a reference stands in its place."""
    while "$ref" in value:
        value = target(value["$ref"], document)
    return value
