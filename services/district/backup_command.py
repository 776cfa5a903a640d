"""`district backup` and `district restore`: all that cannot be fetched or made again, in one folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.local import backup as taking
from deploy.local import restore as putting
from deploy.local.backup_manifest import Manifest
from deploy.local.paths import state_dir
from services.district.terminal import say

MEBIBYTE: Final = 1024**2

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the backup.", show_default=False)]


def backup(folder: Folder) -> None:
    """Write a backup into FOLDER, which must be new or empty; a district that runs goes on meanwhile.

    It holds the database, the plan, the register, all credentials, the processors' states and what Kafka and Mosquitto
    have. Keep it like a password.
    """
    state = state_dir()
    say(f"Backing up {state} …")
    manifest = taking.take(state, folder.absolute())
    how = "while the district ran" if manifest.running else "of the stopped district"
    say(f"Backup in {folder}: {_size(manifest)}, taken {how} at {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC.")
    own = os.environ.get("DEVICE_REGISTER")
    if own is not None and state.resolve() not in Path(own).resolve().parents:
        say(f"Not in it: the register of devices in {Path(own).parent} (DEVICE_REGISTER). Keep a copy of it.")


def restore(folder: Folder) -> None:
    """Check the backup in FOLDER, then put it into the state folder, which must hold no data.

    `make run` then goes on from it: what had come in since the database was copied is stored and judged from Kafka.
    """
    state = state_dir()
    say(f"Checking {folder} and restoring it into {state} …")
    manifest = putting.restore(folder.absolute(), state)
    say(f"Restored {_size(manifest)} of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC into {state}; `make run` starts it.")


def _size(manifest: Manifest) -> str:
    return f"{len(manifest.files)} files, {manifest.size / MEBIBYTE:.0f} MiB"
