"""The documents published into one partition's log, in the order in which each was published last. Pure.

An earlier version that is published again comes last again, and so is back in force. A refused one changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from schemas.fields import Feed
from schemas.plan.book import Document, effective_us, identity_of, load_document
from schemas.plan.documents import StandardDocument
from schemas.plan.policy import PolicyDocument
from services.stream_processors.engine.judge import Judge

S = TypeVar("S")

_REASON_MAX_CHARS = 500


class Published(NamedTuple):
    """A document and what became of it."""

    document: Document
    refused: str | None = None
    """Why it does not count; None: it does."""


@dataclass(slots=True)
class Documents:
    """What was published into a partition."""

    published: list[Published] = field(default_factory=list)
    changed: bool = False
    """Since the state was last written."""

    def is_latest(self, document: Document) -> bool:
        """Whether it was the last one published of those that can replace one another."""
        series = _series(document)
        last = next((known for known in reversed(self.published) if _series(known.document) == series), None)
        return last is not None and last.document == document

    def lacking(self, published: Iterable[Document], feed: Feed) -> list[Document]:
        """What must be published here, in this order, until the order is that of all that was published.

        Args:
            published: Each document once, in the order in which it was published last.
        """
        wanted = [one for one in published if concerns(one, feed)]
        lacking: list[Document] = []
        for series in dict.fromkeys(map(_series, wanted)):
            ours = [known.document for known in self.published if _series(known.document) == series]
            theirs = [one for one in wanted if _series(one) == series]
            lacking += theirs[_common(ours, theirs) :]
        return [one for one in wanted if one in lacking]

    def accept(self, document: Document) -> int:
        """Let a document count; returns the time from which verdicts may change by it."""
        identity = identity_of(document)
        replaced = [known for known in self.published if identity_of(known.document) == identity]
        self.published = [*(known for known in self.published if known not in replaced), Published(document)]
        self.changed = True
        return min([effective_us(document), *(effective_us(old.document) for old in replaced if old.refused is None)])

    def refuse(self, document: Document, reason: str) -> None:
        """Remember that a document does not count."""
        identity = identity_of(document)
        kept = [known for known in self.published if known.refused is None or identity_of(known.document) != identity]
        self.published = [*kept, Published(document, reason)]
        self.changed = True


def loaded(forms: Iterable[tuple[dict[str, Any], str | None]]) -> Documents:
    """Documents from their JSON-ready forms and why each is refused.

    One that today's contract does not allow any more is left out: whoever reads what is published says so.
    """
    documents = Documents()
    for form, refused in forms:
        try:
            documents.published.append(Published(load_document(form), refused))
        except (ValidationError, KeyError):
            documents.changed = True
    return documents


def judge_under(judge: Judge[S], documents: Documents) -> Judge[S] | None:
    """The judge under the documents that count; None when there are none. What this release refuses is marked so."""
    ruling = judge
    for place, (document, refused) in enumerate(documents.published):
        if refused is not None:
            continue
        try:
            ruling = ruling.with_document(document)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a document, the others count
            documents.published[place] = Published(document, reason_of(error))
            documents.changed = True
    return None if ruling is judge else ruling


def reason_of(error: Exception) -> str:
    """Why a document is refused, for people."""
    return str(error)[:_REASON_MAX_CHARS] or type(error).__name__


def concerns(document: Document, feed: Feed) -> bool:
    """Whether a feed is judged by a document."""
    return not isinstance(document, PolicyDocument) or document.feed is feed


def _series(document: Document) -> tuple[Any, ...]:
    """Documents of one series replace one another by their days and the order of publication."""
    if isinstance(document, PolicyDocument):
        return "policy", document.feed
    if isinstance(document, StandardDocument):
        return "standard", document.standard.id
    return ("plan",)


def _common(ours: list[Document], theirs: list[Document]) -> int:
    """How many of theirs stand in ours in the same order, from the first on."""
    place = 0
    for number, document in enumerate(theirs):
        try:
            place = ours.index(document, place) + 1
        except ValueError:
            return number
    return len(theirs)
