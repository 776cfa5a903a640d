"""Files of the one map. A path leads to a file of the folder or to nothing: no way out, no links, no hidden files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

INDEX: Final = "index.html"
_TYPES: Final = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".json": "application/json",
        ".geojson": "application/geo+json",
        ".txt": "text/plain; charset=utf-8",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".ico": "image/x-icon",
        ".webmanifest": "application/manifest+json",
        ".woff2": "font/woff2",
        ".mp3": "audio/mpeg",
        ".wav": "audio/wav",
    }
)
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
"""Of a file or folder: no dot in front, no slash, no percent, nothing that a file system reads otherwise."""
_DEEPEST: Final = 6


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is answered."""

    body: bytes
    media_type: str
    etag: str


class StaticFiles:
    """A folder, read into memory at the start: what is served is what was built.

    Args:
        below: Further folders, by the name under which they are found.
    """

    def __init__(self, folder: Path, below: Mapping[str, Path] | None = None) -> None:
        self._files: Final = _read(folder)
        for name, other in (below or {}).items():
            self._files.update({f"{name}/{path}": file for path, file in _read(other).items()})

    def __len__(self) -> int:
        return len(self._files)

    def get(self, path: str) -> StaticFile | None:
        """A file by its path below the folder; None when there is none such."""
        return self._files.get(path)


def _read(folder: Path) -> dict[str, StaticFile]:
    found: dict[str, StaticFile] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        parts = path.relative_to(folder).parts
        fits = len(parts) <= _DEEPEST and all(_NAME.fullmatch(part) for part in parts)
        if not fits or path.is_symlink() or not path.is_file() or path.suffix not in _TYPES:
            continue
        body = path.read_bytes()
        found["/".join(parts)] = StaticFile(body, _TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return found
