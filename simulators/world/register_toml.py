"""A district as the text of a district file: what `schemas.district.district_of` reads. Pure.

Keys of the register's own (`own`) are not carried over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from enum import Enum
from typing import Any, Final

from simulators.world.district import District

_OWN: Final = "own"


def district_toml(district: District, *, title: str) -> str:
    """The text; a district that is read from it is equal.

    Args:
        title: Said in the first line.
    """
    lines = [
        f"# {title}",
        "# A model for simulation: made-up places are marked `approximate`, do not navigate by them.",
    ]
    for name, value in district.model_dump(exclude_none=True, exclude={_OWN}).items():
        for table in value if isinstance(value, tuple) else (value,):
            lines += ["", f"[[{name}]]" if isinstance(value, tuple) else f"[{name}]", *_pairs(table)]
    return "\n".join(lines) + "\n"


def _pairs(table: dict[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if key != _OWN:
            yield f"{key} = {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(_pairs(value))} }}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_text(each) for each in value)}]"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return json.dumps(value.value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)
