"""What `compose.yaml` says, as plain data. Pure: `python -m deploy.compose generate` writes it.

Secrets are variables, which `python -m deploy.compose prepare` puts into `.env`.
"""

from collections.abc import Mapping
from typing import Any

from deploy.local import kafka, postgres
from schemas.fields import Feed

IMAGES = {
    "kafka": "apache/kafka:4.1.1",
    "mosquitto": "eclipse-mosquitto:2.0.21",
    "timescaledb": "timescale/timescaledb:2.19.3-pg17",
    "grafana": "grafana/grafana:11.6.0",
}
OURS = "jianghan-district:0.1.0"
BROKERS = (1, 2, 3)
REPLICAS = 3
MIN_IN_SYNC = 2
KAFKA_PORT, MQTT_PORT, DATABASE_PORT, GRAFANA_PORT, METRICS_PORT, API_PORT = 9092, 1883, 5432, 3000, 9100, 8600
BOOTSTRAP = ",".join(f"kafka-{number}:{KAFKA_PORT}" for number in BROKERS)
_MAP_SERVER = f"http://127.0.0.1:{API_PORT}"
"""Address of the operations API as browsers and subscribers on this machine reach it; change it for others."""
KAFKA_DATA = "/var/lib/kafka/data"
STATE = "./state"
"""What `prepare` writes: credentials, register of devices, configuration of Mosquitto, its data."""
REGISTER = "devices/register.json"
SUBSCRIBERS = "subscribers"
"""Folder of the register of subscribers: alert_delivery's own, it writes there as well."""
KEYS = "keys/api-keys.json"
DEVICES = "/etc/district/devices"
"""Where our containers see the folder of the register; a file alone would not be seen to be replaced."""
POSTGRES_SETTINGS = ("password_encryption", "synchronous_commit", "wal_compression", "max_wal_size", "jit", "timezone")
"""Settings of the local server that hold here as well."""


def secret(name: str) -> str:
    """Return a variable that must be set."""
    return f"${{{name}:?run python -m deploy.compose prepare}}"


def document() -> dict[str, Any]:
    """Return the whole file."""
    return {
        "name": "jianghan-district",
        "services": {
            **{f"kafka-{number}": _kafka(number) for number in BROKERS},
            "mosquitto": _mosquitto(),
            "timescaledb": _timescaledb(),
            **_steps(),
            **_services(),
            "grafana": _grafana(),
        },
        "volumes": {**{f"kafka-{number}": {} for number in BROKERS}, "timescaledb": {}, "grafana": {}},
    }


def _common(image: str) -> dict[str, Any]:
    """What every container has: it is started again whatever ended it, and its log is bounded."""
    return {
        "image": image,
        "restart": "unless-stopped",
        "logging": {"driver": "json-file", "options": {"max-size": "8m", "max-file": "4"}},
        "security_opt": ["no-new-privileges:true"],
    }


def _check(*test: str, start_seconds: int = 60) -> dict[str, Any]:
    return {
        "test": ["CMD", *test],
        "interval": "10s",
        "timeout": "5s",
        "retries": 6,
        "start_period": f"{start_seconds}s",
    }


def _kafka(number: int) -> dict[str, Any]:
    users = (*kafka.USERS, "controller")
    return {
        **_common(IMAGES["kafka"]),
        "hostname": f"kafka-{number}",
        "entrypoint": ["/bin/bash", "/etc/district/start.sh"],
        "environment": {
            "NODE_ID": str(number),
            "CLUSTER_ID": secret("KAFKA_CLUSTER_ID"),
            "KAFKA_HEAP_OPTS": "-Xms512m -Xmx512m",
            **{f"{user.upper()}_PASSWORD": secret(f"KAFKA_{user.upper()}_PASSWORD") for user in users},
        },
        "volumes": [
            "../kafka/server.properties:/etc/district/server.properties:ro",
            "./kafka/cluster.properties:/etc/district/cluster.properties:ro",
            "./kafka/start.sh:/etc/district/start.sh:ro",
            f"kafka-{number}:{KAFKA_DATA}",
        ],
        "stop_grace_period": "60s",
        "healthcheck": _check("/bin/bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{KAFKA_PORT}"),
    }


