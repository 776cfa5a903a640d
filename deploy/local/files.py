"""Files and folders that an unprivileged user must reach, or nobody else may read."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import FolderUnreachable

ENTERED_BY_ALL = 0o755
"""Mode of a folder in which every process finds what it may read."""


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The unprivileged user that runs a process when we are root."""

    name: str
    """The process that it runs."""
    uid: int
    gid: int


def write_private(path: Path, text: str, owner: ServerUser | None = None, *, mode: int = 0o600) -> None:
    """Write a file at once or not at all, readable for its owner only unless `mode` says more."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if owner is not None:
            os.fchown(descriptor, owner.uid, owner.gid)
        os.fchmod(descriptor, mode)
        file.write(text)
    unfinished.replace(path)


def make_folder(path: Path) -> Path:
    """Make a folder and its missing parents so that the servers' user can enter them whatever our umask is."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(ENTERED_BY_ALL)
    return path


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Hold a folder that everybody may enter, made when it is missing, against everybody else who would change it."""
    make_folder(path)
    if stat.S_IMODE(path.stat().st_mode) & ENTERED_BY_ALL != ENTERED_BY_ALL:
        path.chmod(ENTERED_BY_ALL)  # as a restore has made it, for nobody but us
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_data_folder(path: Path, owner: ServerUser | None) -> Path:
    """Make a folder that belongs to one process alone, with all that is in it already."""
    path.mkdir(exist_ok=True)
    path.chmod(0o700)
    give(path, owner)
    return path


def give(path: Path, owner: ServerUser | None) -> None:
    """Make a file, or a folder with all that is in it, the owner's; nothing is walked that is his already."""
    if owner is None or path.lstat().st_uid == owner.uid:
        return
    if path.is_dir() and not path.is_symlink():
        for folder, subfolders, files in os.walk(path):
            for name in (*subfolders, *files):
                os.lchown(Path(folder, name), owner.uid, owner.gid)
    # Last: a walk that was cut short is begun again.
    os.lchown(path, owner.uid, owner.gid)


def check_reachable(path: Path, user: ServerUser | None) -> None:
    """See that a process's user can enter every folder down to `path`.

    Raises:
        FolderUnreachable: it cannot; the message names the folder and the ways out.
    """
    if user is None:
        return
    for folder in reversed((path, *path.parents)):
        status = folder.stat()
        if not _may_enter(status, user):
            raise FolderUnreachable(
                f"The user of {user.name} ({user.uid}) cannot enter {folder} (mode {stat.filemode(status.st_mode)}): "
                f"`chmod o+x {folder}`, or choose other folders with DISTRICT_STATE and DISTRICT_CACHE."
            )


def _may_enter(status: os.stat_result, user: ServerUser) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
