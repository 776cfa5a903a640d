"""The books of a district: what was received for each building in each year, whole fen. Pure; values never change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from services.stream_processors.engine.counting import (
    CALM,
    Episode,
    Run,
    dump_episode,
    dump_run,
    load_episode,
    load_run,
)

NO_MONTHS: Final = (0,) * 12


class Book(NamedTuple):
    """One building in one year."""

    name: str | None
    months: tuple[int, ...]
    """Fen by month; negative where more was given back."""
    entries: int
    offset: int
    """Of the last entry."""
    fell: Episode | None = None
    """Open while it is back under the limit after having been counted."""

    @property
    def total(self) -> int:
        """Fen."""
        return sum(self.months)


@dataclass(slots=True)
class DistrictState:
    """One district in one lane."""

    district: str
    books: dict[tuple[int, str], Book] = field(default_factory=dict)
    """By year and building."""
    counted: dict[int, int] = field(default_factory=dict)
    """Buildings at or over the limit, by year."""
    past: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Sums of the district by month, of years that are closed."""
    receipts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Amount and time of receipts seen."""
    signs: dict[str, Run] = field(default_factory=dict)
    repeats: dict[str, Run] = field(default_factory=dict)
    behind: Run = CALM
    changed: tuple[int, ...] = ()
    """Years whose figures are to be said."""
    midnight_us: int | None = None
    last_us: int = 0
    """Of the last entry."""

    def copy(self) -> DistrictState:
        """A copy that does not change when this one does."""
        return DistrictState(
            self.district,
            self.books.copy(),
            self.counted.copy(),
            self.past.copy(),
            self.receipts.copy(),
            self.signs.copy(),
            self.repeats.copy(),
            self.behind,
            self.changed,
            self.midnight_us,
            self.last_us,
        )

    def of_year(self, year: int) -> list[tuple[str, Book]]:
        """The buildings of a year by id."""
        return sorted((building, book) for (of, building), book in self.books.items() if of == year)

    def years(self) -> list[int]:
        """Years with open books."""
        return sorted({year for year, _ in self.books})


def dump_state(state: DistrictState) -> list[Any]:
    """JSON-ready form."""
    return [
        [
            [year, building, *book[:-1], None if book.fell is None else dump_episode(book.fell)]
            for (year, building), book in state.books.items()
        ],
        list(state.counted.items()),
        list(state.past.items()),
        state.receipts,
        {name: dump_run(run) for name, run in state.signs.items()},
        {name: dump_run(run) for name, run in state.repeats.items()},
        dump_run(state.behind),
        state.changed,
        state.midnight_us,
        state.last_us,
    ]


def load_state(dumped: list[Any], district: str) -> DistrictState:
    """A district from its JSON-ready form."""
    books, counted, past, receipts, signs, repeats, behind, changed, midnight_us, last_us = dumped
    return DistrictState(
        district,
        {
            (year, building): Book(name, tuple(months), entries, offset, None if fell is None else load_episode(fell))
            for year, building, name, months, entries, offset, fell in books
        },
        dict(counted),
        {year: tuple(months) for year, months in past},
        {receipt: (amount, at_us) for receipt, (amount, at_us) in receipts.items()},
        {name: load_run(run) for name, run in signs.items()},
        {name: load_run(run) for name, run in repeats.items()},
        load_run(behind),
        tuple(changed),
        midnight_us,
        last_us,
    )
