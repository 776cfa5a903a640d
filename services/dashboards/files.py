"""What is written to `deploy/grafana`: boards in both languages, data source, folders. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from schemas.plan.book import Document
from services.dashboards.boards import BOARDS
from services.dashboards.kit import FOLDER_UID, MAP_ADDRESS, Kit
from services.dashboards.limits import Limits
from services.dashboards.sql import DATASOURCE_TYPE, DATASOURCE_UID, as_json
from services.dashboards.words import Language, Words

FOLDERS: Final = {
    Language.ZH: (FOLDER_UID, Words("江汉区", "江汉区")),
    Language.EN: (f"{FOLDER_UID}-en", Words("Jianghan District", "Jianghan District")),
}
"""Uid and title of the folder of each language."""


def boards(documents: Iterable[Document], map_address: str = MAP_ADDRESS) -> dict[Language, dict[str, dict[str, Any]]]:
    """Each board of each language as Grafana keeps it, by its name.

    Args:
        map_address: Of the one map, as browsers reach it.

    Raises:
        BoardRefused: a board refers to a limit that no document has.
    """
    limits = Limits(documents)
    return {
        language: {name: _finished(board(Kit(language, limits, map_address)).build()) for name, board in BOARDS.items()}
        for language in Language
    }


def _finished(built: Any) -> dict[str, Any]:
    """The board with the numbers that a server would give its panels, so that links to a panel stay."""
    found: dict[str, Any] = as_json(built)
    for number, panel in enumerate(found["panels"], 1):
        panel["id"] = number
    for link in found["links"]:
        link.pop("placement", None)  # with one, 12.3 shows no link at all
    found.pop("id", None)
    return found


def as_text(value: Any) -> str:
    """JSON as it stands in the repository."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def datasource(*, host: str, database: str, user: str, password: str, tls: str) -> dict[str, Any]:
    """The data source as Grafana's API and provisioning files know it.

    Args:
        host: Name and port.
        password: In provisioning files a variable that Grafana expands.
        tls: `disable`, `require`, `verify-ca` or `verify-full`.
    """
    return {
        "name": "Jianghan TimescaleDB",
        "uid": DATASOURCE_UID,
        "type": DATASOURCE_TYPE,
        "access": "proxy",
        "url": host,
        "user": user,
        "isDefault": False,
        "editable": False,
        "jsonData": {
            "database": database,
            "sslmode": tls,
            "timescaledb": True,
            "postgresVersion": 1500,
            "maxOpenConns": 10,
            "maxIdleConns": 10,
            "connMaxLifetime": 14400,
        },
        "secureJsonData": {"password": password},
    }


def files(documents: Iterable[Document]) -> dict[str, str]:
    """Path under `deploy/grafana` and text of every generated file.

    Raises:
        BoardRefused: see `boards`.
    """
    found = {
        f"dashboards/{language}/{name}.json": as_text(board)
        for language, all_boards in boards(documents).items()
        for name, board in all_boards.items()
    }
    source = datasource(
        host="$GRAFANA_DATABASE_HOST",
        database="$GRAFANA_DATABASE_NAME",
        user="$GRAFANA_DATABASE_USER",
        password="$GRAFANA_DATABASE_PASSWORD",  # noqa: S106 - the name of a variable
        tls="$GRAFANA_DATABASE_TLS",
    )
    found["provisioning/datasources/jianghan.yaml"] = _yaml({"apiVersion": 1, "datasources": [source]})
    found["provisioning/dashboards/jianghan.yaml"] = _yaml(
        {
            "apiVersion": 1,
            "providers": [
                {
                    "name": f"jianghan-{language}",
                    "orgId": 1,
                    "folder": words.of(language),
                    "folderUid": uid,
                    "type": "file",
                    "disableDeletion": False,
                    "allowUiUpdates": False,
                    "updateIntervalSeconds": 30,
                    "options": {"path": f"$GRAFANA_BOARDS/{language}"},
                }
                for language, (uid, words) in FOLDERS.items()
            ],
        }
    )
    return found


def _yaml(value: Any) -> str:
    """JSON is YAML: no library is needed to write it."""
    return "# Made by `make generate`.\n" + as_text(value)
