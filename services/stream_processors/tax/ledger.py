"""The books of a district: what was received for each building in each year, whole fen. Pure; values never change."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any, Final, NamedTuple

from services.stream_processors.engine.counting import CALM, Episode, Run
from services.stream_processors.tax.receipts import Receipts

NO_MONTHS: Final = (0,) * 12


class Book(NamedTuple):
    """One building in one year."""

    name: str | None
    months: tuple[int, ...]
    """Fen by month; negative where more was given back."""
    total: int
    """Fen of all months."""
    entries: int
    offset: int
    """Of the last entry."""
    fell: Episode | None = None
    """Open while it is back under the limit after having been counted."""


class YearSums(NamedTuple):
    """The district in one year."""

    total: int = 0
    """Fen of all buildings."""
    entries: int = 0


class Usual(NamedTuple):
    """What one building paid of one kind of tax in one year, single entries that were received in time."""

    days: int
    """Days with an entry."""
    last_day: int
    """Begin of the last of them, microseconds."""
    first: int
    """Fen of the largest entry ..."""
    second: int
    """... and of the one after it; 0 while there is none."""


Books = dict[str, Book]
"""The buildings of one year by id."""


class Leaders(NamedTuple):
    """The buildings of one year at the limit, and the nearest below: all that the figure of buildings names."""

    limit: int
    """Fen."""
    nearest: int
    """So many below the limit are named."""
    counted: tuple[str, ...]
    """At or over the limit, by id."""
    below: tuple[tuple[int, str], ...]
    """Fen that are missing, and the building: the nearest first."""
    floor: int | None
    """A building that was and is below so many fen changes nothing here; None: each one may."""

    @classmethod
    def of(cls, books: Books, limit: int, nearest: int) -> Leaders:
        """Find them among all buildings."""
        counted = sorted([building for building, book in books.items() if book.total >= limit])
        missing = [(limit - book.total, building) for building, book in books.items() if book.total < limit]
        below = tuple(nsmallest(nearest, missing))
        full = len(below) == nearest
        return cls(limit, nearest, tuple(counted), below, (limit - below[-1][0] if below else limit) if full else None)


@dataclass(slots=True)
class DistrictState:
    """One district in one lane."""

    district: str
    books: dict[int, Books] = field(default_factory=dict)
    """By year."""
    sums: dict[int, YearSums] = field(default_factory=dict)
    """The same of all buildings."""
    past: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Sums of the district by month, of years that are closed."""
    receipts: Receipts = field(default_factory=Receipts)
    signs: dict[str, Run] = field(default_factory=dict)
    repeats: dict[str, Run] = field(default_factory=dict)
    behind: Run = CALM
    amounts: dict[str, Run] = field(default_factory=dict)
    """Buildings with an entry far beyond what is usual there."""
    usual: dict[tuple[int, str, str], Usual] = field(default_factory=dict)
    """By year, building and kind of tax."""
    changed: dict[tuple[int, str], None] = field(default_factory=dict)
    """Years and buildings whose figures are to be said ..."""
    soon: dict[int, None] = field(default_factory=dict)
    """... and the times at which that has been asked for."""
    midnight_us: int | None = None
    last_us: int = 0
    """Of the last entry."""
    offices: dict[tuple[int, str], int] = field(default_factory=dict)
    """Months for which an office has reported, by year: bit 0 is January."""
    offices_from: int = 0
    """Number of the month (see `reports`) from which on it is known who reported: before, nobody wrote it down."""
    leaders: dict[int, Leaders] = field(default_factory=dict, compare=False)
    """By year, as far as they are known: found anew when they are needed. Not stored."""
    reports: dict[int, tuple[Any, ...]] = field(default_factory=dict, compare=False)
    """The same of what was reported of a year (see `reports`), with what it follows from."""

    def copy(self) -> DistrictState:
        """A copy that does not change when this one does."""
        return DistrictState(
            self.district,
            {year: books.copy() for year, books in self.books.items()},
            self.sums.copy(),
            self.past.copy(),
            self.receipts.copy(),
            self.signs.copy(),
            self.repeats.copy(),
            self.behind,
            self.amounts.copy(),
            self.usual.copy(),
            self.changed.copy(),
            self.soon.copy(),
            self.midnight_us,
            self.last_us,
            self.offices.copy(),
            self.offices_from,
            self.leaders.copy(),
            self.reports.copy(),
        )

    def of_year(self, year: int) -> Books:
        """The buildings of a year."""
        return self.books.get(year, {})

    def put(self, year: int, building: str, book: Book) -> None:
        """Write the book of a building in a year."""
        books = self.books.setdefault(year, {})
        leaders = self.leaders.get(year)
        if leaders is not None:
            most = max(book.total, books[building].total if building in books else book.total)
            if leaders.floor is None or most >= leaders.floor:
                del self.leaders[year]
        books[building] = book

    def report(self, year: int, month: int, office: str) -> None:
        """An office has reported for a month."""
        known = self.offices.get((year, office), 0)
        if not known >> (month - 1) & 1:
            self.offices[year, office] = known | 1 << (month - 1)
            self.reports.clear()

    def leaders_of(self, year: int, limit: int, nearest: int) -> Leaders:
        """The buildings of a year that lead; looks at all buildings only when these may have changed.

        Args:
            limit: Fen of a building that counts.
            nearest: So many below the limit are named.
        """
        found = self.leaders.get(year)
        if found is None or (found.limit, found.nearest) != (limit, nearest):
            found = self.leaders[year] = Leaders.of(self.of_year(year), limit, nearest)
        return found

    def put_away(self, year: int) -> None:
        """Forget the books of a year."""
        del self.books[year], self.sums[year]
        self.leaders.pop(year, None)
        for name in [name for name in self.offices if name[0] <= year]:
            del self.offices[name]
        self.reports.clear()

    def is_blank(self) -> bool:
        """Whether nothing needs to be remembered."""
        known = self.books or self.past or self.signs or self.repeats or self.changed or self.soon
        return not known and not (self.amounts or self.usual or len(self.receipts)) and self.behind == CALM
