"""Chinese and English from one source. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """A language of the boards, and of the alerts that the operator's terminal shows."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in both languages."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The words in one language."""
        return self.zh if language is Language.ZH else self.en


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
