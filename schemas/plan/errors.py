"""A plan, standard or policy that does not load, and how its faults are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Location = tuple[int | str, ...]
"""Where in a document something stands: `("limit", 3, "value")`."""


class PlanFileError(ValueError):
    """A document does not load; names the file, the key and the reason of each fault."""

    def __init__(self, file: str, problems: list[tuple[str, str]]) -> None:
        self.file = file
        self.problems = problems
        """(key, reason) of each fault."""
        lines = "; ".join(f"{key}: {reason}" for key, reason in problems)
        super().__init__(f"{file}: {lines}")


def fault(model: str, faults: Iterable[tuple[Location, str]]) -> ValidationError:
    """What a validator raises for faults that it knows the place of; the places are relative to the validated model.

    Args:
        faults: Where, and why; at least one.
    """
    return ValidationError.from_exception_data(
        model,
        [
            InitErrorDetails(type=PydanticCustomError("fault", "{reason}", {"reason": reason}), loc=place, input=None)
            for place, reason in faults
        ],
    )


def problems_of(error: ValidationError, *, under: str = "") -> list[tuple[str, str]]:
    """(key, reason) of each fault, in the document's own words: `limit[3].value`.

    Args:
        under: Key of the table that was validated; empty: the document itself.
    """
    found = error.errors(include_url=False)
    places = [one["loc"] for one in found]
    return [(_key(under, one["loc"]), _reason(one)) for one in found if not _follows_from_others(one, places)]


def _follows_from_others(one: ErrorDetails, places: list[Location]) -> bool:
    """Whether a list is only too short because some of its items are wrong."""
    place = one["loc"]
    return one["type"] == "too_short" and any(len(place) < len(p) and p[: len(place)] == place for p in places)


def _key(under: str, loc: Location) -> str:
    text = under + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".") or "document"


def _reason(one: ErrorDetails) -> str:
    context: Mapping[str, Any] = one.get("ctx", {})
    match one["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not a known key"
        case kind if kind in _BOUNDS:
            words, name = _BOUNDS[kind]
            return f"{one['input']} cannot be: it must be {words} {context[name]}"
        case _:
            return one["msg"].removeprefix("Value error, ")


_BOUNDS: Final = MappingProxyType(
    {
        "greater_than_equal": ("at least", "ge"),
        "greater_than": ("more than", "gt"),
        "less_than_equal": ("at most", "le"),
        "less_than": ("less than", "lt"),
    }
)
