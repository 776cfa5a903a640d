"""SQL by name: each file of a folder is one statement with its purpose in the first line."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

PARTS = "parts"
"""Folder of what several statements say alike; `{name}` in a statement stands for `parts/name.sql`."""


def statements_in(folder: Path) -> MappingProxyType[str, str]:
    """The statements of a folder, each with its parts in their places."""
    parts = _texts_in(folder / PARTS)
    return MappingProxyType({name: _whole(text, parts) for name, text in _texts_in(folder).items()})


def _texts_in(folder: Path) -> dict[str, str]:
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.sql"))}


def _whole(text: str, parts: dict[str, str]) -> str:
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}\n", part)
    return text
