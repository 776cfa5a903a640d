"""How much the simulated city brain has, for the operator's screen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import aiohttp

from deploy.local.ports import LOOPBACK
from deploy.local.run_record import RunRecord

NAME: Final = "citybrain"
"""Of the process."""
ANSWER: Final = timedelta(seconds=2)


async def events_received(record: RunRecord | None) -> int | None:
    """How many events are in its books; None: there is none, or it does not answer."""
    process = None if record is None else record.processes.get(NAME)
    if process is None or process.metrics_port is None:
        return None
    timeout = aiohttp.ClientTimeout(total=ANSWER.total_seconds())
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{LOOPBACK}:{process.metrics_port}/received", params={"ids": "0"}) as response,
        ):
            said: Any = await response.json()
            return int(said["count"])
    except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError):
        return None
