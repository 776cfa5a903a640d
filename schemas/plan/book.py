"""All published versions of plans, standards and policies together: what was in force when. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from schemas.fields import Feed
from schemas.plan.documents import PlanDocument, PlanIndicator, StandardDocument
from schemas.plan.in_force import Versions, local_midnight_us, version_of
from schemas.plan.policy import PolicyDocument
from schemas.verdict import Threshold

Document = PlanDocument | StandardDocument | PolicyDocument
"""What can be published."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target of the plan as one version of the plan states it."""

    threshold: Threshold
    indicator: PlanIndicator
    plan_name: str
    plan_name_zh: str
    counts_from: date
    """First day of the planned period."""


class PlanBook:
    """Documents in the order in which they were published; a book is never changed, `with_document` gives a new one."""

    __slots__ = ("documents",)

    def __init__(self, documents: Iterable[Document]) -> None:
        self.documents: Final[tuple[Document, ...]] = tuple(documents)

    def with_document(self, document: Document) -> PlanBook:
        """The book with one more version; the same id and version once more replaces what was there."""
        identity = identity_of(document)
        return PlanBook([*(known for known in self.documents if identity_of(known) != identity), document])

    def policies(self, feed: Feed) -> Versions[PolicyDocument]:
        """The policy of a feed."""
        return Versions(
            version_of(d, d.policy.valid_from, d.policy.valid_to)
            for d in self.documents
            if isinstance(d, PolicyDocument) and d.feed is feed
        )

    def standards(self, standard_id: str) -> Versions[StandardDocument]:
        """A standard by its number."""
        return Versions(
            version_of(d, d.standard.valid_from, d.standard.valid_to)
            for d in self.documents
            if isinstance(d, StandardDocument) and d.standard.id == standard_id
        )

    def targets(self, indicator_id: str) -> Versions[Target]:
        """A target of the plan."""
        return Versions(
            version_of(
                Target(threshold, entry, d.plan.name, d.plan.name_zh or d.plan.name, d.plan.counts_from),
                threshold.source.valid_from,
                threshold.source.valid_to,
            )
            for d in self.documents
            if isinstance(d, PlanDocument)
            for entry in d.indicator
            if entry.id == indicator_id and (threshold := d.threshold(indicator_id)) is not None
        )


_MODELS: Final[dict[str, type[PlanDocument | StandardDocument | PolicyDocument]]] = {
    "plan": PlanDocument,
    "standard": StandardDocument,
    "policy": PolicyDocument,
}


def effective_us(document: Document) -> int:
    """From when a document is in force, microseconds since 1970."""
    match document:
        case PlanDocument():
            return local_midnight_us(document.plan.start)
        case StandardDocument():
            return local_midnight_us(document.standard.valid_from)
        case PolicyDocument():
            return local_midnight_us(document.policy.valid_from)


def dump_document(document: Document) -> dict[str, Any]:
    """JSON-ready form with its kind."""
    return {"kind": identity_of(document)[0], "document": document.model_dump(mode="json", by_alias=True)}


def load_document(dumped: dict[str, Any]) -> Document:
    """A document from its JSON-ready form.

    Raises:
        KeyError: there is no such kind.
        pydantic.ValidationError: it is not a valid document.
    """
    document: Document = _MODELS[dumped["kind"]].model_validate(dumped["document"])
    return document


def identity_of(document: Document) -> tuple[str, str, str]:
    """Kind, id and version: what makes a published document the same one."""
    match document:
        case PlanDocument():
            return "plan", document.plan.id, document.plan.version
        case StandardDocument():
            return "standard", document.standard.id, document.standard.version
        case PolicyDocument():
            return "policy", document.policy.id, document.policy.version
