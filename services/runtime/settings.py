"""Settings that every service reads from its environment; the only module that does so for the shared part."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.errors import SettingsError


class LogFormat(StrEnum):
    """`json` for machines, `console` for people."""

    JSON = "json"
    CONSOLE = "console"


class EnvironmentSettings(BaseSettings):
    """Base of all settings: frozen, read once, errors name the variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            SettingsError: a variable is missing or malformed; the message names it.
        """
        try:
            return cls()
        except ValidationError as error:
            lines = [
                f"{cls._variable('_'.join(str(p) for p in e['loc']))}: {e['msg']}"
                for e in error.errors(include_input=False, include_url=False)
            ]
            raise SettingsError("set these environment variables: " + "; ".join(lines)) from error

    @classmethod
    def _variable(cls, name: str) -> str:
        """The variable of a field; one with a name of its own has no prefix."""
        prefix = str(cls.model_config.get("env_prefix", "")) if name in cls.model_fields else ""
        return f"{prefix}{name}".upper()


class ServiceSettings(EnvironmentSettings):
    """How a service shows itself."""

    log_format: LogFormat = LogFormat.JSON
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)
    """Port of `/metrics` and `/healthz` on `metrics_host`; none when unset."""
    metrics_host: str = "127.0.0.1"


class KafkaSettings(EnvironmentSettings):
    """Where Kafka is and who we are there."""

    model_config = SettingsConfigDict(env_prefix="kafka_")

    bootstrap: str
    """`host:port[,host:port]`."""
    security_protocol: str | None = None
    """PLAINTEXT, SASL_PLAINTEXT, SSL or SASL_SSL; by default SASL_PLAINTEXT when a user is given."""
    username: str | None = None
    password: SecretStr | None = None
    sasl_mechanism: str = "SCRAM-SHA-512"

    def client_options(self, client_id: str) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client takes."""
        protocol = self.security_protocol or ("SASL_PLAINTEXT" if self.username else "PLAINTEXT")
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "client_id": client_id,
            "security_protocol": protocol,
        }
        if protocol.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username or "",
                "sasl_plain_password": self.password.get_secret_value() if self.password else "",
            }
        if protocol.endswith("SSL"):
            options["ssl_context"] = ssl.create_default_context()
        return options


class TopicSettings(EnvironmentSettings):
    """How safely topics are kept, `KAFKA_TOPIC_<FIELD>`; one broker has one replica, a cluster three."""

    model_config = SettingsConfigDict(env_prefix="kafka_topic_")

    replicas: int | None = Field(default=None, ge=1, le=32)
    """Replicas of each partition; by default the broker decides."""
    min_in_sync: int | None = Field(default=None, ge=1, le=32)
    """Replicas that must have a record before it counts as written (`min.insync.replicas`); by default the broker
    decides."""

    @model_validator(mode="after")
    def _some_may_fail(self) -> Self:
        if self.replicas is not None and self.min_in_sync is not None and self.min_in_sync > self.replicas:
            raise ValueError("KAFKA_TOPIC_MIN_IN_SYNC is more than KAFKA_TOPIC_REPLICAS: nothing could be written")
        return self


@dataclass(frozen=True, slots=True)
class MqttEndpoint:
    """A parsed `MQTT_URL`."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool


def parse_mqtt_url(url: str) -> MqttEndpoint:
    """Read `mqtt://user:password@host:port` (`mqtts://` for TLS).

    Raises:
        SettingsError: the URL is not of that form.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError(f"MQTT_URL: {error}; expected mqtt://user:password@host:port") from error
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise SettingsError("MQTT_URL: expected mqtt://user:password@host:port or mqtts://…")
    tls = parts.scheme == "mqtts"
    return MqttEndpoint(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
    )
