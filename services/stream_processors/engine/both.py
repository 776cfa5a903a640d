"""Words in both languages of the district, said side by side: of alerts, and of the reasons of figures. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple


class Both(NamedTuple):
    """The same words in both languages."""

    zh: str
    en: str

    @classmethod
    def same(cls, text: str) -> Both:
        """A name or a figure that reads alike in both."""
        return cls(text, text)

    def then(self, zh: str, en: str) -> Both:
        """These words and more behind them."""
        return Both(self.zh + zh, self.en + en)


NOTHING: Final = Both("", "")

NOT_JUDGED: Final = Both("仅展示，不评价：没有为其设定目标", "shown, not judged: no target is set for it")
"""Why a figure without a target is neither met nor missed."""
