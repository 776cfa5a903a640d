"""Plan documents in files: the documents that the platform comes with, and every fault of a file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from deploy.local.paths import CHECKOUT
from schemas.plan.book import Document, identity_of
from schemas.plan.errors import PlanFileError
from schemas.plan.publication import in_force
from schemas.plan.toml import parse_any, tables_of

PLAN_FOLDER: Final = CHECKOUT / "deploy" / "plan"
DEFAULT_PATTERNS: Final = ("*.toml", "standards/*.toml", "policies/*.toml")
LOCAL_VARIANT: Final = "-local.toml"
"""A policy for simulated devices; it is in force only where a processor's setting names it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a file."""

    file: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of one file came to."""

    file: str
    document: Document | None
    """None: it does not load."""
    text: str
    faults: tuple[Fault, ...]


def default_files(folder: Path = PLAN_FOLDER) -> tuple[Path, ...]:
    """The documents that the platform comes with, in the order in which they count as published."""
    found = (path for pattern in DEFAULT_PATTERNS for path in sorted(folder.glob(pattern)))
    return tuple(path for path in found if not path.name.endswith(LOCAL_VARIANT))


def check_file(path: Path) -> Checked:
    """Read a file and find all that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Checked(str(path), None, "", (Fault(str(path), "file", f"cannot be read: {error}"),))
    return check_text(text, str(path))


def check_text(text: str, file: str) -> Checked:
    """Find all that is wrong with a document's text. Pure."""
    try:
        return Checked(file, parse_any(text, file=file), text, ())
    except PlanFileError as error:
        problems = error.problems
    try:
        named = unknown_references(tables_of(text, file=file))
    except PlanFileError:
        named = []
    keys = {key for key, _ in problems}
    problems = [*problems, *(one for one in named if one[0] not in keys)]
    return Checked(file, None, text, tuple(Fault(file, key, reason) for key, reason in problems))


def unknown_references(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Rules that name a limit or rule that is not in the document, even where other faults keep it from loading."""
    limits, rules = _tables(data, "limit"), _tables(data, "rule")
    limit_ids, rule_ids = {one.get("id") for one in limits}, {one.get("id") for one in rules}
    faults = []
    for n, rule in enumerate(rules):
        guarded = rule.get("limit")
        if isinstance(guarded, str) and guarded not in limit_ids:
            faults.append((f"rule[{n}].limit", f"there is no limit '{guarded}' in this document"))
        inhibits = rule.get("inhibits", [])
        faults += [
            (f"rule[{n}].inhibits", f"there is no rule '{other}' in this document")
            for other in (inhibits if isinstance(inhibits, list) else [])
            if isinstance(other, str) and other not in rule_ids
        ]
    return faults


def _tables(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = data.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def overlaps(checked: Iterable[Checked]) -> list[Fault]:
    """Documents given together that cannot both be published or both be in force."""
    found = []
    loaded = [(one.file, one.document) for one in checked if one.document is not None]
    for (file, document), (other_file, other) in combinations(loaded, 2):
        kind, name, version = identity_of(document)
        if identity_of(other)[:2] != (kind, name):
            continue
        first, last = in_force(document)
        other_first, other_last = in_force(other)
        if identity_of(other)[2] == version:
            if document != other:
                found.append(Fault(other_file, f"{kind}.version", f"{version} is also that of {file}, which differs"))
        elif first == other_first:
            found.append(Fault(other_file, f"{kind}.valid_from", f"version {version} in {file} begins on {first}, too"))
        elif last is not None and other_last is not None and first <= other_last and other_first <= last:
            found.append(Fault(other_file, f"{kind}.valid_to", f"overlaps version {version} in {file}"))
    return found


def check_all(paths: Sequence[Path]) -> tuple[list[Checked], list[Fault]]:
    """Check files alone and together; all faults in the order of the files."""
    checked = [check_file(path) for path in paths]
    return checked, [fault for one in checked for fault in one.faults] + overlaps(checked)
