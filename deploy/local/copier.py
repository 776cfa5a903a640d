"""Copying files into a folder that is ours alone, noting the size and hash of each."""

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from deploy.local.backup_manifest import CHUNK_BYTES, FileEntry


class Copier:
    """Copies into one folder; what it wrote is known by its name below it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, FileEntry] = {}
        self.folders: list[str] = []

    def folder(self, name: str) -> None:
        """Make a folder and those above it."""
        path = self.root
        for part in Path(name).parts:
            path /= part
            if not path.exists():
                path.mkdir(mode=0o700)
                self.folders.append(path.relative_to(self.root).as_posix())

    def stream(self, name: str, source: BinaryIO, size: int | None = None) -> FileEntry:
        """Copy the first `size` bytes of an open file, or all of it.

        Raises:
            OSError: the disk is full, or the file cannot be read.
        """
        self.folder(str(Path(name).parent))
        digest, written = hashlib.sha256(), 0
        source.seek(0)
        descriptor = os.open(self.root / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            while size is None or written < size:
                chunk = source.read(CHUNK_BYTES if size is None else min(CHUNK_BYTES, size - written))
                if not chunk:
                    break
                target.write(chunk)
                digest.update(chunk)
                written += len(chunk)
        entry = self.files[name] = FileEntry(size=written, sha256=digest.hexdigest())
        return entry

    def file(self, name: str, source: Path) -> FileEntry:
        """Copy a file whole."""
        with source.open("rb") as file:
            return self.stream(name, file)

    def text(self, name: str, text: str) -> None:
        """Write a file of our own."""
        self.stream(name, io.BytesIO(text.encode()))

    def tree(self, name: str, source: Path, *, without: Callable[[str], bool] = lambda _name: False) -> None:
        """Copy a folder with all regular files and folders in it, but for those whose name is left out."""
        self.folder(name)
        for entry in sorted(os.scandir(source), key=lambda each: each.name):
            inner = f"{name}/{entry.name}"
            if without(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                self.tree(inner, Path(entry.path), without=without)
            elif entry.is_file(follow_symlinks=False):
                self.file(inner, Path(entry.path))

    def adopt(self, name: str) -> None:
        """Take note of a folder that a server's own tool has written here."""
        for folder, subfolders, files in os.walk(self.root / name):
            place = Path(folder)
            place.chmod(0o700)
            self.folders.append(place.relative_to(self.root).as_posix())
            subfolders.sort()
            for each in sorted(files):
                path = place / each
                path.chmod(0o600)
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                self.files[path.relative_to(self.root).as_posix()] = FileEntry(size=path.stat().st_size, sha256=digest)
