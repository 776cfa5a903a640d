"""What the operator may choose about the delivery of alerts; the only module of it that reads the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.alert_delivery.answers import RetryPolicy
from services.alert_delivery.breaker import BreakerPolicy
from services.runtime.settings import EnvironmentSettings

_DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"


class DeliverySettings(EnvironmentSettings):
    """Who receives, how patiently, and how much at a time."""

    model_config = SettingsConfigDict(env_prefix="delivery_", populate_by_name=True)

    subscribers_file: Path = Field(validation_alias="SUBSCRIBERS_FILE")
    """Register of subscribers; read again when it is replaced. Its folder belongs to this service."""
    escalation_policy: Path = Field(
        default=_DEPLOY / "alerting" / "escalation.toml", validation_alias="ESCALATION_POLICY"
    )
    """How long an alert may be open without anybody having taken it."""
    district_file: Path = Field(default=_DEPLOY / "district" / "jianghan.toml", validation_alias="DISTRICT_FILE")
    """Places of the district: which zone an asset is in."""
    web_base: str = Field(default="http://127.0.0.1:8600", pattern=r"^https?://[^\s]+[^/\s]$")
    """Address of the map as subscribers reach it; CAP messages lead there."""
    instance: str | None = None
    """Name of this process in its consumer groups, unique among them; with a name it gets its partitions back at once
    when it is started again."""
    connections: int = Field(default=8, ge=1, le=100)
    """Attempts under way to one subscriber; events of one asset go one after the other in any case."""
    in_hand: int = Field(default=256, ge=1, le=10_000)
    """Events that are read ahead for one subscriber."""
    retry_first_seconds: float = Field(default=1.0, gt=0)
    """Bound of the wait after an event's first failure; doubles up to `retry_longest_seconds`, with full jitter."""
    retry_longest_seconds: float = Field(default=300.0, gt=0)
    retry_after_longest_seconds: float = Field(default=3_600.0, gt=0)
    """A subscriber that asks for more rest gets so much."""
    breaker_failures: int = Field(default=5, ge=1)
    """So many failures in a row, and the subscriber is left alone for a while."""
    breaker_first_seconds: float = Field(default=2.0, gt=0)
    """How long at first; doubles up to `breaker_longest_seconds`."""
    breaker_longest_seconds: float = Field(default=60.0, gt=0)
    look_back_days: float = Field(default=7.0, gt=0, le=90)
    """At its start the service looks so far back for alerts that nobody has taken."""

    def retry(self) -> RetryPolicy:
        """How patiently an event is tried again."""
        return RetryPolicy(
            first=timedelta(seconds=self.retry_first_seconds),
            longest=timedelta(seconds=self.retry_longest_seconds),
            asked_longest=timedelta(seconds=self.retry_after_longest_seconds),
        )

    def breaker(self) -> BreakerPolicy:
        """When a subscriber is left alone, and for how long."""
        return BreakerPolicy(
            failures=self.breaker_failures,
            first=timedelta(seconds=self.breaker_first_seconds),
            longest=timedelta(seconds=self.breaker_longest_seconds),
        )
