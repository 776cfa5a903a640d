"""`district servers`: the versions of Mosquitto, Kafka and PostgreSQL that run here, and newer ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.local import upgrade as upgrading
from services.district.run import local_settings
from services.district.terminal import say

servers: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The servers that run here, and newer ones.",
)


@servers.callback()
def _servers() -> None:
    """Keep the command's name in the command line, though there is only one."""


@servers.command("upgrade")
def upgrade(
    backup: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the backup; beside the data when not given.")
    ] = None,
) -> None:
    """Take the newest Mosquitto, PostgreSQL, TimescaleDB and Java of Debian's archives, security fixes included.

    The district must be stopped. Its data are backed up first, and the newer servers are started on them once; when
    that fails, servers and data are put back as they were.
    """
    settings = local_settings()
    state = settings.state
    folder = backup or state.with_name(f"{state.name}-before-upgrade-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    say("Asking the archives …")
    done = upgrading.upgrade(settings, folder.absolute())
    if not done.changes:
        say("The servers are up to date; nothing was changed.")
        return
    for change in done.changes:
        say(f"  {change}")
    kept = f" The backup of before is in {done.backup}; delete it when all is well." if done.backup else ""
    say(f"Upgraded {len(done.changes)} packages; `make run` starts the newer servers.{kept}")
