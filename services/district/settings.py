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
    mqtt_url: SecretStr | None


def access_from(variables: Mapping[str, str], state: Path | None) -> Access:
    """Read the operator's environment variables, wherever they come from."""
    bootstrap = variables.get("KAFKA_BOOTSTRAP")
    password = variables.get("KAFKA_PASSWORD")
    database = variables.get("DATABASE_READER_URL") or variables.get("DATABASE_URL")
    mqtt = variables.get("MQTT_URL")
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
        mqtt_url=SecretStr(mqtt) if mqtt else None,
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
