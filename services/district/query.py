"""What the command line asks the read model, within a bound; what goes wrong is said in the operator's words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, TypeVar

from services.district.errors import QueryFailed, ServerSilent
from services.district.settings import find_access
from services.read_model.connection import NO_ANSWER, Asked, Database
from services.read_model.errors import DatabaseSilent, QueryRefused
from services.read_model.paging import Page

T = TypeVar("T")
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
ROWS_AT_ONCE: Final = 1_000
_LOOK: Final = "`district status` shows its state, `district logs postgres` why; then try again."


def ask(question: Callable[[Asked], Awaitable[T]]) -> T:
    """The answer to one question.

    Raises:
        ServerSilent: the database does not answer.
        QueryFailed: it refuses, e.g. because its tables were not made yet.
        RequestRefused: the question is wrong.
    """
    return asyncio.run(_ask(question))


async def up_to(limit: int, page: Callable[[int, str | None], Awaitable[Page[T]]]) -> list[T]:
    """So many rows of a list, page by page.

    Args:
        page: Gives the page of a size behind a cursor.
    """
    rows: list[T] = []
    cursor: str | None = None
    while len(rows) < limit:
        found = await page(min(ROWS_AT_ONCE, limit - len(rows)), cursor)
        rows += found.items
        cursor = found.next_cursor
        if cursor is None:
            break
    return rows


async def _ask(question: Callable[[Asked], Awaitable[T]]) -> T:
    url = find_access().database_url
    if url is None:
        raise ServerSilent("no database is named; set DATABASE_READER_URL.")
    bounds = {"connect_within": timedelta(seconds=CONNECT_SECONDS), "answer_within": timedelta(seconds=ANSWER_SECONDS)}
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
