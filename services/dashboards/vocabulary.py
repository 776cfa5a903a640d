"""Words for the codes that readings, letters and documents carry, from the one catalogue of the contracts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from schemas.vocabulary import VOCABULARY
from services.dashboards.palette import Shown
from services.dashboards.words import Words

Vocabulary: TypeAlias = Mapping[str, Words]
"""Words by code."""


def words_of(kind: str) -> Vocabulary:
    """The words of a kind of codes.

    Raises:
        KeyError: the catalogue has no such kind.
    """
    return {code: Words(*naming) for code, naming in VOCABULARY[kind].items()}


QUALITY: Final = words_of("quality")
QUALITY_CODE: Final = words_of("quality_code")
DEAD_LETTER_REASON: Final = words_of("dead_letter_reason")
DEAD_LETTER_SOURCE: Final = words_of("dead_letter_source")
OUTCOME: Final = words_of("outcome")
UNIT: Final = words_of("unit")
ITEM: Final = words_of("item")
KIND: Final = words_of("asset_kind")
DOCUMENT: Final = words_of("document")
ERROR_CODE: Final = words_of("error_code")
ORIGIN: Final = words_of("origin")


def shown(vocabulary: Vocabulary, colour: str) -> Shown:
    """A vocabulary as a table of states of one colour, for value mappings."""
    return {code: (words, colour) for code, words in vocabulary.items()}
