"""What the operator may choose about the simulated devices; the only module here that reads the environment."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from simulators.endpoint import Endpoint, parse_endpoint
from simulators.errors import SettingRefused


class SimulatorSettings(BaseSettings):
    """`MQTT_URL`, `DEVICE_SECRET`, and `SIMULATORS_<FIELD>`; intervals in seconds."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", use_attribute_docstrings=True, env_prefix="simulators_", populate_by_name=True
    )

    mqtt_url: SecretStr = Field(validation_alias="mqtt_url")
    """`mqtt://host:port`; each device is its own user."""
    device_secret: SecretStr = Field(validation_alias="device_secret")
    """The devices' passwords follow from it."""
    seed: int = 1
    """Another seed is another district life; the same seed the same."""
    pace: float = Field(default=20.0, gt=0)
    """How many times faster than in nature slow things happen (pollution, faults of water stations)."""
    ev_seconds: float = Field(default=5.0, gt=0)
    """Time between two readings of a connector."""
    water_seconds: float = Field(default=15.0, gt=0)
    """Of a point of a lake."""
    parking_seconds: float = Field(default=10.0, gt=0)
    """Of a car park."""
    emergency_seconds: float = Field(default=5.0, gt=0)
    """Between two position reports of an ambulance; steps of an incident are told within a second."""
    tax_seconds: float = Field(default=20.0, gt=0)
    """Between two messages of a tax office while it has entries to send."""
    outbox: int = Field(default=1_000, ge=10)
    """Readings that a device keeps until their receipt: more than an hour of one every five seconds. A full device
    takes no more and says so."""
    keepalive_seconds: int = Field(default=60, ge=5)
    log_format: str = Field(default="json", validation_alias="log_format")
    """`json` or `console`."""

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            SettingRefused: a variable is missing or malformed; the message names it.
        """
        try:
            return cls()
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)
            lines = [f"{'_'.join(str(part) for part in each['loc']).upper()}: {each['msg']}" for each in wrong]
            raise SettingRefused("set these environment variables: " + "; ".join(lines)) from error

    def endpoint(self) -> Endpoint:
        """Where the MQTT broker is.

        Raises:
            SettingRefused: the URL is malformed.
        """
        return parse_endpoint(self.mqtt_url.get_secret_value())
