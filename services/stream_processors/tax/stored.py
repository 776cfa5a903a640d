"""The state of a district as bytes, and what the release before this form had stored. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from services.stream_processors.engine.counting import dump_episode, dump_run, load_episode, load_run
from services.stream_processors.tax.ledger import Book, DistrictState, Usual, YearSums
from services.stream_processors.tax.local_months import local_month_of
from services.stream_processors.tax.receipts import Receipts, Seen
from services.stream_processors.tax.reports import month_number

Wide = int | str
"""A whole number; in hexadecimal where 64 bits do not hold it."""

_Run = list[Any]
_Episode = list[Any]


class _Building(msgspec.Struct, array_like=True, frozen=True):
    year: int
    id: str
    name: str | None
    months: tuple[Wide, ...]
    entries: int
    offset: int
    fell: _Episode | None


class _District(msgspec.Struct, array_like=True, frozen=True):
    books: tuple[_Building, ...]
    past: dict[int, tuple[Wide, ...]]
    receipts: dict[str, tuple[Seen, ...]]
    signs: dict[str, _Run]
    repeats: dict[str, _Run]
    behind: _Run
    changed: tuple[tuple[int, str], ...]
    soon: tuple[int, ...]
    midnight_us: int | None
    last_us: int
    offices: tuple[tuple[int, str, int], ...] = ()
    """Of version 2: year, office, and the months for which it has reported."""
    offices_from: int = 0
    amounts: dict[str, _Run] = {}
    """Of version 3, as what is usual: year, building, kind of tax, and its parts."""
    usual: tuple[tuple[int, str, str, int, int, Wide, Wide], ...] = ()


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_District)


def pack_state(state: DistrictState) -> bytes:
    """The state as bytes."""
    return _ENCODER.encode(
        _District(
            tuple(
                _Building(
                    year,
                    building,
                    book.name,
                    _wide(book.months),
                    book.entries,
                    book.offset,
                    None if book.fell is None else dump_episode(book.fell),
                )
                for year, books in sorted(state.books.items())
                for building, book in sorted(books.items())
            ),
            {year: _wide(months) for year, months in sorted(state.past.items())},
            state.receipts.by_number(),
            {name: dump_run(run) for name, run in sorted(state.signs.items())},
            {name: dump_run(run) for name, run in sorted(state.repeats.items())},
            dump_run(state.behind),
            tuple(sorted(state.changed)),
            tuple(sorted(state.soon)),
            state.midnight_us,
            state.last_us,
            tuple((*name, months) for name, months in sorted(state.offices.items())),
            state.offices_from,
            {name: dump_run(run) for name, run in sorted(state.amounts.items())},
            tuple(
                (*place, known.days, known.last_day, _wide((known.first,))[0], _wide((known.second,))[0])
                for place, known in sorted(state.usual.items())
            ),
        )
    )


def unpack_state(raw: bytes, version: int, district: str) -> DistrictState:
    """A state from its bytes; version 1 did not know which offices had reported, version 2 not what is usual.

    Raises:
        ValueError: the bytes are not those of a state.
    """
    stored = _DECODER.decode(raw)
    state = DistrictState(
        district,
        past={year: _whole(months) for year, months in stored.past.items()},
        receipts=Receipts.of(stored.receipts),
        signs={name: load_run(run) for name, run in stored.signs.items()},
        repeats={name: load_run(run) for name, run in stored.repeats.items()},
        behind=load_run(stored.behind),
        changed=dict.fromkeys(stored.changed),
        soon=dict.fromkeys(stored.soon),
        midnight_us=stored.midnight_us,
        last_us=stored.last_us,
        offices={(year, office): months for year, office, months in stored.offices},
        offices_from=_from_month_after(stored.last_us) if version == 1 else stored.offices_from,
        amounts={name: load_run(run) for name, run in stored.amounts.items()},
        usual={
            (year, building, kind): Usual(days, last_day, *_whole((first, second)))
            for year, building, kind, days, last_day, first, second in stored.usual
        },
    )
    for one in stored.books:
        _open_book(state, one.year, one.id, (one.name, _whole(one.months), one.entries, one.offset, one.fell))
    return state


def load_release_2(dumped: list[Any], district: str) -> DistrictState:
    """A state from the JSON-ready form of release 0.2, which did not know for which building a receipt was."""
    books, _, past, receipts, signs, repeats, behind, changed, midnight_us, last_us = dumped
    state = DistrictState(
        district,
        past={year: tuple(months) for year, months in past},
        receipts=Receipts.of({number: (Seen(None, fen, at_us),) for number, (fen, at_us) in receipts.items()}),
        signs={name: load_run(run) for name, run in signs.items()},
        repeats={name: load_run(run) for name, run in repeats.items()},
        behind=load_run(behind),
        midnight_us=midnight_us,
        last_us=last_us,
        offices_from=_from_month_after(last_us),
    )
    for year, building, name, months, entries, offset, fell in books:
        _open_book(state, year, building, (name, tuple(months), entries, offset, fell))
        if year in changed:
            state.changed[year, building] = None
    return state


def _from_month_after(last_us: int) -> int:
    """From when on offices are known, of a state that did not know them."""
    return month_number(*local_month_of(last_us)) + 1 if last_us else 0


def _open_book(state: DistrictState, year: int, building: str, book: tuple[Any, ...]) -> None:
    name, months, entries, offset, fell = book
    total, known = sum(months), state.sums.get(year, YearSums())
    state.books.setdefault(year, {})[building] = Book(
        name, months, total, entries, offset, None if fell is None else load_episode(fell)
    )
    state.sums[year] = YearSums(known.total + total, known.entries + entries)


def _wide(numbers: tuple[int, ...]) -> tuple[Wide, ...]:
    return tuple(number if -(2**63) <= number < 2**63 else hex(number) for number in numbers)


def _whole(numbers: tuple[Wide, ...]) -> tuple[int, ...]:
    return tuple(number if isinstance(number, int) else int(number, 16) for number in numbers)
