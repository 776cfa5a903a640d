"""Readings that are older than the ledger: their numbers are taken over chunk by chunk, once, when migrations run.

What came before the oldest number of a boot that is there is not missing but unknown: it counts as gone.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from services.timescale_sink.migration_lock import only_runner

_NEXT: Final = (
    "SELECT feed, chunk, to_regclass(chunk) IS NOT NULL AS there FROM ledger_backlog ORDER BY feed, chunk LIMIT 1"
)
_IN_THE_SINK_S_ORDER: Final = (
    "SELECT FROM reading_ledger WHERE feed = $1 ORDER BY lane, device_id, boot_id, segment FOR UPDATE"
)
"""Rows are locked in one order by all, so that nobody waits for one who waits for him."""
_BEFORE_THE_LEDGER: Final = """
UPDATE reading_ledger AS l
SET gone = l.gone + int8multirange(int8range(0, b.first))
FROM (
    SELECT lane, device_id, boot_id, min(segment) AS segment, min(lower(stored)) AS first
    FROM reading_ledger
    WHERE feed = $1
    GROUP BY lane, device_id, boot_id
) AS b
WHERE l.feed = $1 AND b.first > 0
    AND (l.lane, l.device_id, l.boot_id, l.segment) = (b.lane, b.device_id, b.boot_id, b.segment)
"""


async def number_old_chunks(owner: asyncpg.Connection) -> int:
    """Take what is left of the backlog over; returns how many chunks. Started again after a crash, it goes on.

    Args:
        owner: Outside a transaction.

    Raises:
        asyncpg.PostgresError: the database refused; what was taken over so far stays.
    """
    done = 0
    while await _number_one(owner):
        done += 1
    return done


async def _number_one(owner: asyncpg.Connection) -> bool:
    """Take one chunk over in a transaction of its own; false when there is none."""
    async with only_runner(owner):
        row = await owner.fetchrow(_NEXT)
        if row is None:
            return False
        if row["there"]:
            await owner.execute("SELECT note_numbers($1, $2::text::regclass)", row["feed"], row["chunk"])
        await owner.execute("DELETE FROM ledger_backlog WHERE chunk = $1", row["chunk"])
        if not await owner.fetchval("SELECT count(*) FROM ledger_backlog WHERE feed = $1", row["feed"]):
            await owner.execute(_IN_THE_SINK_S_ORDER, row["feed"])
            await owner.execute(_BEFORE_THE_LEDGER, row["feed"])
    return True
