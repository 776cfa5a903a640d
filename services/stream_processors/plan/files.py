"""The edge: documents from files."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from schemas.plan.errors import PlanFileError
from schemas.plan.toml import parse_document

D = TypeVar("D", bound=BaseModel)


def load_document(path: Path, model: type[D]) -> D:
    """Read a document.

    Raises:
        PlanFileError: the file cannot be read or does not hold a valid document.
    """
    return parse_document(read_text(path), model, file=str(path))


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        PlanFileError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanFileError(str(path), [("file", f"cannot be read: {error}")]) from error
