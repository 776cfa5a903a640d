"""Limits of the plan, the standards and the policies, with the words that say where they come from. Pure.

The boards' lines and colours are made from `deploy/plan`; a change there changes them when they are generated again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.plan.book import Document
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.policy import PolicyDocument
from schemas.verdict import SourceKind, Threshold
from schemas.vocabulary import VOCABULARY
from services.dashboards.errors import BoardRefused
from services.dashboards.words import Language, Words

_KINDS = {
    SourceKind.PLAN: Words("规划", "plan"),
    SourceKind.STANDARD: Words("标准", "standard"),
    SourceKind.POLICY: Words("运行政策", "operators' policy"),
}


@dataclass(frozen=True, slots=True)
class ItemLimit:
    """Limit of one item of a standard for a class."""

    item: str
    value: float
    unit: str
    source: str


class Limits:
    """Every limit by its id."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._known: dict[str, Threshold] = {}
        self._standards: list[StandardDocument] = []
        self.rules: dict[str, Words] = {}
        """Names of the rules that raise alerts, by id."""
        self.figures: dict[str, Words] = {code: Words(*naming) for code, naming in VOCABULARY["indicator"].items()}
        """Names of the indicators, by id: those of the plan as the plan has them."""
        for document in documents:
            if isinstance(document, PlanDocument):
                for indicator in document.indicator:
                    self.figures[indicator.id] = Words(indicator.name_zh or indicator.name, indicator.name)
                    threshold = document.threshold(indicator.id)
                    if threshold is not None:
                        self._known[indicator.id] = threshold
            elif isinstance(document, PolicyDocument):
                self._known |= {limit.id: document.threshold(limit.id) for limit in document.limit}
                self.rules |= {rule.id: Words(rule.name_zh, rule.name) for rule in document.rule}
            else:
                self._standards.append(document)

    def __getitem__(self, limit_id: str) -> Threshold:
        """The limit of an id.

        Raises:
            BoardRefused: no plan or policy has it.
        """
        try:
            return self._known[limit_id]
        except KeyError:
            raise BoardRefused(f"a board refers to the limit {limit_id}, which no file of deploy/plan has") from None

    def value(self, limit_id: str) -> float:
        """The limit's figure."""
        return self[limit_id].value

    def source(self, limit_id: str, language: Language) -> str:
        """The limit with its unit and where it comes from, for a description."""
        limit = self[limit_id]
        kind = _KINDS[limit.source.kind].of(language)
        return (
            f"{limit.comparator.value} {limit.value:g} {limit.unit}"
            f" ({kind} {limit.source.id} {limit.source.version}, {limit.source.where})"
        )

    def class_limits(self, number: int) -> list[ItemLimit]:
        """Limits of lakes for a class (1 to 5) by the field of the reading; the standard's own order.

        Raises:
            BoardRefused: there is no standard.
        """
        if not self._standards:
            raise BoardRefused("deploy/plan/standards has no standard")
        standard = self._standards[-1]
        name = f"{standard.standard.id} {standard.standard.version}"
        found = []
        for item in standard.item:
            limits = item.lake_limits or item.limits
            if item.field and limits:
                found.append(ItemLimit(item.field, limits[number - 1], item.unit, f"{name}, {item.source}"))
        return found
