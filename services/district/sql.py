"""`district sql`: one read-only query, streamed, as CSV or JSON."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, TextIO

import asyncpg
import typer
from pydantic import SecretStr

from services.district.errors import EXIT_INTERRUPTED, OutputFailed, QueryFailed, ServerSilent, WriteRefused
from services.district.rows import JsonText, PlainText, as_text, csv_line, json_object, repeated
from services.district.settings import find_access
from services.runtime.database import DATABASE_AWAY

CONNECT_SECONDS: Final = 5.0
ROWS_AT_ONCE: Final = 500
_EXCERPT_CHARS: Final = 30
_LOOK: Final = "`district status` shows its state, `district logs postgres` why."
_VIEWS_ARE_READ: Final = (
    "Views are what one reads, such as v_alerts or v_water_readings; docs/views.md lists them, and "
    "`SELECT viewname FROM pg_views WHERE viewname LIKE 'v\\_%'` does."
)
_SEVERAL: Final = "multiple commands"
_ONE_AT_A_TIME: Final = "it is more than one statement; run one at a time."


@as_text.register(asyncpg.Range)
def _(value: asyncpg.Range[Any]) -> str:
    if value.isempty:
        return "empty"
    lower, upper = ("" if end is None else as_text(end) for end in (value.lower, value.upper))
    return f"{'[' if value.lower_inc else '('}{lower},{upper}{']' if value.upper_inc else ')'}"


def sql(
    query: Annotated[str, typer.Argument(help="One statement; `-` reads it from standard input.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, one object a row.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Longest time the database may work on it.")
    ] = 60.0,
) -> None:
    """Run one read-only query and print CSV, or JSON with --json.

    Views to ask: v_feed_totals, v_open_alerts, v_alerts, v_indicators, v_dead_letters, v_<feed>_readings.
    """
    access = find_access()
    if access.database_url is None:
        raise ServerSilent("none is named; set DATABASE_READER_URL.")
    text = sys.stdin.read() if query == "-" else query
    try:
        out = Output(sys.stdout)
        asyncio.run(_run(access.database_url, text, as_json=as_json, seconds=timeout, out=out))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        _give_up_output()  # the reader, such as `head`, has enough
    except OutputFailed:
        _give_up_output()
        raise


def _give_up_output() -> None:
    """Nothing may be flushed at exit into what does not take it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Output:
    """Where the rows go; a full disk there is not the database's fault.

    Raises:
        BrokenPipeError: the reader has enough.
        OutputFailed: it cannot be written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write a piece."""
        with _blamed():
            self._stream.write(text)

    def flush(self) -> None:
        """Have it all out."""
        with _blamed():
            self._stream.flush()


@contextmanager
def _blamed() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"{error.strerror}; make room, or write it elsewhere.") from error


async def _run(url: SecretStr, query: str, *, as_json: bool, seconds: float, out: Output) -> None:
    connection = await _connect(url, seconds)
    try:
        async with connection.transaction(readonly=True):
            await _print(connection, query, as_json=as_json, out=out)
    except asyncpg.QueryCanceledError:
        raise QueryFailed(f"it took longer than {seconds:g} s; --timeout allows more.") from None
    except asyncpg.InsufficientPrivilegeError as error:
        raise WriteRefused(f"{_sentence(error, query)} {_VIEWS_ARE_READ}") from error
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise WriteRefused(_sentence(error, query)) from error
    except BrokenPipeError:
        raise
    except DATABASE_AWAY as error:
        raise ServerSilent(f"the database went away ({error}); {_LOOK}") from error
    except asyncpg.PostgresError as error:
        raise QueryFailed(_ONE_AT_A_TIME if _SEVERAL in str(error) else _sentence(error, query)) from error
    finally:
        connection.terminate()


async def _connect(url: SecretStr, seconds: float) -> asyncpg.Connection[asyncpg.Record]:
    try:
        connection = await asyncpg.connect(
            url.get_secret_value(),
            timeout=CONNECT_SECONDS,
            server_settings={
                "application_name": "district-sql",
                "default_transaction_read_only": "on",
                "statement_timeout": str(int(seconds * 1000)),
                "timezone": "UTC",
                "intervalstyle": "iso_8601",
            },
        )
        await _exact_texts(connection)
    except asyncpg.PostgresError as error:
        raise ServerSilent(f"the database refuses us ({error}); {_LOOK}") from error
    except DATABASE_AWAY as error:
        raise ServerSilent(f"the database ({str(error) or 'no answer in time'}); {_LOOK}") from error
    return connection


async def _exact_texts(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Take these types as the database writes them, where Python's own would lose something."""
    forms: dict[str, type[str]] = {"json": JsonText, "jsonb": JsonText, "interval": PlainText}
    for name, form in forms.items():
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=form, format="text")


async def _print(connection: asyncpg.Connection[asyncpg.Record], query: str, *, as_json: bool, out: Output) -> None:
    statement = await connection.prepare(query)
    names = [column.name for column in statement.get_attributes()]
    if statement.get_parameters():
        raise QueryFailed("it has a parameter such as $1; write the value itself.")
    if not names:
        raise QueryFailed("it returns nothing, and `district sql` only reads; ask with SELECT.")
    if as_json and (twice := repeated(names)):
        raise QueryFailed(f"two columns are called {', '.join(twice)}; name them with AS.")
    rows = statement.cursor(prefetch=ROWS_AT_ONCE)
    if as_json:
        await _print_json(rows, names, out)
    else:
        await _print_csv(rows, names, out)
    out.flush()


async def _print_csv(rows: Any, names: list[str], out: Output) -> None:
    # The header waits for the first row, so that a query that is refused prints nothing.
    lead = csv_line(names)
    async for row in rows:
        out.write(lead + csv_line(row.values()))
        lead = ""
    out.write(lead)


async def _print_json(rows: Any, names: list[str], out: Output) -> None:
    lead = "[\n"
    async for row in rows:
        out.write(lead + json_object(names, list(row.values())))
        lead = ",\n"
    out.write("[]\n" if lead == "[\n" else "\n]\n")


def _sentence(error: asyncpg.PostgresError, query: str) -> str:
    """One line: what the database says, where in the query, and its hint."""
    said = str(getattr(error, "message", None) or error)
    position = getattr(error, "position", None)
    hint = getattr(error, "hint", None)
    where = ""
    if position is not None and str(position).isdigit():
        excerpt = " ".join(query[int(position) - 1 :].split())[:_EXCERPT_CHARS]
        where = f" (at character {position}: {excerpt!r})" if excerpt else f" (at character {position})"
    return " ".join(f"{said}{where}.{f' {hint}' if hint else ''}".split())