def _mosquitto() -> dict[str, Any]:
    return {
        **_common(IMAGES["mosquitto"]),
        "user": "${DISTRICT_UID:?run python -m deploy.compose prepare}:${DISTRICT_GID:-0}",
        "command": ["mosquitto", "-c", "/mosquitto/config/mosquitto.conf"],
        "volumes": [
            f"{STATE}/mosquitto:/mosquitto/config:ro",
            f"{STATE}/mosquitto/data:/mosquitto/data",
        ],
        "ports": [f"127.0.0.1:{MQTT_PORT}:{MQTT_PORT}"],
        "stop_grace_period": "30s",
        "healthcheck": _check("nc", "-z", "127.0.0.1", str(MQTT_PORT), start_seconds=10),
    }


def _timescaledb() -> dict[str, Any]:
    settings = [f"{name}={postgres.SETTINGS[name].strip(chr(39))}" for name in POSTGRES_SETTINGS]
    return {
        **_common(IMAGES["timescaledb"]),
        "command": ["postgres", *(word for setting in settings for word in ("-c", setting))],
        "environment": {
            "POSTGRES_USER": postgres.SUPERUSER,
            "POSTGRES_PASSWORD": secret("DATABASE_SUPERUSER_PASSWORD"),
            "POSTGRES_DB": "postgres",
            "POSTGRES_INITDB_ARGS": "--data-checksums --auth-host=scram-sha-256",
            "TIMESCALEDB_TELEMETRY": "off",
        },
        "volumes": ["timescaledb:/var/lib/postgresql/data"],
        "ports": [f"127.0.0.1:{DATABASE_PORT}:{DATABASE_PORT}"],
        "shm_size": "256m",
        "stop_grace_period": "60s",
        "healthcheck": _check("pg_isready", "-U", postgres.SUPERUSER, "-h", "127.0.0.1"),
    }


def _kafka_access(role: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP": BOOTSTRAP,
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_USERNAME": role,
        "KAFKA_PASSWORD": secret(f"KAFKA_{role.upper()}_PASSWORD"),
    }


def _database(role: str) -> str:
    user = {"owner": postgres.OWNER, "writer": postgres.WRITER, "reader": postgres.READER}[role]
    return postgres.url(user, secret(f"DATABASE_{role.upper()}_PASSWORD"), DATABASE_PORT, host="timescaledb")


