"""Files and folders that the servers' unprivileged user must reach, or nobody else may read."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import FolderUnreachable, UserMissing


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The unprivileged user that runs the servers when we are root."""

    name: str
    uid: int
    gid: int


def server_user(name: str) -> ServerUser | None:
    """Return the user that runs the servers; None when that is simply us, an ordinary user.

    Raises:
        UserMissing: we are root and the machine has no such user.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise UserMissing(f"There is no user {name!r}; name another with DISTRICT_SERVER_USER.") from None
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def write_private(path: Path, text: str, owner: ServerUser | None = None) -> None:
    """Write a file at once or not at all, readable for its owner only."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if owner is not None:
            os.fchown(descriptor, owner.uid, owner.gid)
        file.write(text)
    unfinished.replace(path)


def make_folder(path: Path) -> Path:
    """Make a folder and its missing parents so that the servers' user can enter them whatever our umask is."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    return path


def make_data_folder(path: Path, owner: ServerUser | None) -> Path:
    """Make a folder that belongs to a server alone."""
    path.mkdir(exist_ok=True)
    path.chmod(0o700)
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)
    return path


def check_reachable(path: Path, user: ServerUser | None) -> None:
    """See that the servers' user can enter every folder down to `path`.

    Raises:
        FolderUnreachable: it cannot; the message names the folder and the ways out.
    """
    if user is None:
        return
    for folder in reversed((path, *path.parents)):
        status = folder.stat()
        if not _may_enter(status, user):
            raise FolderUnreachable(
                f"User {user.name!r} cannot enter {folder} (mode {stat.filemode(status.st_mode)}): "
                f"`chmod o+x {folder}`, or choose other folders with DISTRICT_STATE and DISTRICT_CACHE."
            )


def _may_enter(status: os.stat_result, user: ServerUser) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
