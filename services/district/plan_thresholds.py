"""Thresholds of documents as rows: what is in force on a day, and what a new version changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from schemas.fields import Feed
from schemas.plan.book import Document, PlanBook, identity_of
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.in_force import Versions, local_midnight_us, version_of
from schemas.plan.policy import PolicyDocument
from schemas.plan.publication import in_force
from schemas.verdict import Comparator

CLASSES = ("I", "II", "III", "IV", "V")


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """One threshold with all that makes it traceable."""

    id: str
    value: float
    unit: str
    comparator: Comparator
    feed: Feed | None
    scope: str
    source: str
    """`plan jianghan-14fyp, page 31`, `standard GB 3838-2002, table 1, item 3` or `policy x, owner`."""
    version: str
    valid_from: date
    valid_to: date | None


def subject_of(document: Document) -> tuple[str, str]:
    """Documents of one subject replace one another: policies of a feed whatever their id, else those of one id."""
    if isinstance(document, PolicyDocument):
        return "policy", document.feed
    return identity_of(document)[:2]


def in_force_at(book: PlanBook, subject: tuple[str, str], day: date) -> Document | None:
    """The document of a subject that is in force when a local day begins."""
    versions: Versions[Document] = Versions(
        version_of(document, *in_force(document)) for document in book.documents if subject_of(document) == subject
    )
    return versions.at(local_midnight_us(day))


def documents_at(book: PlanBook, day: date) -> tuple[Document, ...]:
    """The documents that are in force when a local day begins."""
    subjects = dict.fromkeys(map(subject_of, book.documents))
    return tuple(found for subject in subjects if (found := in_force_at(book, subject, day)) is not None)


def thresholds_of(document: Document) -> Iterator[ThresholdRow]:
    """Every threshold that a document states."""
    kind, name, version = identity_of(document)
    first, last = in_force(document)
    if isinstance(document, PlanDocument):
        for entry in document.indicator:
            yield ThresholdRow(
                entry.id, entry.target, entry.unit, entry.op, entry.feed, entry.scope or document.plan.name,
                f"{kind} {name}, {entry.where}", version, first, last,
            )  # fmt: skip
    elif isinstance(document, StandardDocument):
        yield from _class_limits(document)
    else:
        for limit in document.limit:
            source = document.threshold(limit.id).source
            yield ThresholdRow(
                limit.id, limit.value, limit.unit, limit.comparator, document.feed, limit.scope,
                f"{source.kind} {source.id}, {source.where}", source.version, first, last,
            )  # fmt: skip


def _class_limits(document: StandardDocument) -> Iterator[ThresholdRow]:
    kind, name, version = identity_of(document)
    first, last = in_force(document)
    for item in document.item:
        source = f"{kind} {name}, {item.source}"
        steps = [
            (f"{item.id}.{grade}{suffix}", value, item.comparator, f"class {grade}{words}")
            for limits, suffix, words in ((item.limits, "", ""), (item.lake_limits, ".lake", ", lakes and reservoirs"))
            for grade, value in zip(CLASSES, limits or (), strict=False)
        ]
        if item.range is not None:
            steps.append((f"{item.id}.low", item.range[0], Comparator.GE, "classes I to V"))
            steps.append((f"{item.id}.high", item.range[1], Comparator.LE, "classes I to V"))
        for threshold, value, comparator, scope in steps:
            yield ThresholdRow(threshold, value, item.unit, comparator, None, scope, source, version, first, last)


def rows_at(book: PlanBook, day: date, feed: Feed | None = None) -> list[ThresholdRow]:
    """All thresholds in force on a day, of one feed when one is named; of a target the latest plan's."""
    return [
        row
        for document in documents_at(book, day)
        for row in thresholds_of(document)
        if (feed is None or row.feed is feed)
        and (not isinstance(document, PlanDocument) or _states_target(book, document, row.id, day))
    ]


def _states_target(book: PlanBook, document: PlanDocument, indicator_id: str, day: date) -> bool:
    target = book.targets(indicator_id).at(local_midnight_us(day))
    return target is not None and (target.threshold.source.id, target.threshold.source.version) == (
        document.plan.id,
        document.plan.version,
    )


def differences(old: Document | None, new: Document) -> list[str]:
    """What a new version changes, a line each."""
    before = _by_id(thresholds_of(old) if old is not None else ())
    after = _by_id(thresholds_of(new))
    lines = [f"+ {key}: {_limit(row)}" for key, row in after.items() if key not in before]
    lines += [f"- {key}: {_limit(row)}" for key, row in before.items() if key not in after]
    lines += [
        f"~ {key}: {_limit(before[key])} → {_limit(row)}"
        for key, row in after.items()
        if key in before and _limit(before[key]) != _limit(row)
    ]
    return lines


def _by_id(rows: Iterable[ThresholdRow]) -> dict[str, ThresholdRow]:
    return {row.id: row for row in rows}


def _limit(row: ThresholdRow) -> str:
    return f"{row.comparator} {row.value:g} {row.unit}"
