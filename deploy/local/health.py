"""Asking one of our services over HTTP whether it is well."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from deploy.local.errors import NotServing, NotYet
from deploy.local.ports import LOOPBACK

PROBE_SECONDS = 2.0


HEALTHY = "/healthz"
"""It works without trouble."""
READY = "/readyz"
"""It works: with trouble perhaps, but starting it again would not help."""


def probe_of(port: int, path: str = HEALTHY, seconds: float = PROBE_SECONDS) -> Callable[[], Awaitable[None]]:
    """Return a probe of a path on a loopback port.

    It raises `NotYet` when nobody answers and `NotServing`, with the service's own words, when the answer is not 200.
    """

    async def probe() -> None:
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await asyncio.open_connection(LOOPBACK, port)
                try:
                    writer.write(f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n".encode())
                    answer = (await reader.read()).decode(errors="replace")
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise NotYet(f"{path} on port {port}: {type(error).__name__} {error}") from error
        status = status_of(answer)
        if status is None:
            raise NotYet(f"{path} on port {port}: no HTTP answer")
        if status != 200:
            raise NotServing(f"{path} on port {port}: {answer.rpartition(chr(10))[2] or answer.partition(chr(13))[0]}")

    return probe


def troubles_of(detail: str) -> dict[str, str]:
    """Read from what a probe of `/healthz` raised which part of the service says what; empty when it says nothing."""
    try:
        report = json.loads(detail[detail.index("{") :])
        return {str(part): str(what) for part, what in report["trouble"].items()}
    except (ValueError, KeyError, AttributeError, TypeError):
        return {}


def status_of(answer: str) -> int | None:
    """Read the status from an HTTP answer, None when it is none."""
    words = answer.split(maxsplit=2)
    return int(words[1]) if len(words) > 1 and words[0].startswith("HTTP/") and words[1].isdigit() else None
