"""The policy of escalation: who says that an alert may be open for so long, and since when. Pure."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.alert import Severity
from services.alert_delivery.errors import PolicyRefused

_DOCUMENT: Final = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
_Word = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PolicyHead(BaseModel):
    """Which policy, and who answers for it."""

    model_config = _DOCUMENT

    id: _Word
    version: _Word
    name: _Word
    name_zh: _Word
    owner: _Word
    """Its source: an operator's policy has an owner instead of a clause."""
    valid_from: date
    valid_to: date | None = None


class Step(BaseModel):
    """How long an alert of one severity may be open without anybody having taken it."""

    model_config = _DOCUMENT

    severity: Severity
    after_seconds: Annotated[float, Field(gt=0, le=30 * 86_400)]
    note: _Word | None = None


class EscalationPolicy(BaseModel):
    """The whole document."""

    model_config = _DOCUMENT

    policy: PolicyHead
    escalate: Annotated[tuple[Step, ...], Field(max_length=len(Severity))]
    """A severity that is left out is never escalated."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({step.severity for step in self.escalate}) < len(self.escalate):
            raise ValueError("a severity stands there twice")
        return self

    def after(self, severity: Severity) -> timedelta | None:
        """How long an alert of this severity may be open; None: for ever."""
        seconds = next((step.after_seconds for step in self.escalate if step.severity is severity), None)
        return None if seconds is None else timedelta(seconds=seconds)

    def is_in_force(self, at: datetime) -> bool:
        """Whether it holds on this day (UTC)."""
        day = at.astimezone(UTC).date()
        return self.policy.valid_from <= day and (self.policy.valid_to is None or day <= self.policy.valid_to)

    @property
    def source(self) -> str:
        """What every escalation cites."""
        return f"policy {self.policy.id}, version {self.policy.version}, of {self.policy.owner}"


def parse_policy(text: str, *, file: str) -> EscalationPolicy:
    """The policy in this text.

    Args:
        text: TOML.
        file: Its name for messages.

    Raises:
        PolicyRefused: it is not TOML, or not what it should be; the message names the place.
    """
    try:
        return EscalationPolicy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyRefused(f"{file}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise PolicyRefused(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