def _ours(*command: str, environment: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    return {
        **_common(OURS),
        "build": {"context": "../..", "dockerfile": "deploy/compose/Dockerfile"},
        "command": ["python", "-m", *command],
        "environment": dict(environment),
        "depends_on": {name: {"condition": condition} for name, condition in after.items()},
        "read_only": True,
        "cap_drop": ["ALL"],
    }


def _sees_devices() -> dict[str, Any]:
    return {"volumes": [f"{STATE}/devices:{DEVICES}:ro"]}


_HEALTHY, _DONE = "service_healthy", "service_completed_successfully"


def _steps() -> dict[str, Any]:
    """What must have succeeded once before any service starts; each is repeatable."""
    brokers = {f"kafka-{number}": _HEALTHY for number in BROKERS}
    owner = {"DATABASE_OWNER_URL": _database("owner")}
    topics = _kafka_access("operator") | {
        "KAFKA_TOPIC_REPLICAS": str(REPLICAS),
        "KAFKA_TOPIC_MIN_IN_SYNC": str(MIN_IN_SYNC),
    }
    sink = ("services.timescale_sink",)
    set_up = _ours("deploy.compose", "set-up", environment={}, after=brokers | {"timescaledb": _HEALTHY})
    set_up |= {
        "user": "${DISTRICT_UID:?run python -m deploy.compose prepare}:${DISTRICT_GID:-0}",
        "volumes": [f"{STATE}/credentials.json:/district/deploy/compose/state/credentials.json:ro"],
    }
    registers = owner | {"DEVICE_REGISTER": f"{DEVICES}/register.json"}
    register = _ours(*sink, "register", environment=registers, after={"migrations": _DONE}) | _sees_devices()
    steps = {
        "set-up": set_up,
        "topics": _ours("services.runtime.topics", environment=topics, after={"set-up": _DONE}),
        "migrations": _ours(*sink, "migrate", environment=owner, after={"set-up": _DONE}),
        "register": register,
    }
    return {name: step | {"restart": "on-failure"} for name, step in steps.items()}


def _services() -> dict[str, Any]:
    """Our services: one process a feed, one for all lanes."""
    after = {"topics": _DONE, "register": _DONE}
    bridge = _kafka_access("bridge") | {
        "MQTT_URL": f"mqtt://bridge:{secret('MQTT_BRIDGE_PASSWORD')}@mosquitto:{MQTT_PORT}",
        "DEVICE_REGISTER": f"{DEVICES}/register.json",
    }
    sink = _kafka_access("sink") | {"DATABASE_URL": _database("writer")}
    delivery = _kafka_access("delivery") | {
        "SUBSCRIBERS_FILE": f"/etc/district/{SUBSCRIBERS}/subscribers.json",
        "DELIVERY_INSTANCE": "compose",
        "DELIVERY_WEB_BASE": _MAP_SERVER,
    }
    processors = {feed.value: ("--feed", feed.value) for feed in Feed} | {"lanes": ("--lanes",)}
    services = {
        "timescale-sink": _ours("services.timescale_sink", environment=sink, after=after),
        **{
            f"processor-{name}": _ours(
                "services.stream_processors",
                *options,
                environment=_kafka_access("processor") | {"PROCESSOR_INSTANCE": "compose"},
                after=after,
            )
            for name, options in processors.items()
        },
        "alert-delivery": _ours("services.alert_delivery", environment=delivery, after=after)
        | {
            "user": "${DISTRICT_UID:?run python -m deploy.compose prepare}:${DISTRICT_GID:-0}",
            "volumes": [f"{STATE}/{SUBSCRIBERS}:/etc/district/{SUBSCRIBERS}"],
        },
        "operations-api": _operations_api(after),
        "ingest-bridge": _ours("services.ingest_bridge", environment=bridge, after=after | {"mosquitto": _HEALTHY})
        | _sees_devices(),
    }
    ask = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{METRICS_PORT}/readyz', timeout=3)"
    shown = {"METRICS_PORT": str(METRICS_PORT), "METRICS_HOST": "0.0.0.0", "LOG_FORMAT": "json"}  # noqa: S104 - its own network
    return {
        name: service | {"environment": service["environment"] | shown, "healthcheck": _check("python", "-c", ask)}
        for name, service in services.items()
    }


def _operations_api(after: Mapping[str, str]) -> dict[str, Any]:
    """The API and the one map; people reach it on this machine, further away it wants TLS in front."""
    environment = _kafka_access("api") | {
        "DATABASE_READER_URL": _database("reader"),
        "OPERATIONS_API_HOST": "0.0.0.0",  # noqa: S104 - its own network; the port is on this machine's loopback
        "OPERATIONS_API_HOST_NAMES": "127.0.0.1,localhost",
        "OPERATIONS_API_PUBLIC_ADDRESS": _MAP_SERVER,
        "API_KEYS_FILE": f"/etc/district/{KEYS}",
        "MAP_LOGIN_SECRET": secret("MAP_LOGIN_SECRET"),
        "GRAFANA_ADDRESS": f"http://127.0.0.1:{GRAFANA_PORT}",
    }
    return _ours("services.operations_api", environment=environment, after=after) | {
        "volumes": [f"{STATE}/keys:/etc/district/keys:ro"],
        "ports": [f"127.0.0.1:{API_PORT}:{API_PORT}"],
    }


def _grafana() -> dict[str, Any]:
    return {
        **_common(IMAGES["grafana"]),
        "environment": {
            "GF_SECURITY_ADMIN_PASSWORD": secret("GRAFANA_ADMIN_PASSWORD"),
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
            "GF_USERS_DEFAULT_LANGUAGE": "zh-Hans",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": "/etc/district/boards/zh/today.json",
            "GRAFANA_BOARDS": "/etc/district/boards",
            "GRAFANA_DATABASE_HOST": f"timescaledb:{DATABASE_PORT}",
            "GRAFANA_DATABASE_NAME": postgres.DATABASE,
            "GRAFANA_DATABASE_USER": postgres.READER,
            "GRAFANA_DATABASE_PASSWORD": secret("DATABASE_READER_PASSWORD"),
            "GRAFANA_DATABASE_TLS": "disable",
        },
        "volumes": [
            "../grafana/provisioning:/etc/grafana/provisioning:ro",
            "../grafana/dashboards:/etc/district/boards:ro",
            "grafana:/var/lib/grafana",
        ],
        "ports": [f"127.0.0.1:{GRAFANA_PORT}:{GRAFANA_PORT}"],
        "depends_on": {"register": {"condition": _DONE}},
        "healthcheck": _check("wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{GRAFANA_PORT}/api/health"),
    }
