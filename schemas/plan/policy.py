"""Operators' policy of one feed: its limits, how alerts are debounced, and what else its rules need. Pure data.

A limit without a source does not load: unless it names a standard or a plan, the source is the policy and its owner.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from schemas.alert import Severity
from schemas.fields import Feed, Identifier
from schemas.plan.documents import DOCUMENT, PolicyHead, WindowPolicy, Word
from schemas.plan.errors import Location, PlanFileError, fault, problems_of
from schemas.plan.ranges import Instant, Seconds, odd_values, out_of_range
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource

B = TypeVar("B", bound=BaseModel)

LimitId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$")]
RuleId = LimitId
MAINTENANCE_MAX: Final = timedelta(days=366)
"""The longest maintenance window."""


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
    """As far as its unit allows, see `ranges`."""
    unit: Word
    comparator: Comparator
    """The observed value is within the limit when `observed comparator value` holds."""
    scope: Word
    """What it is applied to, in words: `each connector`, `the district`."""
    source: LimitSource | None = None
    note: Word | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (reason := out_of_range(self.value, self.unit)) is not None:
            raise fault("Limit", [(("value",), f"{self.id}: {reason}")])
        return self

    def ends_too_soon(self, clear_value: float) -> str | None:
        """Why an alert that ends at this value would end while the limit is still broken; None when it would not."""
        upper = self.comparator in (Comparator.LE, Comparator.LT)
        if (clear_value <= self.value) if upper else (clear_value >= self.value):
            return None
        side = "above" if upper else "below"
        return (
            f"{clear_value:g} is {side} the limit {self.id} ({self.comparator} {self.value:g}): "
            "an alert would end while the limit is still broken"
        )


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
    gap_max_seconds: Annotated[Seconds, Field(gt=0)] | None = None
    """Samples farther apart than this do not belong to one span; None: any distance."""
    clear_value: float | None = None
    """Only values within this count towards the end; None: within the limit."""
    clear_after: Annotated[int, Field(ge=1, le=1_000)] = 1
    clear_for_seconds: Seconds = 0
    hold_seconds: Seconds = 0
    """An alert stays open at least so long."""
    step_down_after: Annotated[int, Field(ge=1, le=1_000)] = 1
    """So many samples in a row of a lower level make the warning level step down."""
    max_age_seconds: Annotated[Seconds, Field(gt=0)] | None = None
    """An alert that nothing confirms for so long is ended: what it was about is gone (for rules of silence)."""
    severity: Annotated[tuple[SeverityAt, ...], Field(min_length=1)]
    inhibits: tuple[RuleId, ...] = ()
    """Alerts of these rules are not said while one of this rule covers their asset."""
    inhibit_grace_seconds: Seconds = 0
    """So long after its end they may still follow it without being said."""
    group_min: Annotated[int, Field(ge=2, le=100_000)] | None = None
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
    starts: Instant
    ends: Instant
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
        if self.ends - self.starts > MAINTENANCE_MAX:
            raise ValueError(f"the window is longer than {MAINTENANCE_MAX.days} days")
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
    """What else the feed's rules need, in text, switches and figures; checked by the feed (`settings_as`)."""

    @field_validator("settings")
    @classmethod
    def _plain(cls, settings: dict[str, Any]) -> dict[str, Any]:
        faults = list(odd_values(settings))
        if faults:
            raise fault("settings", faults)
        return settings

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
        faults = [one for n, rule in enumerate(self.rule) for one in self._rule_faults(n, rule)]
        if faults:
            raise fault("PolicyDocument", faults)
        return self

    def _rule_faults(self, n: int, rule: RulePolicy) -> list[tuple[Location, str]]:
        """What does not fit between a rule and the rest of the document."""
        rules = {entry.id for entry in self.rule}
        faults: list[tuple[Location, str]] = [
            (("rule", n, "inhibits"), f"there is no rule '{other}' in this document")
            for other in rule.inhibits
            if other not in rules
        ]
        if rule.limit is None:
            return faults
        limit = next((entry for entry in self.limit if entry.id == rule.limit), None)
        if limit is None:
            return [*faults, (("rule", n, "limit"), f"there is no limit '{rule.limit}' in this document")]
        if rule.clear_value is not None:
            reasons = out_of_range(rule.clear_value, limit.unit), limit.ends_too_soon(rule.clear_value)
            faults += [(("rule", n, "clear_value"), reason) for reason in reasons if reason is not None][:1]
        return faults

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

    def refusal(self, *faults: tuple[str, str]) -> PlanFileError:
        """What the rules of the feed raise when they cannot use the document: (limit, rule or setting, reason)."""
        return PlanFileError(self.policy.id, list(faults))

    def seconds(self, limit_id: str) -> float:
        """A limit that is a duration and not none.

        Raises:
            PlanFileError: the document has no such limit, it is 0, or it is not in seconds.
        """
        threshold = self.threshold(limit_id)
        if threshold.unit != "s":
            raise self.refusal((limit_id, f"must be in the unit 's', not '{threshold.unit}'"))
        if threshold.value <= 0:
            raise self.refusal((limit_id, "must be longer than 0 s"))
        return threshold.value

    def figure(self, limit_id: str, *, above: float | None = None, least: float = 0, most: float) -> float:
        """A limit within what the rules can use.

        Args:
            above: It must be more than this.
            least: It must be this at least.

        Raises:
            PlanFileError: the document has no such limit, or it lies outside.
        """
        value = self.threshold(limit_id).value
        if value < least or value > most or (above is not None and value <= above):
            side = f"at least {least:g}" if above is None else f"more than {above:g}"
            raise self.refusal((limit_id, f"{value:g} cannot be used: it must be {side} and at most {most:g}"))
        return value

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
            raise PlanFileError(self.policy.id, problems_of(error, under="settings")) from error
