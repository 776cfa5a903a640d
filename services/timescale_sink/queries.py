"""The sink's SQL by name; each file of `sql/queries` is one statement with its purpose in the first line."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Final

_FOLDER: Final = Path(__file__).parent / "sql" / "queries"
SQL: Final[MappingProxyType[str, str]] = MappingProxyType(
    {file.stem: file.read_text(encoding="utf-8") for file in sorted(_FOLDER.glob("*.sql"))}
)
