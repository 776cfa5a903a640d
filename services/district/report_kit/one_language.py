"""A page in one language as plain data: what a PDF and a document to go on writing in are set from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.vocabulary import Naming
from services.district.report_kit.parts import Chart, Language, Part, Tile


def in_language(
    title: Naming, under: Sequence[Naming], tiles: Sequence[Tile], parts: Sequence[Part], language: Language
) -> dict[str, Any]:
    """The page as JSON-ready data; lines that are empty in the language are left out.

    Returns:
        `title`, `under`, `tiles` (`name`, `value`, `mood`), `parts` (`level`, `title`, `text`, `charts` with `svg` and
        `about`, `heads` with `words` and `number`, `rows` of cells with `words` and `mood`).
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
            }
            for part in parts
        ],
    }


def _chart(one: Chart, language: Language) -> dict[str, str]:
    svg = one.zh if language == "zh" else one.en
    return {"svg": str(svg), "about": str(svg.partition("<title>")[2].partition("</title>")[0].unescape())}
