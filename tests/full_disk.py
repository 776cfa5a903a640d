"""Small file systems of our own, and how to fill them: what a full disk does is only shown by one."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCK = 4096
_LIBC = ctypes.CDLL(None, use_errno=True)
_DETACH = 2


@contextmanager
def small_file_system(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a memory file system of this size; the test is skipped where nobody may mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    target = os.fsencode(folder)
    if _LIBC.mount(b"tmpfs", target, b"tmpfs", 0, f"size={megabytes}m,mode=0755".encode()) != 0:
        code = ctypes.get_errno()
        if code in {errno.EPERM, errno.EACCES}:
            pytest.skip("a small disk can be mounted neither as this user nor in a namespace of its own")
        raise OSError(code, os.strerror(code), str(folder))
    try:
        yield folder
    finally:
        _LIBC.umount2(target, _DETACH)


def may_mount(folder: Path) -> bool:
    """Say whether this process may mount a file system."""
    if _LIBC.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"size=4k") != 0:
        return False
    _LIBC.umount2(os.fsencode(folder), _DETACH)
    return True


def fill(folder: Path) -> Path:
    """Take all the room there is; returns the file that has it."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        size = 256 * BLOCK
        while size >= BLOCK:
            try:
                file.write(b"x" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
    return filler
