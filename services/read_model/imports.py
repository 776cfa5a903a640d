"""Files of history that were taken over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.read_model.connection import Asked
from services.read_model.queries import SQL


async def span_of_imports(asked: Asked, sources: Iterable[str]) -> tuple[datetime, datetime] | None:
    """Times of the first and last reading of some files; None when they have none.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    row = (await asked.rows(SQL["span_of_imports"], list(sources)))[0]
    return None if row["earliest"] is None else (row["earliest"], row["latest"])
