"""What breaks when a value's schema changes, by the way that the value travels. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from schemas.compatibility.json_schema import Comparison, Difference, Schema, Unknown


class Way(StrEnum):
    """Which way a value travels."""

    READ = "read"
    """Others, or an older platform, have written it: what they write must still be understood."""
    WRITTEN = "written"
    """The platform writes it: whoever reads must not find what they did not expect."""
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Break:
    """One change that breaks somebody."""

    document: str
    path: str
    """The field, channel, route or parameter."""
    sentence: str
    """What has changed, and whom it breaks."""

    def __str__(self) -> str:
        return f"{self.document}: {self.path or 'the whole value'}: {self.sentence}"


_NO_LONGER: Final = {
    "field": "the field is gone; whoever sends it is refused",
    "required": "the field must be there now; whoever does not send it is refused",
    "enum": "`{inner}` is no longer allowed; whoever sends it is refused",
    "type": "it was {inner}, now only {outer} is understood",
    "pattern": "the pattern was {inner}, now it is {outer}; what matched may be refused",
    "format": "the format was {inner}, now it is {outer}; what was sent may be refused",
    "additionalProperties": "other fields are no longer allowed; whoever sends one is refused",
}
_UNEXPECTED: Final = {
    "required": "the field need no longer be there; readers rely on it",
    "enum": "`{inner}` is new; readers know only the values before",
    "type": "it may be {inner} now, readers expect {outer}",
    "pattern": "the pattern was {outer}, now it is {inner}; readers may refuse what they get",
    "format": "the format was {outer}, now it is {inner}; readers may not understand it",
}


def breaks(
    document: str,
    old: tuple[Schema, Mapping[str, Any]],
    new: tuple[Schema, Mapping[str, Any]],
    way: Way,
    where: str = "",
) -> list[Break]:
    """What a change of schema breaks.

    Args:
        old: The schema as released, and the document that its references point into.
        new: The same of today.
        where: What stands before each field's name.
    """
    (was, was_in), (is_now, is_in) = old, new
    found: list[Break] = []
    if way is not Way.WRITTEN:
        found += [
            Break(document, _joined(where, each.path), _sentence(_NO_LONGER, each, "was {inner}, now at most {outer}"))
            for each in Comparison(was_in, is_in).differences(was, is_now)
        ]
    if way is not Way.READ:
        missed = Comparison(was_in, is_in, Unknown.MISSED).differences(was, is_now)
        found += [
            Break(document, _joined(where, each.path), "the field is gone; readers rely on it")
            for each in missed
            if each.kind == "field"
        ]
        found += [
            Break(document, _joined(where, each.path), _sentence(_UNEXPECTED, each, "may be {inner} now, was {outer}"))
            for each in Comparison(is_in, was_in, Unknown.PASSED_OVER).differences(is_now, was)
        ]
    return list(dict.fromkeys(found))


def _joined(where: str, path: str) -> str:
    return f"{where}: {path}" if where and path else where or path


def _sentence(said: Mapping[str, str], each: Difference, limit: str) -> str:
    form = said.get(each.kind, f"`{each.kind}` {limit}")
    return form.format(inner=_words(each.inner), outer=_words(each.outer))


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " or ".join(str(each) for each in value)
    return "unlimited" if value is None else str(value)
