"""What the containers read from this machine: passwords, accounts, Mosquitto's configuration; and what they set up."""

import asyncio
import base64
import os
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.compose import model
from deploy.local import kafka, kafka_access, kafka_users, mosquitto, postgres
from deploy.local.credentials import FILE_NAME, Credentials, generated, load_or_create
from deploy.local.device_book import DeviceBook
from deploy.local.errors import ServerNotReady
from deploy.local.files import make_data_folder, make_folder, write_private
from deploy.local.key_book import KeyBook
from deploy.local.paths import CHECKOUT
from schemas.credentials import device_password
from schemas.device_register import DeviceIdentity

FOLDER = CHECKOUT / "deploy/compose"
STATE = FOLDER / "state"
ENV_FILE = FOLDER / ".env"
MOSQUITTO_PLUGIN = Path("/usr/lib/mosquitto_dynamic_security.so")
"""Where the image has its dynamic security plugin."""
ATTEMPTS = 30
PAUSE_SECONDS = 2.0


def prepare(folder: Path, devices: Iterable[DeviceIdentity]) -> None:
    """Write `.env` and the state folder; what is there already is kept.

    Args:
        folder: Where `compose.yaml` is.
        devices: Devices that are registered beside those that are; their passwords follow from the device secret.
    """
    state = make_folder(folder / "state")
    credentials = load_or_create(state)
    env_file = folder / ".env"
    known = read_env(env_file.read_text()) if env_file.exists() else {}
    write_private(env_file, env_text(variables(credentials, known)))
    make_data_folder(state / model.SUBSCRIBERS, None)
    files = mosquitto.Files(make_folder(state / "mosquitto"))
    make_folder(files.data)
    book, now = DeviceBook(state / model.REGISTER), datetime.now(UTC)
    book.begin()
    for identity in devices:
        if identity.device_id not in book.register().active():
            book.add(identity, device_password(credentials.device_secret, identity.device_id), now)
    KeyBook(state / model.KEYS).begin(now)
    write_private(files.configuration, mosquitto_configuration(mosquitto.BASE_CONFIGURATION.read_text()))
    write_private(files.accounts, mosquitto.accounts_text(credentials, book))


def variables(credentials: Credentials, known: Mapping[str, str]) -> dict[str, str]:
    """Return what `compose.yaml` needs; the id of the cluster and Grafana's password stay as they are known."""
    passwords = {
        f"{server}_{user}_PASSWORD".upper(): password
        for server, users in (
            ("kafka", credentials.kafka),
            ("mqtt", credentials.mqtt),
            ("database", credentials.database),
        )
        for user, password in users.model_dump().items()
    }
    return passwords | {
        "KAFKA_CLUSTER_ID": known.get("KAFKA_CLUSTER_ID") or new_cluster_id(),
        "GRAFANA_ADMIN_PASSWORD": known.get("GRAFANA_ADMIN_PASSWORD", generated()),
        "DEVICE_SECRET": credentials.device_secret,
        "MAP_LOGIN_SECRET": credentials.map_login,
        "DISTRICT_UID": str(os.getuid()),
        "DISTRICT_GID": str(os.getgid()),
    }


def new_cluster_id() -> str:
    """Return an id as Kafka makes it: 128 random bits in base64, which never look like an option."""
    while (cluster_id := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        continue
    return cluster_id


def env_text(values: Mapping[str, str]) -> str:
    """Return the text of an `.env` file."""
    return "".join(f"{name}={value}\n" for name, value in values.items())


def read_env(text: str) -> dict[str, str]:
    """Read what `env_text` wrote."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def mosquitto_configuration(base: str) -> str:
    """Return Mosquitto's configuration in its container, where devices reach it from outside."""
    return mosquitto.configuration(
        base, listener=str(model.MQTT_PORT), data=Path("/mosquitto/data"), plugin=MOSQUITTO_PLUGIN
    )


async def set_up(state: Path) -> None:
    """Tell Kafka what each user may do, and make the database with its roles; repeatable.

    Raises:
        ServerNotReady: a server refused, or did not answer in time.
    """
    # Only read: the file is mounted so that nobody can change it from within.
    credentials = Credentials.model_validate_json((state / FILE_NAME).read_text())
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await _grant(credentials)
            await postgres.set_up(credentials, model.DATABASE_PORT, "timescaledb")
        except ServerNotReady:
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


async def _grant(credentials: Credentials) -> None:
    client = AIOKafkaClient(**kafka.client_options(model.BOOTSTRAP, "operator", credentials.kafka.operator))
    try:
        await client.bootstrap()
        await kafka_users.add_missing(client, kafka.scram_users(credentials.kafka))
        await kafka_access.apply(client)
    except (OSError, TimeoutError, KafkaError) as error:
        raise ServerNotReady(f"Kafka could not be set up: {type(error).__name__} {error}") from error
    finally:
        await client.close()
