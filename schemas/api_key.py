"""The register of those who may use the operations API: keys by their hash, each with a role. It holds no secret."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, model_validator

from schemas.fields import CONTRACT, Identifier, Text, UtcTime

MAX_KEYS: Final = 1_000
"""Most keys of a district, revoked ones included."""


class Role(StrEnum):
    """What somebody may do; see `services.operations_api` for the table of routes."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Reads, acts on alerts, sets maintenance windows."""
    PLAN_OFFICE = "plan-office"
    """Reads, and answers for the plan's figures."""
    INTEGRATOR = "integrator"
    """Reads alerts and says that it has received them."""
    ADMIN = "admin"
    """All of it, and the audit log."""


class ApiKey(BaseModel):
    """One key. The key itself is `<id>.<43 characters of base64url>` and is shown once."""

    model_config = CONTRACT

    id: Identifier
    name: Text
    """Whose it is, for people; it stands beside every action."""
    role: Role
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the whole key: 32 random bytes need no slow hash."""
    added_at: UtcTime
    expires_at: UtcTime | None = None
    revoked_at: UtcTime | None = None


class ApiKeyRegister(BaseModel):
    """Every key that was ever made, each id once."""

    model_config = CONTRACT

    version: Literal[1] = 1
    keys: Annotated[tuple[ApiKey, ...], Field(max_length=MAX_KEYS)] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({each.id for each in self.keys}) < len(self.keys):
            raise ValueError("a key's id stands there twice")
        return self

    def get(self, key_id: str) -> ApiKey | None:
        """A key by its id, None when there is none."""
        return next((each for each in self.keys if each.id == key_id), None)
