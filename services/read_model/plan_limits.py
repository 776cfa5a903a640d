"""Limits of documents as rows, and which of them are in force on a day. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.fields import Feed
from schemas.plan.book import Document, PlanBook, identity_of
from schemas.plan.documents import PlanDocument, StandardDocument, StandardItem
from schemas.plan.in_force import Versions, local_midnight_us, version_of
from schemas.plan.policy import PolicyDocument
from schemas.plan.publication import in_force
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource

CLASSES: Final = ("I", "II", "III", "IV", "V")


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit, with all that makes it traceable."""

    threshold: Threshold
    name_en: str
    name_zh: str
    feed: Feed | None
    field: str | None
    """The field of a reading that it is about, where the document says so."""
    scope: str
    """What it holds for, in words."""


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


def limits_at(book: PlanBook, day: date, feed: Feed | None = None) -> list[LimitRow]:
    """All limits in force on a day, of one feed when one is named; of a target the latest plan's."""
    return [
        row
        for document in documents_at(book, day)
        for row in limits_of(document)
        if (feed is None or row.feed is feed)
        and (not isinstance(document, PlanDocument) or _states_target(book, document, row.threshold.id, day))
    ]


def limits_of(document: Document) -> Iterator[LimitRow]:
    """Every limit that a document states."""
    match document:
        case PlanDocument():
            yield from _targets(document)
        case StandardDocument():
            yield from _class_limits(document)
        case PolicyDocument():
            for limit in document.limit:
                yield LimitRow(
                    document.threshold(limit.id), limit.name, limit.name_zh, document.feed, None, limit.scope
                )


def _targets(document: PlanDocument) -> Iterator[LimitRow]:
    for entry in document.indicator:
        threshold = document.threshold(entry.id)
        if threshold is not None:
            scope = entry.scope or document.plan.name
            yield LimitRow(threshold, entry.name, entry.name_zh or entry.name, entry.feed, None, scope)


def _class_limits(document: StandardDocument) -> Iterator[LimitRow]:
    for item in document.item:
        for limit_id, value, comparator, scope in _steps(item):
            threshold = Threshold(
                id=limit_id,
                value=value,
                unit=item.unit,
                comparator=comparator,
                source=_source(document, item),
            )
            yield LimitRow(threshold, item.name, item.name_zh, None, item.field, scope)


def _steps(item: StandardItem) -> Iterator[tuple[str, float, Comparator, str]]:
    for limits, suffix, words in ((item.limits, "", ""), (item.lake_limits, ".lake", ", lakes and reservoirs")):
        for grade, value in zip(CLASSES, limits or (), strict=False):
            yield f"{item.id}.{grade}{suffix}", value, item.comparator, f"class {grade}{words}"
    if item.range is not None:
        yield f"{item.id}.low", item.range[0], Comparator.GE, "classes I to V"
        yield f"{item.id}.high", item.range[1], Comparator.LE, "classes I to V"


def _source(document: StandardDocument, item: StandardItem) -> ThresholdSource:
    head = document.standard
    first, last = in_force(document)
    return ThresholdSource(
        kind=SourceKind.STANDARD, id=head.id, version=head.version, where=item.source, valid_from=first, valid_to=last
    )


def _states_target(book: PlanBook, document: PlanDocument, indicator_id: str, day: date) -> bool:
    target = book.targets(indicator_id).at(local_midnight_us(day))
    return target is not None and (target.threshold.source.id, target.threshold.source.version) == (
        document.plan.id,
        document.plan.version,
    )
