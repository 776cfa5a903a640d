"""Bring the servers of a prefix to the archives' newest versions, and a district's data with them.

1. Nothing runs; the archives have something newer.
2. Back up the data.
3. Build the newer servers beside those that are used.
4. Start them on the data once: recovery, log-in, the database's extension. Stop them.
5. Use them from now on. When anything before failed, the servers and the data from before are in place again.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local import backup, prefix, run_record
from deploy.local.errors import AlreadyRunning, LocalError, UpgradeFailed
from deploy.local.prefix import Prefix
from deploy.local.restore import restore
from deploy.local.restoring import begin_again, check_finished, finish
from deploy.local.settings import LocalSettings
from deploy.local.stack import Stack


@dataclass(frozen=True, slots=True)
class Change:
    """One package that is newer, new, or gone."""

    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.name}: {self.before or 'none'} → {self.after or 'none'}"


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did."""

    changes: tuple[Change, ...]
    """Empty: the servers were up to date, and nothing was done."""
    backup: Path | None = None
    """None: there were no data."""


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """Compare package versions. Pure."""
    return tuple(
        Change(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def upgrade(
    settings: LocalSettings,
    backup_folder: Path,
    *,
    newest: Callable[[], Mapping[str, str]] = prefix.newest_packages,
    build: Callable[[], Prefix] = prefix.build_beside,
) -> Upgraded:
    """Upgrade the servers, with the data of one state folder as their trial.

    Args:
        settings: Whose state folder the data are in.
        backup_folder: New or empty; the backup stays there.
        newest: What the archives have.
        build: How newer servers are built.

    Raises:
        AlreadyRunning: the district runs.
        RestoreUnfinished: a restore into the state folder was cut short.
        DownloadFailed: the archives could not be reached.
        BackupFailed: there are data, and they could not be backed up.
        UpgradeFailed: the newer servers did not work; all is as it was.
    """
    state = settings.state
    check_finished(state)
    if run_record.is_held(state):
        raise AlreadyRunning(f"Its servers cannot be changed meanwhile: `district stop` first (state folder {state}).")
    current = prefix.ensure()
    if not (found := changes(current.versions(), newest())):
        return Upgraded(())
    has_data = any((state / name / "data").exists() for name in backup.SERVERS)
    if has_data:
        backup.take(state, backup_folder)
    newer = build()
    if has_data:
        _try(settings, newer, backup_folder)
    prefix.switch(newer.root)
    _clear_away(keep={current.root, newer.root})
    return Upgraded(found, backup_folder if has_data else None)


def _try(settings: LocalSettings, newer: Prefix, backup_folder: Path) -> None:
    """Run the newer servers on the data once; put the data back as they were when that fails."""
    ports = dict.fromkeys(("mqtt_port", "kafka_port", "kafka_controller_port", "postgres_port"), 0)
    own = dict.fromkeys(("kafka_bootstrap", "mqtt_url", "database_url"))
    if run_record.is_held(settings.state):
        shutil.rmtree(newer.root)
        raise AlreadyRunning("It was started while the newer servers were built: `district stop`, then upgrade again.")
    # From here on the data are the newer servers': whoever kills us finds the way back by `district restore`.
    begin_again(settings.state)
    try:
        asyncio.run(_start_and_stop(settings.model_copy(update={**ports, **own}), newer))
    except BaseException as error:
        shutil.rmtree(newer.root)
        restore(backup_folder, settings.state)
        if isinstance(error, LocalError):
            raise UpgradeFailed(f"{error} The backup is in {backup_folder}.") from error
        raise
    finish(settings.state)


async def _start_and_stop(settings: LocalSettings, newer: Prefix) -> None:
    async with Stack(settings, programs=newer):
        pass


def _clear_away(keep: set[Path]) -> None:
    """Delete older prefixes of this recipe that nothing runs from; the one before stays, to go back to."""
    used: set[Path] = set()
    for process in psutil.process_iter(["exe"]):
        with suppress(ValueError, OSError):
            used.update(Path(process.info["exe"] or "/").parents)
    plain = prefix.plain_location()
    for root in plain.parent.glob(f"{plain.name}*"):
        if root.is_dir() and root not in keep | used:
            shutil.rmtree(root)
