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
_NAMES = {code: Words(*naming) for code, naming in VOCABULARY["document_name"].items()}
_UNITS = {code: Words(*naming) for code, naming in VOCABULARY["unit"].items()}


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
        self._duties: dict[str, str] = {}
        self.rules: dict[str, Words] = {}
        """Names of the rules that raise alerts, by id."""
        self.clear_after: dict[str, int] = {}
        """How many samples in a row within the limit end the alert of a rule, by its id."""
        self.figures: dict[str, Words] = {code: Words(*naming) for code, naming in VOCABULARY["indicator"].items()}
        """Names of the indicators, by id: those of the plan as the plan has them."""
        for document in documents:
            if isinstance(document, PlanDocument):
                self._duties |= {duty.id: _pages(duty.page) for duty in document.duty}
                for indicator in document.indicator:
                    self.figures[indicator.id] = Words(indicator.name_zh or indicator.name, indicator.name)
                    threshold = document.threshold(indicator.id)
                    if threshold is not None:
                        self._known[indicator.id] = threshold
            elif isinstance(document, PolicyDocument):
                self._known |= {limit.id: document.threshold(limit.id) for limit in document.limit}
                self.clear_after |= {rule.id: rule.clear_after for rule in document.rule}
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

    def duty_pages(self, duty_id: str) -> str:
        """Printed pages on which the plan names a duty for which it has no figure.

        Raises:
            BoardRefused: no plan names it.
        """
        try:
            return self._duties[duty_id]
        except KeyError:
            raise BoardRefused(f"a board refers to the duty {duty_id}, which no plan of deploy/plan names") from None

    def goal(self, limit_id: str, language: Language) -> str:
        """The limit as people read it: shares in percent, its unit in words."""
        limit = self[limit_id]
        sign = {"<=": "≤", ">=": "≥"}.get(limit.comparator.value, limit.comparator.value)
        if limit.unit == "1" or limit.unit.startswith("share"):
            return f"{sign} {100 * limit.value:g} %"
        return f"{sign} {limit.value:g} {_UNITS[limit.unit].of(language)}".rstrip()

    def cited(self, limit_id: str, language: Language) -> str:
        """Where a limit comes from, in the language's words: kind, name, version, and the clause of a standard."""
        source = self[limit_id].source
        name = _NAMES.get(source.id, Words(source.id, source.id)).of(language)
        clause = "" if source.kind is SourceKind.POLICY else f", {source.where}"
        return f"{_KINDS[source.kind].of(language)} {name} ({source.version}){clause}"

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


def _pages(page: int | tuple[int, ...]) -> str:
    return ", ".join(str(each) for each in ((page,) if isinstance(page, int) else page))
