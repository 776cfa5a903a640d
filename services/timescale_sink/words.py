"""Words of every code a person may read, as rows of `words`. Pure.

From the catalogue of the contracts, and from what is named where it is defined: rules and limits of the policies,
targets of the plan, items of the standards, streets of the register. A published document may rename nothing here: the
files that come with the software do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import orjson

from schemas.vocabulary import VOCABULARY, Naming
from services.timescale_sink.assets import Asset

_LISTS: Final = ("rule", "limit", "indicator", "item")
"""Lists of a document whose entries have names; the words are of the same kind."""


def word_rows(assets: Iterable[Asset], documents: Iterable[Sequence[Any]]) -> list[tuple[str, str, str, str]]:
    """Rows of `words`: kind, code, Chinese, English; what a document names goes before the catalogue.

    Args:
        documents: Rows of `plan_versions`; the last column is the document as JSON.
    """
    found: dict[tuple[str, str], Naming] = {
        (kind, code): naming for kind, words in VOCABULARY.items() for code, naming in words.items()
    }
    for row in documents:
        found.update(_of_document(orjson.loads(row[-1])))
    # Readings carry a street by its Chinese name.
    found.update(
        {("street", each.name_zh): Naming(each.name_zh, each.name_en) for each in assets if each.kind == "street"}
    )
    return [(kind, code, *naming) for (kind, code), naming in found.items()]


def _of_document(document: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Naming]]:
    for kind in _LISTS:
        for entry in document.get(kind, ()):
            if "name_zh" in entry:
                yield (kind, entry["id"]), Naming(entry["name_zh"], entry["name"])
