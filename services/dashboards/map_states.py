"""Words and colours of states for the one map: the same table as the boards', as a TypeScript module. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

from services.dashboards.palette import ASSET_STATE, FEED, SEVERITY, STATUS, TARGET_STANDING, WATER_CLASS, Shown

FILE: Final = "services/operations_api/web/src/states.generated.ts"
_HEAD: Final = "// Words and colours of states, from services/dashboards/palette.py. Made by `make generate`.\n\n"


def module() -> str:
    """The text of the module."""
    tables = {
        "SEVERITY": SEVERITY,
        "ASSET_STATE": ASSET_STATE,
        "STATUS": STATUS,
        "TARGET_STANDING": TARGET_STANDING,
        "FEED": FEED,
        "WATER_CLASS": WATER_CLASS,
    }
    parts = [f"export const {name} = {_literal(shown)} as const;\n" for name, shown in tables.items()]
    return _HEAD + "\n".join(parts)


def _literal(shown: Shown) -> str:
    rows: dict[str, dict[str, Any]] = {}
    for value, (words, colour) in shown.items():
        rows[value] = {"zh": words.zh, "en": words.en, "colour": colour}
    lines = [f"  {json.dumps(value)}: {json.dumps(row, ensure_ascii=False)}," for value, row in rows.items()]
    return "{\n" + "\n".join(lines) + "\n}"
