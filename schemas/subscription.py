"""The register of subscribers: who receives which alert events, where, and with which signing secrets.

It holds secrets; only `alert_delivery` and the operator's command line read it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from schemas.alert import Severity
from schemas.fields import CONTRACT, Feed, Identifier, Text, UtcTime

MAX_SUBSCRIBERS: Final = 200
"""Most subscribers of a district, ended ones included."""

SECRET_PATTERN: Final = r"^whsec_[A-Za-z0-9+/]{32,88}={0,2}$"  # noqa: S105 - a pattern, not a secret
"""Standard Webhooks: `whsec_` and 24 to 64 random bytes in base64."""


class SubscriptionState(StrEnum):
    """Whether events are sent."""

    ACTIVE = "active"
    PAUSED = "paused"
    """By the operator; events wait."""
    ENDED = "ended"
    """The subscriber answered 410 Gone, or the operator ended it; events do not wait."""


class Rendering(StrEnum):
    """Form of an event's body."""

    CLOUDEVENTS = "cloudevents"
    """CloudEvents 1.0 JSON, structured mode."""
    CLOUDEVENTS_BINARY = "cloudevents-binary"
    """CloudEvents 1.0, binary mode: attributes in `ce-` headers."""
    CAP = "cap"
    """CAP 1.2 XML."""


class Filter(BaseModel):
    """Which events are sent; an empty list asks for all."""

    model_config = CONTRACT

    feeds: tuple[Feed, ...] = ()
    severities: tuple[Severity, ...] = ()
    zones: tuple[Identifier, ...] = ()
    rules: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*\*?$")], ...] = ()
    """Rules by name, or the beginnings of names that end in `*`."""
    events: tuple[Annotated[str, Field(pattern=r"^[a-z]{3,20}$")], ...] = ()
    """`raised`, `resolved`, `acknowledged`, …; receipts (`received`) are sent only where they are named."""
    exercises: bool = True
    """Whether events of exercises are sent, marked as such."""


class SigningSecret(BaseModel):
    """A secret that signs; during a rotation the old one signs as well."""

    model_config = CONTRACT

    secret: Annotated[SecretStr, Field(json_schema_extra={"writeOnly": True})]
    added_at: UtcTime
    until: UtcTime | None = None
    """Signs no more after this; null: until it is rotated."""


class Subscription(BaseModel):
    """One subscriber."""

    model_config = CONTRACT

    id: Identifier
    name: Text = ""
    url: Annotated[str, Field(max_length=2_000, pattern=r"^https?://[^\s]+$")]
    rendering: Rendering = Rendering.CLOUDEVENTS
    filter: Filter = Filter()
    secrets: Annotated[tuple[SigningSecret, ...], Field(min_length=1, max_length=4)]
    state: SubscriptionState = SubscriptionState.ACTIVE
    state_reason: Text = ""
    private_networks: tuple[Annotated[str, Field(max_length=50)], ...] = ()
    """Networks (CIDR) that are not public and that this subscriber may be in, each named by the operator."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    give_up_days: Annotated[float, Field(gt=0, le=30)] = 3.0
    """So long is one event tried before it is put aside for redelivery."""
    added_at: UtcTime
    """Events from here on are sent."""


class SubscriptionRegister(BaseModel):
    """Every subscription, each once, in the order of their ids."""

    model_config = CONTRACT

    version: Literal[1] = 1
    subscriptions: Annotated[tuple[Subscription, ...], Field(max_length=MAX_SUBSCRIBERS)] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({each.id for each in self.subscriptions}) < len(self.subscriptions):
            raise ValueError("a subscriber stands there twice")
        return self

    def get(self, subscription_id: str) -> Subscription | None:
        """A subscription by its id, None when there is none."""
        return next((each for each in self.subscriptions if each.id == subscription_id), None)
