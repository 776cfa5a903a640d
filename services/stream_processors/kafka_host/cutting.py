"""Makes an output fit a record: its collections keep their first entries, and how many were left out is said. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

from schemas.alert import Alert

MAX_OUTPUT_BYTES: Final = 256 * 1024
"""Larger outputs are cut; the broker would refuse four times as much."""

CUT: Final = "cut"
"""Key under which `details` say by path how many entries were left out."""

Cut = dict[str, int]
"""How many entries each path lacks."""


class _Collection(NamedTuple):
    own_bytes: int
    """Without what the largest collection in it takes."""
    path: tuple[str, ...]
    value: dict[str, Any] | list[Any]


def fit_indicator(body: dict[str, Any], limit: int = MAX_OUTPUT_BYTES) -> tuple[dict[str, Any], Cut]:
    """The indicator with as much of its `details` as fits, and what was cut; the body given stays as it is."""
    if _size(body) <= limit:
        return body, {}
    whole: dict[str, Any] = orjson.loads(orjson.dumps(body.get("details") or {}))
    details: dict[str, Any] = orjson.loads(orjson.dumps(whole))
    fitted, cut = body, Cut()
    while _size(fitted) > limit:
        largest = max(_collections(details), key=lambda each: each[:2], default=None)
        if largest is None:
            cut = {"details": len(whole)}
            return body | {"details": {CUT: cut}}, cut
        _halve(largest.value)
        cut = dict(_missing(whole, details))
        fitted = body | {"details": details | {CUT: cut}}
    return fitted, cut


def fit_alert(alert: Alert, limit: int = MAX_OUTPUT_BYTES) -> tuple[Alert, Cut]:
    """The alert with as many of its members, limits and offsets of evidence as fit, and what was cut."""
    fitted = alert
    while len(fitted.model_dump_json()) > limit:
        offsets = () if fitted.evidence is None else fitted.evidence.offsets
        sizes = {"members": len(fitted.members), "limits": len(fitted.limits), "offsets": len(offsets)}
        name = max(sizes, key=lambda each: sizes[each])
        if sizes[name] == 0:
            break
        if name == "offsets" and fitted.evidence is not None:
            evidence = fitted.evidence.model_copy(update={"offsets": offsets[: len(offsets) // 2]})
            fitted = fitted.model_copy(update={"evidence": evidence})
        else:
            fitted = fitted.model_copy(update={name: getattr(fitted, name)[: sizes[name] // 2]})
    offsets_cut = (
        0
        if alert.evidence is None or fitted.evidence is None
        else len(alert.evidence.offsets) - len(fitted.evidence.offsets)
    )
    cut = {
        "members": len(alert.members) - len(fitted.members),
        "limits": len(alert.limits) - len(fitted.limits),
        "evidence.offsets": offsets_cut,
    }
    return fitted, {path: count for path, count in cut.items() if count}


def _halve(value: dict[str, Any] | list[Any]) -> None:
    keep = len(value) // 2
    if isinstance(value, list):
        del value[keep:]
    else:
        for key in list(value)[keep:]:
            del value[key]


def _missing(whole: Any, left: Any, path: str = "") -> Iterator[tuple[str, int]]:
    """Each path at which the one has more entries than the other, and how many."""
    if not isinstance(whole, (dict, list)):
        return
    if len(left) < len(whole):
        yield path, len(whole) - len(left)
    entries = left.items() if isinstance(left, dict) else enumerate(left)
    for key, entry in entries:
        yield from _missing(whole[key], entry, f"{path}.{key}" if path else str(key))


def _collections(value: Any, path: tuple[str, ...] = ()) -> Iterator[_Collection]:
    """Every collection below the first level that has entries."""
    if not isinstance(value, (dict, list)):
        return
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    largest = 0
    for key, entry in entries:
        if isinstance(entry, (dict, list)):
            largest = max(largest, _size(entry))
            yield from _collections(entry, (*path, str(key)))
    if path and value:
        yield _Collection(_size(value) - largest, path, value)


def _size(value: Any) -> int:
    return len(orjson.dumps(value, option=orjson.OPT_UTC_Z))
