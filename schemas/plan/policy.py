"""Operators' policy of one feed: its limits, how alerts are debounced, and what else its rules need. Pure data.

A limit without a source does not load: unless it names a standard or a plan, the source is the policy and its owner.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, ValidationError, model_validator

from schemas.alert import Severity
from schemas.fields import Feed, Identifier
from schemas.plan.documents import DOCUMENT, PolicyHead, WindowPolicy, Word
from schemas.plan.errors import PlanFileError
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource

B = TypeVar("B", bound=BaseModel)

LimitId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$")]
RuleId = LimitId
Seconds = Annotated[float, Field(ge=0)]


class LimitSource(BaseModel):
    """Where a figure comes from when it is not the policy owner's own."""

    model_config = DOCUMENT

    kind: SourceKind
    id: Word
    """Standard number or plan id."""
    version: Word
    where: Word
    """Clause, table or page."""


class Limit(BaseModel):
    """One figure that readings are judged against."""

    model_config = DOCUMENT

    id: LimitId
    name: Word
    name_zh: Word
    value: float
    unit: Word
    comparator: Comparator
    """The observed value is within the limit when `observed comparator value` holds."""
    scope: Word
    """What it is applied to, in words: `each connector`, `the district`."""
    source: LimitSource | None = None
    note: Word | None = None


class SeverityAt(BaseModel):
    """Warning level from so many steps beyond the limit on."""

    model_config = DOCUMENT

    level: Annotated[int, Field(ge=1, le=100)]
    severity: Severity


class RulePolicy(BaseModel):
    """When an alert of one rule is raised, steps up or down and ends."""

    model_config = DOCUMENT

    id: RuleId
    name: Word
    name_zh: Word
    limit: LimitId | None = None
    """The limit it guards; None when the rule follows from other data (the feed says so)."""
    raise_after: Annotated[int, Field(ge=1, le=1_000)] = 1
    """So many samples beyond the limit open an alert ..."""
    raise_of: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """... among the last so many; None: in a row."""
    raise_for_seconds: Seconds = 0
    """They must span so much event time."""
    gap_max_seconds: Seconds | None = None
    """Samples farther apart than this do not belong to one span; None: any distance."""
    clear_value: float | None = None
    """Only values within this count towards the end; None: within the limit."""
    clear_after: Annotated[int, Field(ge=1, le=1_000)] = 1
    clear_for_seconds: Seconds = 0
    hold_seconds: Seconds = 0
    """An alert stays open at least so long."""
    step_down_after: Annotated[int, Field(ge=1, le=1_000)] = 1
    """So many samples in a row of a lower level make the warning level step down."""
    max_age_seconds: Seconds | None = None
    """An alert that nothing confirms for so long is ended: what it was about is gone (for rules of silence)."""
    severity: Annotated[tuple[SeverityAt, ...], Field(min_length=1)]
    inhibits: tuple[RuleId, ...] = ()
    """Alerts of these rules are not said while one of this rule covers their asset."""
    inhibit_grace_seconds: Seconds = 0
    """So long after its end they may still follow it without being said."""
    group_min: Annotated[int, Field(ge=2)] | None = None
    """So many assets of one group with this alert at the same time become one alert of the group."""
    advice_zh: Word
    advice_en: Word

    @model_validator(mode="after")
    def _usable(self) -> Self:
        steps = [step.level for step in self.severity]
        if steps[0] != 1 or steps != sorted(set(steps)):
            raise ValueError("severity levels must start at 1 and rise")
        if self.raise_of is not None and self.raise_of < self.raise_after:
            raise ValueError("raise_of must not be less than raise_after")
        return self

    def severity_of(self, level: int) -> Severity:
        """The warning level so many steps beyond the limit (at least 1)."""
        return [step.severity for step in self.severity if step.level <= max(1, level)][-1]


class Maintenance(BaseModel):
    """A planned window in which alerts are recorded and not passed on."""

    model_config = DOCUMENT

    id: Identifier
    starts: AwareDatetime
    ends: AwareDatetime
    reason: Word
    owner: Word
    assets: tuple[Identifier, ...] = ()
    """Devices or other assets; empty: all of the groups."""
    groups: tuple[Identifier, ...] = ()
    """Sites, zones, lakes or districts; empty: all groups."""
    rules: tuple[RuleId, ...] = ()
    """Empty: all rules of the feed."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends <= self.starts:
            raise ValueError("the window ends before it starts")
        return self


class PolicyDocument(BaseModel):
    """The operators' policy of one feed."""

    model_config = DOCUMENT

    kind: Literal["policy"] = "policy"
    feed: Feed
    policy: PolicyHead
    window: WindowPolicy
    limit: tuple[Limit, ...] = ()
    rule: tuple[RulePolicy, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    settings: dict[str, Any] = {}
    """What else the feed's rules need; checked by the feed (`settings_as`)."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for kind, ids in (
            ("limit", [entry.id for entry in self.limit]),
            ("rule", [entry.id for entry in self.rule]),
            ("maintenance", [entry.id for entry in self.maintenance]),
        ):
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                raise ValueError(f"{kind} ids are used twice: {', '.join(twice)}")
        limits, rules = {entry.id for entry in self.limit}, {entry.id for entry in self.rule}
        for rule in self.rule:
            if rule.limit is not None and rule.limit not in limits:
                raise ValueError(f"rule {rule.id} guards limit {rule.limit}, which is not in this document")
            strangers = sorted(set(rule.inhibits) - rules)
            if strangers:
                raise ValueError(f"rule {rule.id} inhibits unknown rules: {', '.join(strangers)}")
        return self

    @property
    def lateness(self) -> timedelta:
        """How late a reading may come and still correct the record."""
        return self.window.lateness

    def threshold(self, limit_id: str) -> Threshold:
        """A limit with its source.

        Raises:
            PlanFileError: the document has no such limit.
        """
        for entry in self.limit:
            if entry.id == limit_id:
                return Threshold(
                    id=entry.id,
                    value=entry.value,
                    unit=entry.unit,
                    comparator=entry.comparator,
                    source=self._source(entry.source),
                )
        raise PlanFileError(
            self.policy.id, [("limit", f"there is no limit '{limit_id}'; the feed {self.feed} needs it")]
        )

    def _source(self, given: LimitSource | None) -> ThresholdSource:
        head = self.policy
        if given is None:
            kind, source_id, version, where = SourceKind.POLICY, head.id, head.version, head.owner
        else:
            kind, source_id, version, where = given.kind, given.id, given.version, given.where
        return ThresholdSource(
            kind=kind, id=source_id, version=version, where=where, valid_from=head.valid_from, valid_to=head.valid_to
        )

    def rule_policy(self, rule_id: str) -> RulePolicy:
        """The policy of a rule.

        Raises:
            PlanFileError: the document has no such rule.
        """
        for entry in self.rule:
            if entry.id == rule_id:
                return entry
        raise PlanFileError(self.policy.id, [("rule", f"there is no rule '{rule_id}'; the feed {self.feed} needs it")])

    def settings_as(self, model: type[B]) -> B:
        """The feed's own settings, checked.

        Raises:
            PlanFileError: a setting is missing, unknown or wrong.
        """
        try:
            return model.model_validate(self.settings)
        except ValidationError as error:
            raise PlanFileError(
                self.policy.id,
                [
                    (".".join(["settings", *map(str, fault["loc"])]), fault["msg"].removeprefix("Value error, "))
                    for fault in error.errors(include_input=False, include_url=False)
                ],
            ) from error
