"""Looks at the disks of the servers once in a while and keeps what is to be said about them."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.disks import Disk, DiskAlert, DiskPolicy, Room, alert_of


class DiskWatch:
    """The disks under some folders; folders on one file system are one disk.

    Args:
        folders: By the name of what lies there; one that is not there yet is looked at when it is.
        tell: Called with what is new, in words, and whether it is trouble.
    """

    def __init__(
        self, folders: Mapping[str, Path], tell: Callable[[str, bool], None], policy: DiskPolicy | None = None
    ) -> None:
        self._folders = dict(folders)
        self._tell = tell
        self.alerts: tuple[DiskAlert, ...] = ()
        """What is wrong, as the last look found it."""
        self._policy = policy or DiskPolicy()
        self._disks: dict[int, Disk] = {}

    async def run(self, every_seconds: float, after_look: Callable[[], None]) -> None:
        """Look for ever."""
        while True:
            try:
                alerts = await asyncio.to_thread(self.look)
            except OSError as error:
                self._tell(f"the disks cannot be looked at: {error}", True)
            else:
                self._compare(alerts)
            after_look()
            await asyncio.sleep(every_seconds)

    def _compare(self, alerts: tuple[DiskAlert, ...]) -> None:
        """Tell what is new; the room that is left changes with every look and is no news."""
        before, self.alerts = self.alerts, alerts
        known = {(each.path, each.severity) for each in before}
        for alert in alerts:
            if (alert.path, alert.severity) not in known:
                self._tell(f"{alert.severity}: {alert.text_en}", True)
        for path in {each.path for each in before} - {each.path for each in alerts}:
            self._tell(f"{path} has room again", False)

    def look(self) -> tuple[DiskAlert, ...]:
        """Look at every disk once; return what is wrong now, the worst first."""
        places: dict[int, dict[str, Path]] = {}
        for name, folder in self._folders.items():
            try:
                places.setdefault(folder.stat().st_dev, {})[name] = folder
            except FileNotFoundError:
                continue
        found = [self._look_at(device, there) for device, there in places.items()]
        self._disks = {device: disk for device, disk in self._disks.items() if device in places}
        return tuple(sorted((each for each in found if each is not None), key=lambda alert: alert.severity))

    def _look_at(self, device: int, there: Mapping[str, Path]) -> DiskAlert | None:
        path = next(iter(there.values()))
        room = room_of(path)
        severity, full_in = self._disks.setdefault(device, Disk(self._policy)).look(room, time.monotonic())
        return alert_of(severity, tuple(there), str(path), room, full_in) if severity is not None else None


def room_of(path: Path) -> Room:
    """Ask the file system of a path how much room it has for an ordinary user."""
    found = os.statvfs(path)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    free = found.f_bavail * found.f_frsize
    return Room(free, used + free, found.f_favail, found.f_files)
