"""A page in one language as plain data: what a PDF and a document to go on writing in are set from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from unicodedata import east_asian_width

from schemas.vocabulary import Naming
from services.district.report_kit.parts import Chart, Language, Part, Tile

_NARROWEST: Final = 4
_PAGE: Final = 100
"""Letters that stand in a line of a table on a page."""
_MARGIN: Final = 2


def in_language(
    title: Naming, under: Sequence[Naming], tiles: Sequence[Tile], parts: Sequence[Part], language: Language
) -> dict[str, Any]:
    """The page as JSON-ready data; lines that are empty in the language are left out.

    Returns:
        `title`, `under`, `tiles` (`name`, `value`, `mood`), `parts` (`level`, `title`, `text`, `charts` with `svg` and
        `about`, `heads` with `words` and `number`, `rows` of cells with `words` and `mood`, `widths` of its columns).
    """

    def say(words: Naming) -> str:
        return words.zh if language == "zh" else words.en

    return {
        "language": language,
        "title": say(title),
        "under": [said for line in under if (said := say(line))],
        "tiles": [{"name": say(one.name), "value": say(one.value), "mood": one.mood} for one in tiles],
        "parts": [
            {
                "level": part.level,
                "title": say(part.title),
                "text": [said for line in part.text if (said := say(line))],
                "charts": [_chart(one, language) for one in part.charts],
                "heads": [{"words": say(head.words), "number": head.number} for head in part.heads],
                "rows": [[{"words": say(cell.words), "mood": cell.mood} for cell in row] for row in part.rows],
                "widths": column_widths(
                    [
                        _wanted(say(head.words), [say(row[place].words) for row in part.rows])
                        for place, head in enumerate(part.heads)
                    ]
                ),
            }
            for part in parts
        ],
    }


def column_widths(wanted: Sequence[int]) -> list[int]:
    """What each column gets of a page, in Latin letters: narrow ones what they want, wide ones share what is left."""
    given = list(wanted)
    wide = list(range(len(given)))
    while sum(given) > _PAGE and wide:
        share = (_PAGE - sum(given[place] for place in range(len(given)) if place not in wide)) // len(wide)
        narrow = [place for place in wide if wanted[place] <= share]
        if not narrow:
            for place in wide:
                given[place] = max(share, _NARROWEST)
            break
        wide = [place for place in wide if place not in narrow]
    return given


def _wanted(head: str, cells: Sequence[str]) -> int:
    """Its longest cell, and no less than the longest word of its head."""
    return max([*map(_letters, head.split()), *map(_letters, cells), _NARROWEST]) + _MARGIN


def _letters(text: str) -> int:
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)


def _chart(one: Chart, language: Language) -> dict[str, str]:
    svg = one.zh if language == "zh" else one.en
    return {"svg": str(svg), "about": str(svg.partition("<title>")[2].partition("</title>")[0].unescape())}
