"""What the command line asks the read model, within a bound; what goes wrong is said in the operator's words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Generic, TypeVar

from services.district.errors import QueryFailed, ServerSilent
from services.district.settings import find_access
from services.district.terminal import say
from services.read_model.connection import NO_ANSWER, Asked, Database
from services.read_model.errors import DatabaseSilent, QueryRefused
from services.read_model.paging import Page

T = TypeVar("T")
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
ROWS_AT_ONCE: Final = 1_000
ROWS_FOR_PEOPLE: Final = 50
"""A list has so many rows unless more are asked for; as JSON it has all."""
LIMIT_HELP: Final = f"At most so many; else {ROWS_FOR_PEOPLE} for people and all as JSON."
_LOOK: Final = "`district status` shows its state, `district logs postgres` why; then try again."


def ask(question: Callable[[Asked], Awaitable[T]]) -> T:
    """The answer to one question.

    Raises:
        ServerSilent: the database does not answer.
        QueryFailed: it refuses, e.g. because its tables were not made yet.
        RequestRefused: the question is wrong.
    """
    return asyncio.run(_ask(question))


def ask_one_moment(question: Callable[[Asked], Awaitable[T]], *, within: timedelta) -> T:
    """The answers to questions that must fit one another: all as the database was at the first of them.

    Args:
        within: The time for all of them.

    Raises:
        ServerSilent, QueryFailed, RequestRefused: as `ask`.
    """

    async def asked(database: Database) -> T:
        async with database.at_one_moment() as moment:
            return await question(moment)

    return asyncio.run(_ask(asked, answer_within=within))


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """Rows of a list."""

    rows: list[T]
    is_cut: bool
    """There are more."""


def listed(
    page: Callable[[Asked, int, str | None], Awaitable[Page[T]]], *, limit: int | None, as_json: bool
) -> Listed[T]:
    """The rows of a list that are to be shown: so many as were asked for, else all as JSON and some for people.

    Args:
        page: Gives the page of a size behind a cursor.

    Raises:
        ServerSilent, QueryFailed, RequestRefused: as `ask`.
    """
    most = limit or (None if as_json else ROWS_FOR_PEOPLE)
    rows = ask(lambda asked: _up_to(None if most is None else most + 1, partial(page, asked)))
    return Listed(rows[:most], is_cut=most is not None and len(rows) > most)


def say_cut(shown: Listed[T]) -> None:
    """Say that there are more rows than were shown."""
    if shown.is_cut:
        say(f"these are the first {len(shown.rows)}; --limit shows more of them, --json all")


async def _up_to(most: int | None, page: Callable[[int, str | None], Awaitable[Page[T]]]) -> list[T]:
    rows: list[T] = []
    cursor: str | None = None
    while most is None or len(rows) < most:
        found = await page(ROWS_AT_ONCE if most is None else min(ROWS_AT_ONCE, most - len(rows)), cursor)
        rows += found.items
        cursor = found.next_cursor
        if cursor is None:
            break
    return rows


async def _ask(
    question: Callable[[Database], Awaitable[T]], *, answer_within: timedelta = timedelta(seconds=ANSWER_SECONDS)
) -> T:
    url = find_access().database_url
    if url is None:
        raise ServerSilent("no database is named; set DATABASE_READER_URL.")
    bounds = {"connect_within": timedelta(seconds=CONNECT_SECONDS), "answer_within": answer_within}
    with failures_said():
        async with Database(url, name="district", connections=1, **bounds) as database:
            return await question(database)


@contextmanager
def failures_said() -> Iterator[None]:
    """Say what went wrong in the operator's words.

    Raises:
        ServerSilent: the database does not answer.
        QueryFailed: it refuses.
    """
    try:
        yield
    except DatabaseSilent as error:
        said = ": no answer in time" if error.detail == NO_ANSWER else f" ({error.detail})"
        raise ServerSilent(f"the database{said}; {_LOOK}") from error
    except QueryRefused as error:
        raise QueryFailed(error.detail) from error
