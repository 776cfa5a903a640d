"""One HTML file that needs nothing else: both languages in it, a switch between them, charts as SVG.

Both languages are in one file, so that what is handed on is the same whoever reads it; the switch works without a
script (radio buttons and style), and print shows the language that is chosen. Same data, same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from schemas.vocabulary import Naming

_TEMPLATES: Final = Path(__file__).parent / "templates"


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """A page from a template of this folder.

    Args:
        values: What the template names; texts are escaped, `Naming` are shown in the language that is chosen.
    """
    return _environment().get_template(template).render(values)


def in_both(words: Naming) -> Markup:
    """Both languages, of which the page shows one."""
    if words.zh == words.en:
        return Markup("{}").format(words.en)
    return Markup('<span lang="zh">{}</span><span lang="en">{}</span>').format(words.zh, words.en)


@lru_cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["both"] = in_both
    return made
