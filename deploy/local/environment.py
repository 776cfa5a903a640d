"""The environment variables of each role: where the servers are and who one is there. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local import postgres
from deploy.local.credentials import Credentials
from deploy.local.ports import LOOPBACK
from deploy.local.settings import LocalSettings

ROLES = ("bridge", "sink", "processor", "operator", "simulators")
CONTRACT = (
    "KAFKA_BOOTSTRAP",
    "KAFKA_SECURITY_PROTOCOL",
    "KAFKA_USERNAME",
    "KAFKA_PASSWORD",
    "MQTT_URL",
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_READER_URL",
    "DEVICE_SECRET",
    "METRICS_PORT",
    "LOG_FORMAT",
)
"""Every variable of the contract; none of them is inherited by a service beside its role's own."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of the local servers on loopback; None: that server is the operator's own."""

    mqtt: int | None
    kafka: int | None
    kafka_controller: int | None
    postgres: int | None


def of_all_roles(settings: LocalSettings, ports: Ports, credentials: Credentials) -> dict[str, dict[str, str]]:
    """Return the variables common to all roles under `common`, and those of each role under its name."""
    return {
        "common": _kafka_common(settings, ports) | {"LOG_FORMAT": settings.log_format},
        **{
            role: _kafka(settings, ports, credentials, role)
            | _mqtt(settings, ports, credentials, role)
            | _database(settings, ports, credentials, role)
            for role in ROLES
        },
    }


def of_role(environments: Mapping[str, Mapping[str, str]], role: str) -> dict[str, str]:
    """Return the whole environment of one role."""
    return {**environments["common"], **environments[role]}


def _kafka_common(settings: LocalSettings, ports: Ports) -> dict[str, str]:
    if ports.kafka is not None:
        return {"KAFKA_BOOTSTRAP": f"{LOOPBACK}:{ports.kafka}", "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}
    protocol = settings.kafka_security_protocol
    return {"KAFKA_BOOTSTRAP": settings.kafka_bootstrap or ""} | (
        {"KAFKA_SECURITY_PROTOCOL": protocol} if protocol else {}
    )


def _kafka(settings: LocalSettings, ports: Ports, credentials: Credentials, role: str) -> dict[str, str]:
    if role == "simulators":
        return {}
    if ports.kafka is not None:
        return {"KAFKA_USERNAME": role, "KAFKA_PASSWORD": getattr(credentials.kafka, role)}
    if settings.kafka_username is None or settings.kafka_password is None:
        return {}
    return {"KAFKA_USERNAME": settings.kafka_username, "KAFKA_PASSWORD": settings.kafka_password.get_secret_value()}


def _mqtt(settings: LocalSettings, ports: Ports, credentials: Credentials, role: str) -> dict[str, str]:
    if role not in {"bridge", "operator", "simulators"}:
        return {}
    secret = settings.device_secret.get_secret_value() if settings.device_secret else credentials.device_secret
    devices = {"DEVICE_SECRET": secret} if role != "bridge" else {}
    if ports.mqtt is None:
        return devices | ({"MQTT_URL": settings.mqtt_url.get_secret_value()} if settings.mqtt_url else {})
    if role == "simulators":
        return devices | {"MQTT_URL": f"mqtt://{LOOPBACK}:{ports.mqtt}"}
    password: str = getattr(credentials.mqtt, role)
    return devices | {"MQTT_URL": f"mqtt://{role}:{password}@{LOOPBACK}:{ports.mqtt}"}


def _database(settings: LocalSettings, ports: Ports, credentials: Credentials, role: str) -> dict[str, str]:
    if role not in {"sink", "operator"}:
        return {}
    if ports.postgres is not None:
        passwords = credentials.database
        writer = postgres.url(postgres.WRITER, passwords.writer, ports.postgres)
        owner = postgres.url(postgres.OWNER, passwords.owner, ports.postgres)
        reader = postgres.url(postgres.READER, passwords.reader, ports.postgres)
    else:
        own = settings.database_url
        writer = own.get_secret_value() if own else ""
        owner = settings.database_owner_url.get_secret_value() if settings.database_owner_url else writer
        reader = settings.database_reader_url.get_secret_value() if settings.database_reader_url else writer
    if role == "sink":
        return {"DATABASE_URL": writer}
    return {"DATABASE_URL": writer, "DATABASE_OWNER_URL": owner, "DATABASE_READER_URL": reader}
