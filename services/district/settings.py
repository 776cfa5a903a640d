"""Where the servers are and who the operator is there; the only module that reads it.

A district that runs for this state folder tells by its `environment.json`. Where none runs (containers, a cluster) the
environment variables of the contract do: `KAFKA_*`, `DATABASE_READER_URL` or `DATABASE_URL`, `MQTT_URL`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from deploy.local import run_record
from deploy.local.paths import state_dir
from services.district.errors import NothingRuns, SettingRefused
from services.runtime.settings import KafkaSettings

OPERATOR = "operator"
ENVIRONMENT_FILE = "environment.json"
NAMED_BY_ENVIRONMENT = ("KAFKA_BOOTSTRAP", "DATABASE_READER_URL", "DATABASE_URL")


@dataclass(frozen=True, slots=True)
class Access:
    """The operator's way to the servers; None: that server is not named anywhere."""

    state: Path | None
    """State folder of the district that runs here; None: the servers are somebody else's."""
    kafka: KafkaSettings | None
    database_url: SecretStr | None
    """As the reader, where there is one."""
    boards_url: SecretStr | None
    """As Grafana's role, where there is one; else as the reader."""
    mqtt_url: SecretStr | None
    owner_url: SecretStr | None = None
    """The database as the owner of the tables."""
    device_register: Path | None = None
    """File of the register of devices."""
    subscribers_file: Path | None = None
    """File of the register of subscribers."""
    api_keys_file: Path | None = None
    """File of the register of API keys."""
    map_login_secret: SecretStr | None = None
    """Signs one-time tokens that begin a session on the map."""


def access_from(variables: Mapping[str, str], state: Path | None) -> Access:
    """Read the operator's environment variables, wherever they come from."""
    bootstrap = variables.get("KAFKA_BOOTSTRAP")
    password = variables.get("KAFKA_PASSWORD")
    database = variables.get("DATABASE_READER_URL") or variables.get("DATABASE_URL")
    boards = variables.get("DATABASE_GRAFANA_URL") or database
    mqtt, owner = variables.get("MQTT_URL"), variables.get("DATABASE_OWNER_URL")
    register, subscribers = variables.get("DEVICE_REGISTER"), variables.get("SUBSCRIBERS_FILE")
    keys, login = variables.get("API_KEYS_FILE"), variables.get("MAP_LOGIN_SECRET")
    return Access(
        state=state,
        kafka=KafkaSettings(
            bootstrap=bootstrap,
            security_protocol=variables.get("KAFKA_SECURITY_PROTOCOL"),
            username=variables.get("KAFKA_USERNAME"),
            password=SecretStr(password) if password else None,
        )
        if bootstrap
        else None,
        database_url=SecretStr(database) if database else None,
        boards_url=SecretStr(boards) if boards else None,
        mqtt_url=SecretStr(mqtt) if mqtt else None,
        owner_url=SecretStr(owner) if owner else None,
        device_register=Path(register) if register else None,
        subscribers_file=Path(subscribers) if subscribers else None,
        api_keys_file=Path(keys) if keys else None,
        map_login_secret=SecretStr(login) if login else None,
    )


def operator_variables(state: Path) -> dict[str, str]:
    """Read the operator's environment from a state folder.

    Raises:
        NothingRuns: no district was ever started for it.
        SettingRefused: it belongs to another user, or is damaged.
    """
    path = state / ENVIRONMENT_FILE
    try:
        known: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
        return known["common"] | known[OPERATOR]
    except FileNotFoundError:
        raise NothingRuns(f"there is no {path}.") from None
    except PermissionError:
        raise SettingRefused(f"{path} belongs to another user: ask as the one who ran `make run`.") from None
    except (ValueError, KeyError) as error:
        raise SettingRefused(f"{path} is damaged ({error}); the next `make run` writes it anew.") from error


def find_access() -> Access:
    """Find the servers: the district that runs for this state folder, else the environment.

    Raises:
        NothingRuns: neither is there.
    """
    state = state_dir()
    if run_record.is_held(state):
        return access_from(operator_variables(state), state)
    if any(os.environ.get(name) for name in NAMED_BY_ENVIRONMENT):
        return access_from(os.environ, None)
    raise NothingRuns(f"no supervisor holds {state}.")


def database_addresses() -> tuple[str, str]:
    """The database as its writer and as its owner, where no owner is named twice as its writer.

    Raises:
        NothingRuns: no variable names it, and no district was ever started here.
        SettingRefused: what is there names none.
    """
    variables = os.environ if "DATABASE_URL" in os.environ else operator_variables(state_dir())
    writer = variables.get("DATABASE_URL")
    if not writer:
        raise SettingRefused("no database is named; set DATABASE_URL to the writer's address.")
    return writer, variables.get("DATABASE_OWNER_URL") or writer
