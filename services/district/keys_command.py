"""`district keys`: who may use the operations API, with which role; a key is shown once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from deploy.local.key_book import KeyBook
from schemas.api_key import Role
from services.district.errors import ServerSilent
from services.district.settings import find_access
from services.district.terminal import add_row, say, say_json, show, table
from services.district.words import UNKNOWN, day_and_time

keys: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Keys of the operations API: add, list, revoke.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(metavar="ID", show_default=False, help="Its id: letters, digits, . _ -")]


def _book() -> KeyBook:
    access = find_access()
    if access.api_keys_file is None:
        raise ServerSilent("set API_KEYS_FILE to the file of the register, or start the district.")
    return KeyBook(access.api_keys_file)


@keys.command("add")
def add_key(
    key_id: _Id,
    role: Annotated[Role, typer.Argument(show_default=False, help="What its holder may do.")],
    *,
    name: Annotated[str, typer.Option(metavar="TEXT", help="Whose it is; it stands beside every action.")] = "",
    days: Annotated[int | None, typer.Option(min=1, max=3_650, help="It ends after so many days.")] = None,
    as_json: _Json = False,
) -> None:
    """Make a key and print it, once. It is taken within two seconds."""
    now = datetime.now(UTC)
    ends = None if days is None else now + timedelta(days=days)
    key = _book().add(key_id, name, role, now, expires_at=ends)
    if as_json:
        say_json(
            {"id": key_id, "role": role.value, "key": key, "expires_at": None if ends is None else ends.isoformat()}
        )
        return
    say(f"key {key_id} is {role}" + ("" if ends is None else f" until {day_and_time(ends)}"))
    say(f"  shown once  {key}")
    say(f"  to be sent  Authorization: Bearer {key}")


@keys.command("revoke")
def revoke_key(key_id: _Id) -> None:
    """Take a key's right, and end its sessions and streams, within two seconds. What it did stays in the audit log."""
    known = _book().revoke(key_id, datetime.now(UTC))
    say(f"key {known.id} is revoked")


@keys.command("list")
def list_keys(
    *,
    revoked: Annotated[bool, typer.Option("--revoked", help="Those that were revoked, too.")] = False,
    as_json: _Json = False,
) -> None:
    """Print who has a key, with which role, since when."""
    shown = [each for each in _book().register().keys if revoked or each.revoked_at is None]
    if as_json:
        say_json([each.model_dump(mode="json", exclude={"sha256"}) for each in shown])
        return
    if not shown:
        say("there is no key")
        return
    found = table("key", "role", "name", "since", "until", "revoked")
    found.columns[0].no_wrap = True  # in full, whatever the width: it is what one types
    for each in shown:
        times = (each.added_at, each.expires_at, each.revoked_at)
        cells = (each.id, each.role.value, each.name or UNKNOWN)
        add_row(found, [*cells, *(UNKNOWN if at is None else day_and_time(at) for at in times)])
    show(None, found)
