"""Who changed what through the operations API, and who tried; topic `api-audit`, key: who asked."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, Field

from schemas.api_key import Role
from schemas.fields import CONTRACT, NO_CONTROL_CHARACTER, Identifier, Text, UtcTime

UNKNOWN: Final = "unknown"
"""Stands for whoever showed no key that counts."""


class AuditOutcome(StrEnum):
    """What became of a request that would have changed something."""

    DONE = "done"
    REFUSED = "refused"
    """Not allowed, not valid, or overtaken: nothing was changed."""
    FAILED = "failed"
    """The platform could not do it, or could not say whether it did."""


class AuditRecord(BaseModel):
    """One request that changed something, or would have."""

    model_config = CONTRACT

    request_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Stands in the answer and in the service's log as well."""
    at: UtcTime
    actor: Identifier
    """Id of the key, `unknown` when it could not be told who asks."""
    actor_name: Text
    role: Role | None
    method: Annotated[str, Field(pattern=r"^[A-Z]{3,10}$")]
    path: Annotated[str, Field(max_length=500, pattern=NO_CONTROL_CHARACTER)]
    operation: Annotated[str, Field(max_length=60, pattern=r"^[A-Za-z]*$")]
    """Operation of the OpenAPI document; empty when the path names none."""
    subject: Annotated[str, Field(max_length=200, pattern=NO_CONTROL_CHARACTER)]
    """The alert, asset or document that it was about."""
    outcome: AuditOutcome
    status: Annotated[int, Field(ge=100, le=599)]
    detail: Annotated[str, Field(max_length=500, pattern=NO_CONTROL_CHARACTER)]
    """Why it was refused."""
    client: Annotated[str, Field(max_length=100, pattern=NO_CONTROL_CHARACTER)]
    """Address that it came from."""

    def kafka_key(self) -> bytes:
        """Record key: who asked."""
        return self.actor.encode()
