"""Words and colours of states for the one map: the same table as the boards', as a TypeScript module. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

from services.dashboards.palette import FEED, SEVERITY, STATUS, WATER_CLASS, Shown

FILE: Final = "services/operations_api/web/src/states.generated.ts"
_HEAD: Final = "// Words and colours of states, from services/dashboards/palette.py. Made by `make generate`.\n\n"
_TINTS: Final = {
    "green": ("#56A64B", "#73BF69"),
    "red": ("#E02F44", "#F2495C"),
    "orange": ("#FF780A", "#FF9830"),
    "yellow": ("#F2CC0C", "#FADE2A"),
    "blue": ("#3274D9", "#5794F2"),
    "purple": ("#A352CC", "#B877D9"),
}
"""What Grafana draws for a colour's name on light and on dark ground."""


def module() -> str:
    """The text of the module."""
    tables = {"SEVERITY": SEVERITY, "STATUS": STATUS, "FEED": FEED, "WATER_CLASS": WATER_CLASS}
    parts = [f"export const {name} = {_literal(shown)} as const;\n" for name, shown in tables.items()]
    return _HEAD + "\n".join(parts)


def _literal(shown: Shown) -> str:
    rows: dict[str, dict[str, Any]] = {}
    for value, (words, colour) in shown.items():
        light, dark = _TINTS.get(colour, (colour, colour))
        rows[value] = {"zh": words.zh, "en": words.en, "light": light, "dark": dark}
    lines = [f"  {json.dumps(value)}: {json.dumps(row, ensure_ascii=False)}," for value, row in rows.items()]
    return "{\n" + "\n".join(lines) + "\n}"
