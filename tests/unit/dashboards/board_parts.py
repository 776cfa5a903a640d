"""Parts of the generated boards, for the tests of single boards."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from services.dashboards.files import boards
from services.dashboards.plan_files import read_documents
from services.dashboards.words import Language

DOCUMENTS = read_documents(Path(__file__).resolve().parents[3] / "deploy" / "plan")


@cache
def every() -> dict[Language, dict[str, Any]]:
    """All boards as they are generated, by language and name."""
    return boards(DOCUMENTS)


def made(name: str, language: Language = Language.EN) -> dict[str, Any]:
    """A board as it is generated."""
    board: dict[str, Any] = every()[language][name]
    return board


def panel(name: str, title: str, language: Language = Language.EN) -> dict[str, Any]:
    """The first panel of a board with a title."""
    return next(each for each in made(name, language)["panels"] if each["title"] == title)


def colours(tile: dict[str, Any]) -> set[str]:
    """Colours of a tile's limits."""
    return {step["color"] for step in tile["fieldConfig"]["defaults"]["thresholds"]["steps"]}


def rows_above(name: str, title: str) -> int:
    """Rows of the grid above a panel."""
    return int(panel(name, title)["gridPos"]["y"])


def asked(tile: dict[str, Any]) -> str:
    """The query of a panel."""
    return str(tile["targets"][0]["rawSql"])
