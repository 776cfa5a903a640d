"""How the database's driver says that the database is away: one list for everyone who waits and asks again."""

from __future__ import annotations

from typing import Final

import asyncpg

DATABASE_AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that was ended while nobody, or somebody else, asked it
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)
"""The connection broke, or none can be had: the database is stopped, starts, ends sessions or does not answer.

`asyncpg.QueryCanceledError` is among them: one who gave the question a time catches it first.
"""

DATABASE_FAULTS: Final = (*DATABASE_AWAY, asyncpg.PostgresError)
"""All that the driver raises for what the database does, refusals included."""
