"""Asking one of our services over HTTP whether it is well."""

import asyncio
from collections.abc import Awaitable, Callable

from deploy.local.errors import NotYet
from deploy.local.ports import LOOPBACK

PROBE_SECONDS = 2.0


def probe_of(port: int) -> Callable[[], Awaitable[None]]:
    """Return a probe of the `/healthz` on a loopback port."""

    async def probe() -> None:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                reader, writer = await asyncio.open_connection(LOOPBACK, port)
                try:
                    writer.write(f"GET /healthz HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n".encode())
                    answer = (await reader.read()).decode(errors="replace")
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            raise NotYet(f"/healthz on port {port}: {type(error).__name__} {error}") from error
        if status_of(answer) != 200:
            raise NotYet(f"/healthz on port {port}: {answer.rpartition(chr(10))[2] or answer.partition(chr(13))[0]}")

    return probe


def status_of(answer: str) -> int | None:
    """Read the status from an HTTP answer, None when it is none."""
    words = answer.split(maxsplit=2)
    return int(words[1]) if len(words) > 1 and words[0].startswith("HTTP/") and words[1].isdigit() else None
