"""`district grafana push`: our boards into an existing Grafana."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated, Final
from urllib.parse import unquote, urlsplit

import typer

from deploy.local.paths import CHECKOUT
from services.dashboards.files import datasource
from services.dashboards.kit import MAP_ADDRESS
from services.dashboards.plan_files import read_documents
from services.dashboards.push import Grafana, wanted
from services.dashboards.words import Language
from services.district.errors import SettingRefused
from services.district.settings import find_access
from services.district.terminal import say

PLAN: Final = CHECKOUT / "deploy" / "plan"
app = typer.Typer(help="Boards in a Grafana of your own.", no_args_is_help=True)


class Chosen(StrEnum):
    """Which languages to push."""

    BOTH = "both"
    ZH = "zh"
    EN = "en"


@app.callback()
def _grafana() -> None:
    """Boards in a Grafana of your own."""


@app.command()
def push(
    *,
    url: Annotated[str, typer.Option(envvar="GRAFANA_URL", help="Address of the Grafana.", show_default=False)],
    token: Annotated[
        str, typer.Option(envvar="GRAFANA_TOKEN", help="Token of a service account.", show_default=False, prompt=False)
    ],
    database_host: Annotated[
        str | None,
        typer.Option(
            help="Database as the Grafana sees it, `host:port`; default: as seen from here.", show_default=False
        ),
    ] = None,
    tls: Annotated[str, typer.Option(help="disable, require, verify-ca or verify-full.")] = "disable",
    language: Annotated[Chosen, typer.Option(help="Boards in which language.")] = Chosen.BOTH,
    map_address: Annotated[
        str, typer.Option("--map", envvar="ONE_MAP_ADDRESS", help="Address of the one map, as browsers reach it.")
    ] = MAP_ADDRESS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference and change nothing.")] = False,
    renew_password: Annotated[
        bool, typer.Option("--renew-password", help="Send the database password anew; a Grafana never tells its own.")
    ] = False,
) -> None:
    """Show what differs, then bring the Grafana in line: data source, folders, boards.

    What we no longer make is removed from our folders; nothing else is touched. Repeating it changes nothing.
    """
    source = _source(database_host, tls)
    target = wanted(read_documents(PLAN), source, _languages(language), map_address=map_address)
    grafana = Grafana(url, token)
    changes = grafana.changes(target)
    for change in changes:
        say(change.line())
    if not changes:
        say(f"{url} has everything as it should be: {len(target.boards)} boards.")
    if dry_run:
        raise typer.Exit(1 if changes else 0)
    if changes or renew_password:
        grafana.apply(target, changes, renew_password=renew_password)
        say(f"Done: {len(changes)} changes. Home: {url.rstrip('/')}/d/{next(iter(target.boards))}")


def push_all(url: str, token: str, database_url: str, map_address: str) -> int:
    """Bring a Grafana in line without asking; returns how many things changed.

    Args:
        database_url: As Grafana's role.
        map_address: Of the one map, as browsers reach it.

    Raises:
        GrafanaRefused: it does not answer, or does not take it.
    """
    source = _source_of(database_url, None, "disable")
    target = wanted(read_documents(PLAN), source, list(Language), map_address=map_address)
    grafana = Grafana(url, token)
    changes = grafana.changes(target)
    grafana.apply(target, changes)
    return len(changes)


def _languages(chosen: Chosen) -> list[Language]:
    return list(Language) if chosen is Chosen.BOTH else [Language(chosen.value)]


def _source(host: str | None, tls: str) -> dict[str, object]:
    address = os.environ.get("DATABASE_GRAFANA_URL") or os.environ.get("DATABASE_READER_URL")
    if address is None:
        known = find_access().boards_url
        if known is None:
            raise SettingRefused("no database is named; set DATABASE_GRAFANA_URL to the address for boards.")
        address = known.get_secret_value()
    return _source_of(address, host, tls)


def _source_of(address: str, host: str | None, tls: str) -> dict[str, object]:
    parts = urlsplit(address)
    return datasource(
        host=host or f"{parts.hostname}:{parts.port or 5432}",
        database=parts.path.lstrip("/"),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
    )
