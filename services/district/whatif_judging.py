"""The processors' judging of a what-if, run as a process of its own: it is asked and answers as data.

It gives way to whatever else wants the processor. When the command ends, by ctrl-C too, the process is ended with it;
when the command is killed, the process finds its input broken off and ends by itself.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from services.district.errors import JudgingBrokeOff
from services.district.whatif_readings import Arrived, microseconds

WHAT_IF: Final = (sys.executable, "-m", "services.stream_processors.whatif")
_LINE_MOST: Final = 64 * 2**20
_DRAIN_BYTES: Final = 64 * 1024
_END_SECONDS: Final = 10.0
_TROUBLE_KEPT: Final = 4_000


@dataclass(slots=True)
class Judged:
    """What both courses came to."""

    in_force: list[dict[str, Any]] = field(default_factory=list)
    """Alerts, their last revisions."""
    alternative: list[dict[str, Any]] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    """Pairs that say something else."""
    summary: dict[str, Any] = field(default_factory=dict)


async def judged(
    question: bytes, arrivals: AsyncIterator[Arrived], ends: datetime, *, command: tuple[str, ...] = WHAT_IF
) -> Judged:
    """Have readings judged in both courses.

    Args:
        question: The first line, see `whatif_readings.question`.
        arrivals: Readings in the order of arrival; taken as fast as they are judged.
        ends: Where the lane's clock stops.

    Raises:
        JudgingBrokeOff: the process ends before its answer does.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_MOST,
        start_new_session=True,  # ctrl-C is for the command: it ends the process, which then says nothing
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            told = tasks.create_task(_answers(process))
            trouble = tasks.create_task(_trouble(process))
            tasks.create_task(_tell(process, question, arrivals, ends))
        status = await process.wait()
    finally:
        await _end(process)
    if status or not told.result().summary:
        raise JudgingBrokeOff(trouble.result() or f"it ended with status {status}")
    return told.result()


async def _tell(
    process: asyncio.subprocess.Process, question: bytes, arrivals: AsyncIterator[Arrived], ends: datetime
) -> None:
    assert process.stdin is not None  # noqa: S101 - it was asked for
    pipe = process.stdin
    with suppress(BrokenPipeError, ConnectionResetError):  # why, it says itself
        pipe.write(question)
        size = 0
        async for at, line in arrivals:
            pipe.write(b"%d %b\n" % (microseconds(at), line))
            size += len(line)
            if size >= _DRAIN_BYTES:
                size = 0
                await pipe.drain()
        pipe.write(b"end %d\n" % microseconds(ends))
        await pipe.drain()
        pipe.close()
        await pipe.wait_closed()


async def _answers(process: asyncio.subprocess.Process) -> Judged:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    found = Judged()
    async for line in process.stdout:
        said = orjson.loads(line)
        match said["kind"]:
            case "alert":
                (found.in_force if said["course"] == "in_force" else found.alternative).append(said["alert"])
            case "figure":
                found.figures.append(said)
            case "end":
                found.summary = said
    return found


async def _trouble(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None  # noqa: S101 - it was asked for
    kept = b""
    while part := await process.stderr.read(_TROUBLE_KEPT):
        kept = (kept + part)[-_TROUBLE_KEPT:]
    lines = kept.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
