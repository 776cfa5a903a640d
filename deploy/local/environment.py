"""The environment variables of each role: where the servers are and who one is there. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local import postgres
from deploy.local.broker_accounts import BRIDGE, OPERATOR
from deploy.local.credentials import Credentials
from deploy.local.ports import LOOPBACK
from deploy.local.settings import LocalSettings

ROLES = ("bridge", "sink", "processor", "delivery", "api", "operator", "simulators", "citybrain", "grafana")
MACHINE = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What every process of ours inherits of our environment: the machine's ways."""
EVERY_ROLE = ("METRICS_HOST", "KAFKA_SASL_MECHANISM")
"""What the operator may choose for every role beside its contract."""
CHOSEN = {
    "bridge": ("BRIDGE_",),
    "sink": ("SINK_",),
    "processor": (
        "PROCESSOR_",
        "PLAN_FILE",
        "WATER_STANDARD",
        "WATER_POLICY",
        "PARKING_POLICY",
        "EV_POLICY",
        "EMERGENCY_POLICY",
        "TAX_POLICY",
        "DISTRICT_FILE",
        "POPULATION_GRID",
    ),
    "delivery": ("DELIVERY_", "ESCALATION_POLICY", "DISTRICT_FILE"),
    "api": ("OPERATIONS_API_", "READ_MODEL_", "DISTRICT_FILE", "GRAFANA_ADDRESS"),
    "operator": ("SINK_", "KAFKA_TOPIC_"),
    "simulators": ("SIMULATORS_",),
    "citybrain": ("CITYBRAIN_",),
    "grafana": (),
}
"""What the operator may choose for one role: variables, and what they begin with (`_` at the end)."""
NO_HOME = "/nonexistent"
"""A process of ours keeps nothing in a home, and what lies in ours is none of its business."""


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
            | _subscribers(settings, role)
            | _api(settings, credentials, role)
            for role in ROLES
        },
    }


def of_role(environments: Mapping[str, Mapping[str, str]], role: str) -> dict[str, str]:
    """Return the whole environment of one role."""
    return {**environments["common"], **environments[role]}


def device_secret(settings: LocalSettings, credentials: Credentials) -> str:
    """Return the secret that the simulated devices' passwords follow from."""
    return settings.device_secret.get_secret_value() if settings.device_secret else credentials.device_secret


def inherited(ours: Mapping[str, str], role: str) -> dict[str, str]:
    """Return what a role's process inherits of our environment: the machine's ways, and what is chosen for the role."""
    chosen = (*EVERY_ROLE, *CHOSEN[role])
    return {"HOME": NO_HOME} | {
        name: value
        for name, value in ours.items()
        if name in MACHINE or any(name.startswith(each) if each.endswith("_") else name == each for each in chosen)
    }


def _kafka_common(settings: LocalSettings, ports: Ports) -> dict[str, str]:
    if ports.kafka is not None:
        return {"KAFKA_BOOTSTRAP": f"{LOOPBACK}:{ports.kafka}", "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}
    protocol = settings.kafka_security_protocol
    return {"KAFKA_BOOTSTRAP": settings.kafka_bootstrap or ""} | (
        {"KAFKA_SECURITY_PROTOCOL": protocol} if protocol else {}
    )


def _kafka(settings: LocalSettings, ports: Ports, credentials: Credentials, role: str) -> dict[str, str]:
    if role in {"simulators", "citybrain", "grafana"}:
        return {}
    if ports.kafka is not None:
        return {"KAFKA_USERNAME": role, "KAFKA_PASSWORD": getattr(credentials.kafka, role)}
    if settings.kafka_username is None or settings.kafka_password is None:
        return {}
    return {"KAFKA_USERNAME": settings.kafka_username, "KAFKA_PASSWORD": settings.kafka_password.get_secret_value()}


def _mqtt(settings: LocalSettings, ports: Ports, credentials: Credentials, role: str) -> dict[str, str]:
    if role not in {"bridge", "operator", "simulators"}:
        return {}
    devices = {"DEVICE_SECRET": device_secret(settings, credentials)} if role != BRIDGE else {}
    if role in {BRIDGE, OPERATOR}:
        devices |= {"DEVICE_REGISTER": str(settings.register_file)}
    if ports.mqtt is None:
        return devices | ({"MQTT_URL": settings.mqtt_url.get_secret_value()} if settings.mqtt_url else {})
    if role == "simulators":
        return devices | {"MQTT_URL": f"mqtt://{LOOPBACK}:{ports.mqtt}"}
    password: str = getattr(credentials.mqtt, role)
    return devices | {"MQTT_URL": f"mqtt://{role}:{password}@{LOOPBACK}:{ports.mqtt}"}


def _subscribers(settings: LocalSettings, role: str) -> dict[str, str]:
    return {"SUBSCRIBERS_FILE": str(settings.subscribers_register)} if role in {"delivery", OPERATOR} else {}


def _database(settings: LocalSettings, ports: Ports, credentials: Credentials, role: str) -> dict[str, str]:
    if role not in {"sink", "api", "operator", "grafana"}:
        return {}
    if ports.postgres is not None:
        passwords = credentials.database
        writer = postgres.url(postgres.WRITER, passwords.writer, ports.postgres)
        owner = postgres.url(postgres.OWNER, passwords.owner, ports.postgres)
        reader = postgres.url(postgres.READER, passwords.reader, ports.postgres)
        grafana = postgres.url(postgres.GRAFANA, passwords.grafana, ports.postgres)
    else:
        own = settings.database_url
        writer = own.get_secret_value() if own else ""
        owner = settings.database_owner_url.get_secret_value() if settings.database_owner_url else writer
        reader = settings.database_reader_url.get_secret_value() if settings.database_reader_url else writer
        grafana = settings.database_grafana_url.get_secret_value() if settings.database_grafana_url else reader
    if role == "grafana":
        return {"DATABASE_GRAFANA_URL": grafana}
    if role == "sink":
        return {"DATABASE_URL": writer}
    if role == "api":
        return {"DATABASE_READER_URL": reader}
    return {
        "DATABASE_URL": writer,
        "DATABASE_OWNER_URL": owner,
        "DATABASE_READER_URL": reader,
        "DATABASE_GRAFANA_URL": grafana,
    }


def _api(settings: LocalSettings, credentials: Credentials, role: str) -> dict[str, str]:
    """Return who may use the operations API, for it and for whoever lets people in."""
    if role not in {"api", "operator"}:
        return {}
    return {"API_KEYS_FILE": str(settings.keys_file), "MAP_LOGIN_SECRET": credentials.map_login}
