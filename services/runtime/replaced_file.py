"""Whether a file that others replace as a whole is still the one that was read."""

from __future__ import annotations

from pathlib import Path

_Signature = tuple[int, int, int]


class ReplacedFile:
    """What was met last of one file; a file that is missing is one state of it as any other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._met: _Signature | None = None
        self._has_met = False

    def meet(self) -> bool:
        """Note the file as it is now, before it is read; false when it is missing or cannot be looked at."""
        self._met, self._has_met = self._signature(), True
        return self._met is not None

    def forget(self) -> None:
        """It could not be read, and may be readable though it stays the same: the next look counts as a change."""
        self._has_met = False

    def has_changed(self) -> bool:
        """Whether the file is another one than was met last."""
        return not self._has_met or self._signature() != self._met

    def _signature(self) -> _Signature | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
