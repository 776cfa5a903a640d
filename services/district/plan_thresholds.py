"""Thresholds of documents as rows: what is in force on a day, and what a new version changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from schemas.fields import Feed
from schemas.plan.book import Document, PlanBook, identity_of
from schemas.plan.documents import PlanDocument
from schemas.plan.publication import in_force
from schemas.verdict import Comparator
from services.read_model.plan_limits import LimitRow, limits_at, limits_of, subject_of


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

    @classmethod
    def of(cls, row: LimitRow) -> ThresholdRow:
        """The row of a limit."""
        limit, source = row.threshold, row.threshold.source
        return cls(
            limit.id, limit.value, limit.unit, limit.comparator, row.feed, row.scope,
            f"{source.kind} {source.id}, {source.where}", source.version, source.valid_from, source.valid_to,
        )  # fmt: skip


def overtaken(book: PlanBook, document: Document) -> bool:
    """Whether another version with the same first day was published later than a document of the book.

    Of versions that begin on one day the one published last is in force: this one is not, until it is published again.
    """
    later: Iterable[Document] = ()
    for place, known in enumerate(book.documents):
        if identity_of(known) == identity_of(document):
            later = book.documents[place + 1 :]
    return any(in_force(one)[0] == in_force(document)[0] and _replaces(one, document) for one in later)


def _replaces(one: Document, other: Document) -> bool:
    """Whether two documents state the same: policies of a feed, versions of a standard, plans with a common target."""
    if isinstance(one, PlanDocument) and isinstance(other, PlanDocument):
        return not {entry.id for entry in one.indicator}.isdisjoint(entry.id for entry in other.indicator)
    return subject_of(one) == subject_of(other)


def thresholds_of(document: Document) -> Iterator[ThresholdRow]:
    """Every threshold that a document states."""
    return map(ThresholdRow.of, limits_of(document))


def rows_at(book: PlanBook, day: date, feed: Feed | None = None) -> list[ThresholdRow]:
    """All thresholds in force on a day, of one feed when one is named; of a target the latest plan's."""
    return [ThresholdRow.of(row) for row in limits_at(book, day, feed)]


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
