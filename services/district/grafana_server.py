"""Where a running district shows its boards: a Grafana of the operator's, or one that it starts itself."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from deploy.local.files import make_folder
from deploy.local.paths import CHECKOUT
from deploy.local.stack import ServiceSpec
from services.dashboards.kit import MAP_ADDRESS

NAME: Final = "grafana"
BOARDS: Final = CHECKOUT / "deploy" / "grafana"
HOME: Final = Path("zh") / "today.json"
HOMES: Final = ("share/grafana", "usr/share/grafana", ".")
"""Where the files of a Grafana lie, seen from the folder above its executable's."""
HOW_TO_GET_ONE: Final = (
    "Boards: there is no `grafana` executable on the PATH. Install Grafana 12, or set GRAFANA_URL and GRAFANA_TOKEN to"
    " use yours; `district grafana push` does the same at any time."
)


@dataclass(frozen=True, slots=True)
class Installed:
    """A Grafana on this machine."""

    executable: Path
    home: Path
    """Its own files: `conf/defaults.ini`, `public`."""


def find(path: str | None = None) -> Installed | None:
    """A Grafana on the PATH with its files; None where there is none.

    Args:
        path: Folders to search instead of the PATH.
    """
    found = shutil.which(NAME, path=path)
    if found is None:
        return None
    executable = Path(found).resolve()
    above = executable.parent.parent
    homes = (*(above / home for home in HOMES), Path("/usr/share/grafana"))
    return next((Installed(executable, home) for home in homes if (home / "conf" / "defaults.ini").is_file()), None)


def boards_folder(state: Path, map_address: str) -> Path:
    """The boards that lead to the one map where it is: those of the checkout, or others made from them."""
    made = BOARDS / "dashboards"
    if map_address == MAP_ADDRESS:
        return made
    folder = make_folder(make_folder(state / NAME) / "boards")
    for file in made.glob("*/*.json"):
        text = file.read_text(encoding="utf-8").replace(MAP_ADDRESS, map_address)
        (make_folder(folder / file.parent.name) / file.name).write_text(text, encoding="utf-8")
    return folder


def spec(
    installed: Installed, state: Path, port: int, database_url: str, admin_password: str, *, boards: Path
) -> ServiceSpec:
    """How to run it: on loopback, read-only for everybody, provisioned with our data source and boards.

    Args:
        boards: Folder of the boards.
        database_url: The database as its role for boards, which reads what boards ask and nothing else.
    """
    parts = urlsplit(database_url)
    folder = state / NAME
    extra = {
        "GF_PATHS_DATA": str(folder / "data"),
        "GF_PATHS_LOGS": str(folder / "logs"),
        "GF_PATHS_PLUGINS": str(folder / "plugins"),
        "GF_PATHS_PROVISIONING": str(BOARDS / "provisioning"),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(boards / HOME),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_SECURITY_ADMIN_PASSWORD": admin_password,
        "GF_USERS_DEFAULT_LANGUAGE": "zh-Hans",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_LOG_MODE": "console",
        "GRAFANA_BOARDS": str(boards),
        "GRAFANA_DATABASE_HOST": f"{parts.hostname}:{parts.port or 5432}",
        "GRAFANA_DATABASE_NAME": parts.path.lstrip("/"),
        "GRAFANA_DATABASE_USER": unquote(parts.username or ""),
        "GRAFANA_DATABASE_PASSWORD": unquote(parts.password or ""),
        "GRAFANA_DATABASE_TLS": "disable",
    }
    argv = (str(installed.executable), "server", f"--homepath={installed.home}")
    return ServiceSpec(NAME, argv, NAME, extra, folder, has_health=False)


def address(variables: Mapping[str, str]) -> tuple[str, str] | None:
    """Address and token of the operator's own Grafana, where both are given."""
    url, token = variables.get("GRAFANA_URL"), variables.get("GRAFANA_TOKEN")
    return (url, token) if url and token else None
