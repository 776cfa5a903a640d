"""One unprivileged user for each process when we are root, known to no list of the machine.

A user is a number: it is chosen once from the range that systemd keeps for users of services, is nobody else's, and is
recorded in the state folder. No account is made. As an ordinary user everything runs as that user.
"""

import hashlib
import json
import os
import pwd
from collections.abc import Collection
from pathlib import Path

import psutil

from deploy.local.errors import UserMissing
from deploy.local.files import ServerUser, write_private

FILE_NAME = "users.json"
IDS = range(61_184, 65_520)


def choose(seed: str, taken: Collection[int]) -> int:
    """Return a number of the range that is not `taken`; the same seed begins its search at the same place.

    Raises:
        UserMissing: all are taken.
    """
    begin = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) % len(IDS)
    for step in range(len(IDS)):
        candidate = IDS[(begin + step) % len(IDS)]
        if candidate not in taken:
            return candidate
    raise UserMissing(f"Every number from {IDS.start} to {IDS.stop - 1} is somebody's.")


class Users:
    """The users of one state folder; only whoever holds its lock may ask for one."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._known = _recorded(state / FILE_NAME)

    def of(self, process: str) -> ServerUser | None:
        """Return the user of a process, choosing and recording it at the first time; None: we are no root, so it is us.

        Raises:
            UserMissing: no number is left.
        """
        if os.geteuid() != 0:
            return None
        if process not in self._known:
            self._known[process] = choose(f"{self._state}/{process}", self._taken())
            write_private(self._state / FILE_NAME, json.dumps(self._known, indent=1, sort_keys=True))
        number = self._known[process]
        return ServerUser(process, number, number)

    def _taken(self) -> set[int]:
        """Gather every number that is in use: by an account, a running process, or a district beside this one."""
        beside = [_recorded(path).values() for path in self._state.parent.glob(f"*/{FILE_NAME}")]
        running = [process.info["uids"] for process in psutil.process_iter(["uids"])]
        return {
            *self._known.values(),
            *(number for numbers in beside for number in numbers),
            *(number for uids in running if uids is not None for number in uids),
            *(entry.pw_uid for entry in pwd.getpwall()),
            *(entry.pw_gid for entry in pwd.getpwall()),
        }


def _recorded(path: Path) -> dict[str, int]:
    try:
        known: dict[str, int] = json.loads(path.read_text())
        return {name: number for name, number in known.items() if number in IDS}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


def listed_user() -> ServerUser:
    """Return an unprivileged user that the machine lists, for the one program that refuses a user without a name.

    Raises:
        UserMissing: there is none.
    """
    entries = sorted(pwd.getpwall(), key=lambda entry: (entry.pw_name != "nobody", entry.pw_uid))
    for entry in entries:
        if entry.pw_uid != 0:
            return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise UserMissing("PostgreSQL's initdb needs one that /etc/passwd lists.")


def seen_as_listed() -> list[str]:
    """Return what to put before a command that needs a listed user, when ours is a bare number, as in some containers.

    It runs in a user namespace in which our number is that of a listed user; what it writes is ours all the same.
    """
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        listed = listed_user()
        return ["unshare", "--user", f"--map-user={listed.uid}", f"--map-group={listed.gid}", "--"]
    return []
