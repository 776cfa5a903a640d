"""Passwords of every user of the local servers: generated at the first start, kept with mode 0600."""

import json
import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.local.errors import CredentialsUnreadable
from deploy.local.files import write_private

FILE_NAME = "credentials.json"


def generated() -> str:
    """Return a new password of 192 random bits that needs no quoting in a URL or a properties file."""
    return secrets.token_hex(24)


class MqttPasswords(BaseModel):
    """Users of Mosquitto; a device's password follows from the device secret."""

    model_config = ConfigDict(frozen=True)

    bridge: str = Field(default_factory=generated)
    operator: str = Field(default_factory=generated)


class KafkaPasswords(BaseModel):
    """Users of Kafka; `broker` and `controller` are Kafka speaking to itself."""

    model_config = ConfigDict(frozen=True)

    bridge: str = Field(default_factory=generated)
    sink: str = Field(default_factory=generated)
    processor: str = Field(default_factory=generated)
    delivery: str = Field(default_factory=generated)
    api: str = Field(default_factory=generated)
    operator: str = Field(default_factory=generated)
    broker: str = Field(default_factory=generated)
    controller: str = Field(default_factory=generated)


class DatabasePasswords(BaseModel):
    """Roles of PostgreSQL; the superuser only prepares the database."""

    model_config = ConfigDict(frozen=True)

    superuser: str = Field(default_factory=generated)
    owner: str = Field(default_factory=generated)
    writer: str = Field(default_factory=generated)
    reader: str = Field(default_factory=generated)
    grafana: str = Field(default_factory=generated)


class Credentials(BaseModel):
    """Everything secret about one state folder."""

    model_config = ConfigDict(frozen=True)

    mqtt: MqttPasswords = Field(default_factory=MqttPasswords)
    kafka: KafkaPasswords = Field(default_factory=KafkaPasswords)
    database: DatabasePasswords = Field(default_factory=DatabasePasswords)
    device_secret: str = Field(default_factory=generated)
    map_login: str = Field(default_factory=generated)
    """Signs one-time tokens that begin a session on the map."""


def load_or_create(state: Path) -> Credentials:
    """Return the credentials of a state folder, generating them when it has none and holds no data yet.

    Raises:
        CredentialsUnreadable: the file is damaged, or gone while the data that it opens is there.
    """
    path = state / FILE_NAME
    try:
        known = json.loads(path.read_text())
        credentials = Credentials.model_validate(known)
        if credentials.model_dump() != known:  # an older release knew fewer users
            write_private(path, credentials.model_dump_json(indent=1))
    except FileNotFoundError:
        if any((state / server / "data").exists() for server in ("kafka", "postgres")):
            raise CredentialsUnreadable(f"{path} is gone, but the data that it opens is there.") from None
        credentials = Credentials()
        write_private(path, credentials.model_dump_json(indent=1))
    except (ValueError, ValidationError) as error:
        raise CredentialsUnreadable(f"{path}: {type(error).__name__}.") from error
    path.chmod(0o600)
    return credentials
