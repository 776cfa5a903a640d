"""What the operator may choose about the bridge; the only module of it that reads the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from schemas.mqtt import BRIDGE_CLIENT_ID
from services.ingest_bridge.admission import Limits
from services.ingest_bridge.connection import SessionOptions
from services.ingest_bridge.judge import PLAIN_BYTES, Policy
from services.runtime.settings import EnvironmentSettings, MqttEndpoint, parse_mqtt_url


class MqttSettings(EnvironmentSettings):
    """Where the MQTT broker is and who we are there."""

    model_config = SettingsConfigDict(env_prefix="mqtt_")

    url: SecretStr
    """`mqtt://user:password@host:port`, `mqtts://` for TLS."""

    def endpoint(self) -> MqttEndpoint:
        """The parsed URL.

        Raises:
            SettingsError: it is malformed.
        """
        return parse_mqtt_url(self.url.get_secret_value())


class AdmissionSettings(EnvironmentSettings):
    """Who may speak, and how much; `DEVICE_REGISTER` and `BRIDGE_DEVICE_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="bridge_", populate_by_name=True)

    device_register: Path = Field(validation_alias="DEVICE_REGISTER")
    """File of the register of devices; read again when it is replaced."""
    device_readings_per_second: float = Field(default=200.0, gt=0)
    """What one device may send in the long run; the rest is dead-lettered as `too_fast`."""
    device_burst_readings: float = Field(default=50_000.0, ge=1)
    """What it may send on top of it at once, out of what it kept while it was away."""
    device_moment_readings: float = Field(default=10_000.0, ge=1)
    """What it may send on top of the long run by the times in its readings: as many as it has to tell of one moment."""
    device_payload_bytes: int = Field(default=256 * 1024, ge=PLAIN_BYTES)
    """A larger payload of a device is dead-lettered as `too_large`."""

    def limits(self) -> Limits:
        """What one device may send."""
        return Limits(
            readings_per_second=self.device_readings_per_second,
            readings_at_once=self.device_burst_readings,
            readings_of_a_moment=self.device_moment_readings,
            payload_bytes=self.device_payload_bytes,
        )


class BridgeSettings(EnvironmentSettings):
    """The bridge's own settings, `BRIDGE_<FIELD>`; durations in seconds."""

    model_config = SettingsConfigDict(env_prefix="bridge_")

    client_id: str = Field(default=BRIDGE_CLIENT_ID, min_length=1, max_length=64)
    """Names the persistent session; two bridges with one id push each other out. The local broker ties the bridge's
    account to the default."""
    session_expiry_seconds: int = Field(default=14 * 86_400, ge=60)
    """How long the MQTT broker keeps our session, and what waits in it, while we are away; less where the broker has a
    bound of its own."""
    keepalive_seconds: int = Field(default=30, ge=5, le=300)
    receive_maximum: int = Field(default=10_000, ge=1, le=65_535)
    """Unacknowledged QoS 1 messages; the MQTT broker itself sends no more, so that control packets still flow."""
    in_flight_bytes: int = Field(default=64 * 1024 * 1024, ge=8 * 1024 * 1024)
    """Bytes taken and not yet acknowledged, dead letters that came out of them included; above it the socket is not
    read."""
    max_packet_bytes: int = Field(default=5 * 1024 * 1024, ge=64 * 1024, le=5 * 1024 * 1024)
    """Announced to the MQTT broker, which sends nothing larger; leaves room in a dead letter for its headers."""
    max_payload_bytes: int = Field(default=1024 * 1024, ge=1024)
    """A larger payload is dead-lettered as `too_large`."""
    max_elements: int = Field(default=10_000, ge=1)
    """Readings in one message; an array of more is dead-lettered as `too_large`."""
    future_seconds: int = Field(default=31 * 86_400, ge=0)
    """How far `observed_at` may be ahead of our clock. A reading a little ahead is stored, marked `future_time`; one so
    far ahead is a broken clock and is dead-lettered."""
    pace_seconds: float = Field(default=0.02, ge=0, le=1)
    """Least time between the starts of two writes to Kafka under load; a lone message never waits."""
    receipt_seconds: float = Field(default=1.0, gt=0)
    """Time between two receipts to a device whose readings keep coming."""
    receipt_repeat_seconds: float = Field(default=10.0, gt=0)
    """Time after which a receipt that is stuck before a gap is said again."""
    boots_per_device: int = Field(default=4, ge=2)
    """Boots of one device kept at a time: its own, and replays under its name. One that is forgotten goes on from the
    base that its device says."""
    forget_after_days: int = Field(default=30, ge=1)
    """A device silent for so long loses its receipts; it says its base, or starts a new boot."""
    stop_seconds: float = Field(default=6.0, gt=0)
    """At a stop, the time in which what was taken may still reach Kafka."""

    def session(self) -> SessionOptions:
        """What is agreed with the MQTT broker at each connection."""
        return SessionOptions(
            client_id=self.client_id,
            expiry_seconds=self.session_expiry_seconds,
            keepalive_seconds=self.keepalive_seconds,
            receive_maximum=self.receive_maximum,
            max_packet_bytes=self.max_packet_bytes,
        )

    def policy(self) -> Policy:
        """What the judge needs to know."""
        return Policy(
            max_payload_bytes=self.max_payload_bytes,
            max_elements=self.max_elements,
            future_tolerance=timedelta(seconds=self.future_seconds),
        )
