"""Pages as PDF and drawings as PNG, by Typst with the fonts of the installation alone. Same data, same bytes.

Typst takes a moment to load its fonts: import this module where something is set.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import pylopdf_fonts_zh_cn
import typst

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PICTURE_PPI: Final = 180.0


def pdf_of(page: dict[str, Any]) -> bytes:
    """A page as PDF, with its fonts in it.

    Args:
        page: See `one_language.in_language`.
    """
    made = _compiled("page.typ", "pdf", page=page)
    if not isinstance(made, bytes):
        raise TypeError("Typst gives a PDF as one piece")
    return made


def pictures_of(drawings: Sequence[str]) -> list[bytes]:
    """Drawings (SVG) as PNG, in their order."""
    if not drawings:
        return []
    made = _compiled("pictures.typ", "png", pictures=list(drawings))
    return [made] if isinstance(made, bytes) else list(made)


def _compiled(template: str, form: Literal["pdf", "png"], **inputs: Any) -> bytes | list[bytes]:
    told = {name: json.dumps(value, ensure_ascii=False) for name, value in inputs.items()}
    made: bytes | list[bytes] = typst.compile(
        (_TEMPLATES / template).read_bytes(),
        format=form,
        ppi=_PICTURE_PPI if form == "png" else None,
        sys_inputs=told,
        font_paths=_fonts(),
        timestamp=0,
    )
    return made


@lru_cache
def _fonts() -> typst.Fonts:
    """Fonts of the installation and no others, so that every machine sets the same page."""
    folder = Path(pylopdf_fonts_zh_cn.__file__).parent
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])
