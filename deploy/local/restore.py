"""Put a backup into a state folder that holds no data yet."""

import os
import shutil
from pathlib import Path

from deploy.local import backup_manifest, prefix
from deploy.local.backup import OF_THIS_RUN, SERVERS
from deploy.local.backup_manifest import Manifest
from deploy.local.copier import Copier
from deploy.local.credentials import FILE_NAME as CREDENTIALS
from deploy.local.errors import BackupUnusable, RestoreRefused
from deploy.local.files import make_folder
from deploy.local.restoring import MARKER, begin_again, finish
from deploy.local.run_record import RunLock


def restore(folder: Path, state: Path) -> Manifest:
    """Check a backup whole, then put it into `state`; the next start goes on from it.

    Raises:
        AlreadyRunning: a district runs for the state folder.
        BackupUnusable: it is no backup, damaged, cut short, or does not fit these servers; nothing was changed.
        RestoreRefused: the state folder has data.
    """
    manifest = backup_manifest.read(folder)
    versions = backup_manifest.server_versions(prefix.ensure())
    if (reason := backup_manifest.misfit(manifest, versions, backup_manifest.this_machine())) is not None:
        raise BackupUnusable(f"{folder}: {reason}")
    backup_manifest.check(folder, manifest)
    make_folder(state)
    with RunLock(state):
        _make_way(state)
        begin_again(state)
        _copy(folder, state, manifest)
        os.sync()
        finish(state)
    return manifest


def _make_way(state: Path) -> None:
    """Take away what a restore that was cut short has left, and nothing else.

    Raises:
        RestoreRefused: there are data, and no restore of ours has put them there.
    """
    if (state / MARKER).exists():
        for path in state.iterdir():
            if path.name in SERVERS or path.name not in OF_THIS_RUN:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    if found := [name for name in (*SERVERS, CREDENTIALS) if (state / name).exists()]:
        raise RestoreRefused(
            f"{state} has {', '.join(found)}. Choose another folder with DISTRICT_STATE, "
            "or delete the data there with `make clean`."
        )


def _copy(folder: Path, state: Path, manifest: Manifest) -> None:
    copier = Copier(state)
    for name in manifest.folders:
        copier.folder(name)
    for server in SERVERS:
        # The configuration in it is its user's, who must be able to enter; the data in it are closed.
        (state / server).chmod(0o755)
    for name, entry in manifest.files.items():
        if copier.file(name, folder / name) != entry:
            raise BackupUnusable(f"{folder / name} was changed just now; the state folder is to be restored again.")
