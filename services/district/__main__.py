"""The operator's command line: `district`.

A command's module is imported when the command is asked for, so that none waits for what another needs.
"""

from __future__ import annotations

import importlib.metadata
import logging
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, Final

import typer
import typer.core

from deploy.local.errors import LocalError
from services.district.errors import DistrictError
from services.district.terminal import say, say_trouble
from services.runtime.errors import PlatformError, SettingsError

PROJECT: Final = "jianghan-district-platform"
EXIT_FAILED: Final = 1
EXIT_SETTINGS: Final = 2
COMMANDS: Final = {
    "run": ("services.district.run", "run"),
    "status": ("services.district.status", "status"),
    "stop": ("services.district.stop", "stop"),
    "logs": ("services.district.logs", "logs"),
    "sql": ("services.district.sql", "sql"),
    "load": ("services.district.load_command", "load"),
    "replay": ("services.district.replay", "replay_command"),
    "lane": ("services.district.lane_command", "lane"),
    "device": ("services.district.device_command", "device"),
    "subscriber": ("services.district.subscriber_command", "subscriber"),
    "deliveries": ("services.district.deliveries_command", "deliveries"),
    "redeliver": ("services.district.redeliver_command", "redeliver"),
    "keys": ("services.district.keys_command", "keys"),
    "map": ("services.district.map_command", "map_"),
    "scenario": ("services.district.drill.command", "scenario"),
    "drill": ("services.district.drill.command", "drill_command"),
    "import": ("services.district.import_command", "import_command"),
    "plan": ("services.district.plan_command", "plan"),
    "targets": ("services.district.targets_command", "targets"),
    "report": ("services.district.plan_report.command", "report"),
    "whatif": ("services.district.whatif_command", "whatif"),
    "state": ("services.district.state_command", "state"),
    "ledger": ("services.district.ledger_command", "ledger"),
    "audit": ("services.district.audit_command", "audit"),
    "alerts": ("services.district.alerts", "alerts"),
    "explain": ("services.district.explain", "explain"),
    "indicators": ("services.district.indicators", "indicators"),
    "grafana": ("services.district.grafana", "app"),
    "backup": ("services.district.backup_command", "backup"),
    "restore": ("services.district.backup_command", "restore"),
    "servers": ("services.district.servers_command", "servers"),
    "citybrain": ("services.district.citybrain.command", "citybrain"),
}
"""Every command: the module, and the function or group of commands that is it."""


class _Commands(typer.core.TyperGroup):
    """The commands in the order of the table, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature is typer's
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name]
        found = getattr(import_module(module), function)
        return typer.main.get_command(found) if isinstance(found, typer.Typer) else _command(cmd_name, found)


def _command(name: str, function: Callable[..., None]) -> Any:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(name)(function)
    command = typer.main.get_command(app)
    command.name = name
    return command


def _version(wanted: bool) -> None:
    if wanted:
        say(f"district {importlib.metadata.version(PROJECT)}")
        raise typer.Exit


app: Final = typer.Typer(
    cls=_Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _district(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run and watch the Jianghan district platform on this machine."""


def main() -> None:
    """Entry point; a refusal is one sentence on standard error, and its exit status says of what kind."""
    # The libraries' own records would run through the table; what they mean is said by the figures.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    logging.getLogger("aiokafka").propagate = False
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        app()
    except DistrictError as error:
        say_trouble(error)
        sys.exit(error.exit_status)
    except SettingsError as error:
        say_trouble(error)
        sys.exit(EXIT_SETTINGS)
    except (PlatformError, LocalError) as error:
        say_trouble(error)
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
