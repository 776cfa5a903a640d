"""What a page is made of: tiles, parts with text, tables and charts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from services.district.report_kit.page import Words, rendered

Mood = Literal["", "good", "warn", "bad", "quiet"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure in front."""

    name: Words
    value: Words
    mood: Mood = ""
    note: Words | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Head of a column."""

    words: Words
    number: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table."""

    words: Words
    mood: Mood = ""

    @classmethod
    def of(cls, text: object, mood: Mood = "") -> Cell:
        """What is the same in both languages."""
        return cls(Words(str(text), str(text)), mood)


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing in both languages."""

    zh: Markup
    en: Markup


@dataclass(frozen=True, slots=True)
class Part:
    """A section."""

    title: Words
    text: Sequence[Words] = ()
    charts: Sequence[Chart] = ()
    heads: Sequence[Head] = ()
    rows: Sequence[Sequence[Cell]] = ()


def page(
    title: Words, under: Sequence[Words], tiles: Sequence[Tile], parts: Sequence[Part], *, language: str = "zh"
) -> str:
    """The whole file.

    Args:
        under: Lines below the title.
        language: `zh` or `en`: which is shown first.
    """
    values = {"title": title, "under": under, "tiles": tiles, "parts": parts, "language": language}
    return rendered("page.html", values)
