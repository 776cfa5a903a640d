"""`district map login`: a link that opens the one map, logged in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from deploy.local import run_record
from deploy.local.key_book import LOCAL_OPERATOR, KeyBook
from schemas.map_login import LASTS
from services.district.errors import ServerSilent, SettingRefused
from services.district.map_server import NAME, link
from services.district.settings import Access, find_access
from services.district.terminal import say

map_: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The one map: login prints a link.",
)


@map_.callback()
def _group() -> None:
    """Keep `login` a command of its own."""


@map_.command("login")
def login(
    *,
    key_id: Annotated[
        str, typer.Option("--as", metavar="KEY", help="Whose session it is: id of a key of `district keys list`.")
    ] = LOCAL_OPERATOR,
    address: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of the map, where no district runs here.")
    ] = None,
) -> None:
    """Print a link that logs in on the map, once and within a quarter of an hour. Whoever has it is let in."""
    access, now = find_access(), datetime.now(UTC)
    if access.map_login_secret is None or access.api_keys_file is None:
        raise ServerSilent("set MAP_LOGIN_SECRET and API_KEYS_FILE as the operations API has them.")
    book = KeyBook(access.api_keys_file)
    if key_id == LOCAL_OPERATOR:
        book.begin(now)
    known = book.register().get(key_id)
    if known is None or known.revoked_at is not None:
        raise SettingRefused(f"there is no key {key_id} that counts; `district keys list` shows those there are.")
    say(link(address or _address(access), access.map_login_secret.get_secret_value(), now, key_id))
    say(f"logs in as {known.name or key_id} ({known.role}), once, until {now + LASTS:%H:%M} UTC", err=True)


def _address(access: Access) -> str:
    record = None if access.state is None else run_record.read(access.state)
    process = None if record is None else record.processes.get(NAME)
    if process is None or not process.endpoint:
        raise ServerSilent("no operations API runs here; say its address with --address.")
    return process.endpoint
