"""Whether every value of one JSON Schema is a value of another; if not, at which field and why. Pure.

Sound for the schemas of this project: what cannot be decided (another pattern) counts as a difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from schemas.compatibility.pointers import target

Schema = Mapping[str, Any]

_ANY: Final[Schema] = {}
_ALL_TYPES: Final = frozenset({"null", "boolean", "object", "array", "number", "string", "integer"})
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_TYPE_OF: Final = {bool: "boolean", str: "string", int: "integer", float: "number", dict: "object", list: "array"}
_MAX_DEPTH: Final = 60


class Difference(NamedTuple):
    """Values of the one schema that the other does not have."""

    path: str
    """The field, from the document's root: `threshold.source.kind`, `members[]`."""
    kind: str
    """What differs: `type`, `enum`, `pattern`, `required`, `field`, a limit's name."""
    inner: Any
    """What the one says."""
    outer: Any
    """What the other says."""


class Unknown(StrEnum):
    """What becomes of a field that the outer schema does not know."""

    AS_SAID = "as_said"
    """What its `additionalProperties` says."""
    PASSED_OVER = "passed_over"
    MISSED = "missed"
    """It is a difference, whatever the schema says: somebody relies on it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two documents whose schemas are compared: references are followed in each."""

    inner: Mapping[str, Any]
    outer: Mapping[str, Any]
    unknown: Unknown = Unknown.AS_SAID
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def differences(self, inner: Schema | bool, outer: Schema | bool, path: str = "") -> list[Difference]:
        """Where the inner schema has values that the outer one has not; empty: it has none."""
        one, other = _resolved(inner, self.inner), _resolved(outer, self.outer)
        pair = (id(one), id(other))
        if pair in self._seen or path.count(".") > _MAX_DEPTH:
            return []
        named = isinstance(inner, Mapping) and "$ref" in inner
        if named:
            self._seen.add(pair)
        try:
            return list(self._of(one, other, path))
        finally:
            if named:
                self._seen.discard(pair)

    def _of(self, one: Schema, other: Schema, path: str) -> Iterator[Difference]:
        ours, theirs = _alternatives(one), _alternatives(other)
        if len(ours) > 1:
            for each in ours:
                yield from self.differences(each, other, path)
            return
        if len(theirs) > 1:
            yield from self._closest(ours[0], theirs, path)
            return
        one, other = _resolved(ours[0], self.inner), _resolved(theirs[0], self.outer)
        if _is_composed(one) or _is_composed(other):  # a single alternative may be made of others in its turn
            yield from self._of(one, other, path)
            return
        for check in self._checks():
            yield from check(one, other, path)

    def _checks(self) -> tuple[Callable[[Schema, Schema, str], Iterator[Difference]], ...]:
        return (_types, _words, _limits, _texts, self._arrays, self._objects)

    def _closest(self, one: Schema, theirs: list[Schema], path: str) -> Iterator[Difference]:
        """Differences from the alternative that has the fewest; of equally close ones the first of the same type."""
        tried = [self.differences(one, each, path) for each in theirs]
        best = min(tried, key=lambda found: (len(found), any(each.kind == "type" for each in found)))
        if best and all(each.kind == "type" and each.path == path for each in best):
            types: set[str] = set()
            for each in theirs:
                types |= _types_of(_resolved(each, self.outer))
            yield Difference(path, "type", sorted(_types_of(_resolved(one, self.inner))), sorted(types))
        else:
            yield from best

    def _arrays(self, one: Schema, other: Schema, path: str) -> Iterator[Difference]:
        if "array" not in _types_of(one) & _types_of(other):
            return
        if other.get("uniqueItems") and not one.get("uniqueItems"):
            yield Difference(path, "uniqueItems", False, True)
        if "items" not in other and "prefixItems" not in other:
            return
        ours, our_rest = _items(one)
        theirs, their_rest = _items(other)
        for place in range(max(len(ours), len(theirs))):
            mine = ours[place] if place < len(ours) else our_rest
            yours = theirs[place] if place < len(theirs) else their_rest
            yield from self.differences(mine, yours, f"{path}[{place}]")
        if our_rest is not False:
            yield from self.differences(our_rest, their_rest, f"{path}[]")

    def _objects(self, one: Schema, other: Schema, path: str) -> Iterator[Difference]:
        if "object" not in _types_of(one) & _types_of(other):
            return
        ours, theirs = one.get("properties", {}), other.get("properties", {})
        for name in sorted(set(other.get("required", ())) - set(one.get("required", ()))):
            yield Difference(_below(path, name), "required", False, True)
        rest = other.get("additionalProperties", True)
        for name, schema in ours.items():
            if name in theirs:
                yield from self.differences(schema, theirs[name], _below(path, name))
            elif isinstance(rest, Mapping) and rest:
                yield from self.differences(schema, rest, _below(path, name))
            elif self.unknown is Unknown.MISSED or (rest is False and self.unknown is Unknown.AS_SAID):
                yield Difference(_below(path, name), "field", True, False)
        free = one.get("additionalProperties", True)
        if isinstance(free, Mapping) and free and isinstance(rest, Mapping):
            yield from self.differences(free, rest, _below(path, "*"))
        elif free is not False and rest is False and self.unknown is Unknown.AS_SAID:
            yield Difference(_below(path, "*"), "additionalProperties", True, False)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _resolved(schema: Schema | bool, document: Mapping[str, Any]) -> Schema:
    if schema is True:
        return _ANY
    if schema is False:
        return {"not": {}}
    hops = 0
    while isinstance(schema, Mapping) and "$ref" in schema and hops < _MAX_DEPTH:
        named = target(schema["$ref"], document)
        rest = {name: value for name, value in schema.items() if name in _ASSERTS}
        schema = {**named, **rest} if rest else named
        hops += 1
    assert isinstance(schema, Mapping)  # noqa: S101 - a schema is true, false or an object
    return schema


