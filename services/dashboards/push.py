"""Bring an existing Grafana in line with our boards: data source, folders, boards; what we no longer make is removed.

Only what is ours is touched: the data source and the folders by their uid, boards inside our folders whose uid has our
prefix. The second push changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import niquests
from grafana_client.api import GrafanaApi
from grafana_client.client import (
    GrafanaClientError,
    GrafanaException,
    GrafanaServerError,
    GrafanaTimeoutError,
    GrafanaUnauthorizedError,
    TokenAuth,
)

from schemas.plan.book import Document
from services.dashboards.difference import Action, Change, compare
from services.dashboards.errors import GrafanaRefused
from services.dashboards.files import FOLDERS, boards
from services.dashboards.kit import MAP_ADDRESS, UID_PREFIX
from services.dashboards.words import Language

SECONDS: Final = 15.0
_GONE: Final = 404
_FORBIDDEN: Final = 403
_SECRET: Final = "secureJsonData"  # noqa: S105 - the name of a field
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything of ours that a Grafana should have."""

    datasource: dict[str, Any]
    folders: dict[str, str]
    """Title by uid."""
    boards: dict[str, tuple[str, dict[str, Any]]]
    """Folder's uid and board by the board's uid."""


def wanted(
    documents: Iterable[Document],
    datasource: dict[str, Any],
    languages: Iterable[Language],
    *,
    map_address: str = MAP_ADDRESS,
) -> Wanted:
    """What to push.

    Args:
        map_address: Of the one map, as browsers reach it.

    Raises:
        BoardRefused: a board refers to what does not exist.
    """
    chosen = set(languages)
    made = {language: each for language, each in boards(documents, map_address).items() if language in chosen}
    return Wanted(
        datasource,
        {FOLDERS[language][0]: FOLDERS[language][1].of(language) for language in made},
        {board["uid"]: (FOLDERS[language][0], board) for language, each in made.items() for board in each.values()},
    )


class Grafana:
    """One Grafana over its HTTP API.

    Args:
        url: Where it is, with the path that it is served under.
        token: Of a service account that may write data sources and boards (role Admin, or Editor with data sources).

    Raises:
        GrafanaRefused: the address cannot be used.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise GrafanaRefused(f"{url}: not an address of a Grafana; give one like https://host:3000")
        self._url = url
        self._api = GrafanaApi(
            TokenAuth(token),
            host=parts.hostname,
            port=parts.port,
            protocol=parts.scheme,
            url_path_prefix=f"{parts.path.strip('/')}/" if parts.path.strip("/") else "",
            timeout=SECONDS,
        )

    def changes(self, target: Wanted) -> list[Change]:
        """What is not as it should be.

        Raises:
            GrafanaRefused: it does not answer, or does not let us in.
        """
        with self._named_errors("read"):
            found = list(self._datasource_changes(target))
            for uid, title in target.folders.items():
                known = self._maybe(partial(self._api.folder.get_folder, uid))
                found += compare("folder", uid, title, {"title": title}, known)
            for uid, (folder, board) in target.boards.items():
                found += self._board_changes(uid, folder, board)
            return [*found, *self._strangers(target)]

    def _datasource_changes(self, target: Wanted) -> list[Change]:
        source = {key: value for key, value in target.datasource.items() if key not in {_SECRET, "editable"}}
        known = self._maybe(lambda: self._api.datasource.get_datasource_by_uid(source["uid"]))
        return compare("datasource", source["uid"], source["name"], source, known)

    def _board_changes(self, uid: str, folder: str, board: Mapping[str, Any]) -> list[Change]:
        known = self._maybe(lambda: self._api.dashboard.get_dashboard(uid))
        ours = {
            "dashboard": {key: value for key, value in board.items() if key != "version"},
            "meta": {"folderUid": folder},
        }
        return compare("board", uid, board["title"], ours, known)

    def _strangers(self, target: Wanted) -> list[Change]:
        """Boards in our folders that we made once and make no longer."""
        every = self._api.search.search_dashboards(type_="dash-db")
        return [
            Change(Action.REMOVE, "board", each["uid"], each["title"])
            for each in every
            if each.get("folderUid") in target.folders
            and each["uid"].startswith(UID_PREFIX)
            and each["uid"] not in target.boards
        ]

    def apply(self, target: Wanted, changes: Iterable[Change], *, renew_password: bool = False) -> None:
        """Make the changes, in an order in which each finds what it needs.

        Args:
            renew_password: Send the data source with its password even where nothing else differs: a Grafana never
                tells the one it has.

        Raises:
            GrafanaRefused: it does not take one of them; those before it were made.
        """
        todo = list(changes)
        if renew_password and not any(change.kind == "datasource" for change in todo):
            todo.append(Change(Action.UPDATE, "datasource", target.datasource["uid"], target.datasource["name"]))
        order = ("datasource", "folder", "board")
        for change in sorted(todo, key=lambda each: order.index(each.kind)):
            with self._named_errors(f"{change.action} {change.kind} {change.uid}"):
                self._make(target, change)

    def _make(self, target: Wanted, change: Change) -> None:
        match change.kind, change.action:
            case "datasource", Action.CREATE:
                self._api.datasource.create_datasource(target.datasource)
            case "datasource", _:
                self._api.datasource.update_datasource_by_uid(change.uid, target.datasource)
            case "folder", Action.CREATE:
                self._api.folder.create_folder(change.title, change.uid)
            case "folder", _:
                self._api.folder.update_folder(change.uid, title=change.title, overwrite=True)
            case _, Action.REMOVE:
                self._api.dashboard.delete_dashboard(change.uid)
            case _:
                folder, board = target.boards[change.uid]
                message = {
                    "dashboard": {**board, "id": None},
                    "folderUid": folder,
                    "overwrite": True,
                    "message": "district grafana push",
                }
                self._api.dashboard.update_dashboard(message)

    @staticmethod
    def _maybe(ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except GrafanaClientError as error:
            if error.status_code == _GONE:
                return None
            raise

    @contextmanager
    def _named_errors(self, what: str) -> Any:
        try:
            yield
        except GrafanaUnauthorizedError as error:
            raise GrafanaRefused(
                f"{self._url} refuses the token ({what}); make a service account token in Administration → Service"
                " accounts and give it as GRAFANA_TOKEN"
            ) from error
        except (GrafanaTimeoutError, niquests.exceptions.RequestException) as error:
            raise GrafanaRefused(
                f"{self._url} does not answer ({type(error).__name__}); is it running, and is the address right?"
            ) from error
        except GrafanaServerError as error:
            raise GrafanaRefused(
                f"{self._url} is in trouble ({what}): {error.status_code} {error.message}; see its log"
            ) from error
        except GrafanaException as error:
            if error.status_code == _FORBIDDEN:
                raise GrafanaRefused(
                    f"{self._url} does not let the token {what}: it is read-only here; give its service account the"
                    " role Admin, or Editor with the right to write data sources"
                ) from error
            raise GrafanaRefused(f"{self._url} did not take it ({what}): {error.message}") from error
