"""What a page is made of: tiles, parts with text, tables and charts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from schemas.vocabulary import Naming
from services.district.report_kit.page import rendered


def same(text: str) -> Naming:
    """What is the same in both languages."""
    return Naming(text, text)


Language = Literal["zh", "en"]
Mood = Literal["", "good", "warn", "bad", "quiet"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure in front."""

    name: Naming
    value: Naming
    mood: Mood = ""
    note: Naming | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Head of a column."""

    words: Naming
    number: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table."""

    words: Naming
    mood: Mood = ""

    @classmethod
    def of(cls, text: object, mood: Mood = "") -> Cell:
        """What is the same in both languages."""
        return cls(same(str(text)), mood)


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing in both languages."""

    zh: Markup
    en: Markup


@dataclass(frozen=True, slots=True)
class Part:
    """A section."""

    title: Naming
    text: Sequence[Naming] = ()
    charts: Sequence[Chart] = ()
    heads: Sequence[Head] = ()
    rows: Sequence[Sequence[Cell]] = ()
    level: int = 2
    """2 to 4: how deep its heading stands."""


def page(
    title: Naming, under: Sequence[Naming], tiles: Sequence[Tile], parts: Sequence[Part], *, language: str = "zh"
) -> str:
    """The whole file.

    Args:
        under: Lines below the title.
        language: `zh` or `en`: which is shown first.
    """
    values = {"title": title, "under": under, "tiles": tiles, "parts": parts, "language": language}
    return rendered("page.html", values)