_ASSERTS: Final = frozenset(
    {
        *("type", "enum", "const", "pattern", "format", "properties", "required", "additionalProperties", "items"),
        *_UPPER,
        *_LOWER,
    }
)


def _alternatives(schema: Schema) -> list[Schema]:
    for word in ("anyOf", "oneOf"):
        if word in schema:
            found: list[Schema] = list(schema[word])
            return found
    if "allOf" in schema:
        merged: dict[str, Any] = {name: value for name, value in schema.items() if name != "allOf"}
        for part in schema["allOf"]:
            merged.update(part)
        return [merged]
    types = schema.get("type")
    if isinstance(types, list) and len(types) > 1:
        return [{**schema, "type": each} for each in types]
    return [schema]


def _is_composed(schema: Schema) -> bool:
    alternatives = _alternatives(schema)
    return len(alternatives) > 1 or alternatives[0] is not schema


def _types_of(schema: Schema) -> frozenset[str]:
    if "not" in schema:
        return frozenset()
    types = schema.get("type")
    if types is None:
        if "const" in schema or "enum" in schema:
            return frozenset(_TYPE_OF.get(type(each), "null") for each in _allowed(schema) or ())
        return _ALL_TYPES
    found = {types} if isinstance(types, str) else set(types)
    return frozenset(found | ({"integer"} if "number" in found else set()))


def _allowed(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    found: list[Any] | None = schema.get("enum")
    return found


def _types(one: Schema, other: Schema, path: str) -> Iterator[Difference]:
    ours, theirs = _types_of(one), _types_of(other)
    if not ours <= theirs:
        yield Difference(path, "type", sorted(ours), sorted(theirs))


def _words(one: Schema, other: Schema, path: str) -> Iterator[Difference]:
    theirs = _allowed(other)
    if theirs is None:
        return
    ours = _allowed(one)
    if ours is None:
        yield Difference(path, "enum", "any value", theirs)
        return
    known = {json.dumps(word, sort_keys=True) for word in theirs}
    for word in ours:
        if json.dumps(word, sort_keys=True) not in known:
            yield Difference(path, "enum", word, theirs)


def _limits(one: Schema, other: Schema, path: str) -> Iterator[Difference]:
    if not _types_of(one) & _types_of(other):
        return
    for each in _exactly(_allowed(one)):
        yield from _limits(each, other, path)
    if _allowed(one) is not None:
        return
    for name in _UPPER:
        if name in other and (name not in one or one[name] > other[name]) and not _tighter(one, name, other[name]):
            yield Difference(path, name, one.get(name), other[name])
    for name in _LOWER:
        if name in other and (name not in one or one[name] < other[name]) and not _tighter(one, name, other[name]):
            yield Difference(path, name, one.get(name), other[name])


def _exactly(words: list[Any] | None) -> Iterator[Schema]:
    """A schema with both limits at each number, text, list or object that is named."""
    for word in words or ():
        match word:
            case bool() | None:
                continue
            case int() | float():
                yield {"type": _TYPE_OF[type(word)], "minimum": word, "maximum": word}
            case str():
                yield {"type": "string", "minLength": len(word), "maxLength": len(word)}
            case list():
                yield {"type": "array", "minItems": len(word), "maxItems": len(word)}
            case _:
                yield {"type": "object", "minProperties": len(word), "maxProperties": len(word)}


def _tighter(one: Schema, name: str, limit: float) -> bool:
    """Whether the other form of a limit (with or without its end) already keeps it."""
    match name:
        case "maximum":
            return bool(one.get("exclusiveMaximum", limit + 1) <= limit)
        case "minimum":
            return bool(one.get("exclusiveMinimum", limit - 1) >= limit)
        case "exclusiveMaximum":
            return bool(one.get("maximum", limit) < limit)
        case "exclusiveMinimum":
            return bool(one.get("minimum", limit) > limit)
        case "minLength" | "minItems" | "minProperties":
            return limit == 0
        case _:
            return False


def _texts(one: Schema, other: Schema, path: str) -> Iterator[Difference]:
    if "string" not in _types_of(one) & _types_of(other):
        return
    words = _allowed(one)
    if "pattern" in other and one.get("pattern") != other["pattern"]:
        fitting = words is not None and all(isinstance(w, str) and re.search(other["pattern"], w) for w in words)
        if not fitting:
            yield Difference(path, "pattern", one.get("pattern"), other["pattern"])
    if "format" in other and one.get("format") != other["format"] and words is None:
        yield Difference(path, "format", one.get("format"), other["format"])


def _items(schema: Schema) -> tuple[list[Schema | bool], Schema | bool]:
    """Schemas of the first elements, and that of all others; False: there are no others."""
    if "prefixItems" in schema:
        rest = schema.get("items", True)
        first: list[Schema | bool] = list(schema["prefixItems"])
    else:
        items = schema.get("items", True)
        first, rest = (list(items), schema.get("additionalItems", True)) if isinstance(items, list) else ([], items)
    most = schema.get("maxItems")
    return first, False if most is not None and most <= len(first) else rest
