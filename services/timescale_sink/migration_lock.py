"""One runner of migrations at a time: a lock on the owner's table, that nobody else can take, or keep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

_LOCK: Final = "LOCK TABLE schema_migrations IN SHARE ROW EXCLUSIVE MODE"


@asynccontextmanager
async def only_runner(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction in which no other runner is at work; what the last one did is seen.

    Args:
        owner: Outside a transaction: within one the lock would last until that one ends.
    """
    async with owner.transaction():
        await owner.execute(_LOCK)
        yield
