"""In which of the two languages sentences of alerts are shown: the reader's own, by the locale, unless one is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.dashboards.words import Language

_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set decides, as POSIX has it."""


def language_of(environment: Mapping[str, str]) -> Language:
    """The language of a locale; English for those that are not Chinese."""
    named = next((value for name in _VARIABLES if (value := environment.get(name))), "")
    return Language.ZH if named.lower().startswith("zh") else Language.EN
