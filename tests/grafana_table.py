"""How a table of Grafana (12.3) lays its cells out: how wide a panel is, how high the row of a wrapped text.

The height is reckoned before the text is drawn: a text without a blank or hyphen is one line, one that seems to fit by
the mean width of Latin letters is one line, else its lines are counted with breaks at blanks and hyphens (uWrap 0.1.2).
A browser breaks Chinese anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

SCREEN_PX = 1_366
"""The narrowest screen on which an operator works."""
_EDGES_PX, _GAP_PX = 48, 8
"""Both edges of the board with the scroll bar, and what lies between two panels."""
COLUMN_PX = 150
"""The least width of a column that has none of its own."""
_PADDING_PX, _LETTER_PX, _HAN_PX = 12, 7.7, 14.0
TWO_LINES = {"sm": 1, "md": 1, "lg": 2}
"""Lines for which the least height of a row has room."""
_SEEMS_TO_WRAP = 0.85
"""Of a line: from here on the lines are counted."""


def panel_px(columns: int) -> float:
    """Width of a panel of so many of 24 columns."""
    return (SCREEN_PX - _EDGES_PX + _GAP_PX) / 24 * columns - _GAP_PX


def _own(panel: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Properties of each column that has some."""
    return {
        override["matcher"]["options"]: {each["id"]: each["value"] for each in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
    }


def _widths(panel: Mapping[str, Any], columns: Sequence[str]) -> dict[str, float | None]:
    """Own width of each column that is shown."""
    own = _own(panel)
    seen = [each for each in columns if not own.get(each, {}).get("custom.hideFrom.viz")]
    return {each: own.get(each, {}).get("custom.width") for each in seen}


def table_px(panel: Mapping[str, Any], columns: Sequence[str]) -> float:
    """The least width of a table with these columns of its query."""
    return sum(COLUMN_PX if width is None else width for width in _widths(panel, columns).values())


def wrapping(panel: Mapping[str, Any], columns: Sequence[str]) -> dict[str, float]:
    """Width of each column whose texts take several lines; those without one of their own share what is left."""
    widths, own = _widths(panel, columns), _own(panel)
    free = sum(width is None for width in widths.values())
    left = panel_px(panel["gridPos"]["w"]) - sum(width or 0 for width in widths.values())
    return {
        each: max(COLUMN_PX, left / free) if width is None else width
        for each, width in widths.items()
        if own.get(each, {}).get("custom.wrapText")
    }


def _px(text: str) -> float:
    return sum(_LETTER_PX if ord(each) < 0x2E80 else _HAN_PX for each in text)


def _lines(parts: list[str], width: float) -> int:
    """Lines of parts between which a line may break."""
    lines, filled = 1, 0.0
    for part in parts:
        wide = _px(part)
        if filled and filled + _px(part.rstrip()) > width:
            lines, filled = lines + 1, 0.0
        filled += wide
    return lines


def lines_drawn(text: str, column_px: float) -> int:
    """Lines that a browser makes of it."""
    return _lines(re.findall(r"[!-⺀]+ *|[^!-⺀]", text), column_px - _PADDING_PX)


def lines_reckoned(text: str, column_px: float, height: str = "lg") -> int:
    """Lines for which Grafana makes the row high enough."""
    width, least = column_px - _PADDING_PX, TWO_LINES[height]
    if not re.search(r"[\s-]", text) or len(text) * _LETTER_PX / width < _SEEMS_TO_WRAP:
        return least
    return max(least, _lines(re.findall(r"[^ -]*[ -]*", text), width))
