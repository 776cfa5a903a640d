"""Receipt numbers that were seen, as a map that costs little to copy however many there are. Pure.

A year of receipts is large and every checkpoint holds all of them: copies share their pages, and a page is copied when
it is first written after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from zlib import crc32

_PAGES: Final = 1_024


class Seen(NamedTuple):
    """One entry of the ledger by which a receipt number is known."""

    building: str | None
    """None in what the first release kept: it stands for whatever building."""
    fen: int
    at_us: int
    """When it was seen last."""


Sightings = tuple[Seen, ...]
"""All entries under one receipt number."""


class Receipts:
    """Sightings by receipt number. Equal content compares equal."""

    __slots__ = ("_own", "_pages")

    def __init__(self, pages: list[dict[str, Sightings]] | None = None) -> None:
        self._pages = [{} for _ in range(_PAGES)] if pages is None else pages
        self._own: set[int] = set()
        """Pages that no copy shares."""

    @classmethod
    def of(cls, sightings: Mapping[str, Sightings]) -> Receipts:
        """Receipts with these entries."""
        found = cls()
        for number, seen in sightings.items():
            found.put(number, seen)
        return found

    def get(self, number: str) -> Sightings:
        """Entries under a number; none when it is not known."""
        return self._pages[crc32(number.encode()) % _PAGES].get(number, ())

    def put(self, number: str, sightings: Sightings) -> None:
        """Replace the entries under a number."""
        place = crc32(number.encode()) % _PAGES
        if place not in self._own:
            self._own.add(place)
            self._pages[place] = self._pages[place].copy()
        self._pages[place][number] = sightings

    def drop_before(self, oldest_us: int) -> None:
        """Forget what was seen last before a time."""
        for place, page in enumerate(self._pages):
            kept = _since(page, oldest_us)
            if kept is not page:
                self._own.add(place)
                self._pages[place] = kept

    def copy(self) -> Receipts:
        """A copy that does not change when this one does."""
        self._own = set()
        return Receipts(self._pages.copy())

    def by_number(self) -> dict[str, Sightings]:
        """Everything, as one map."""
        found: dict[str, Sightings] = {}
        for page in self._pages:
            found |= page
        return found

    def __len__(self) -> int:
        return sum(map(len, self._pages))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Receipts) and self.by_number() == other.by_number()

    __hash__ = None  # type: ignore[assignment]  # what changes has no hash


def _since(page: dict[str, Sightings], oldest_us: int) -> dict[str, Sightings]:
    """The page without what is older; the page itself when nothing is."""
    if all(seen.at_us >= oldest_us for sightings in page.values() for seen in sightings):
        return page
    kept = {number: tuple(seen for seen in sightings if seen.at_us >= oldest_us) for number, sightings in page.items()}
    return {number: sightings for number, sightings in kept.items() if sightings}
