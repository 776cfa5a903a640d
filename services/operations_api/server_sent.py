"""Streams of server-sent events as answers: how often somebody is heard of, and how long a write may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from services.alert_life.renderings.sse import CONTENT_TYPE

RETRY: Final = b"retry: 1000\n\n"
"""Asks the client to come back after a second when the connection breaks."""
HEARTBEAT_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 1.0
"""So often it is seen whether a listener may still listen."""
SEND_SECONDS: Final = 30.0
"""A client that does not read for so long is let go."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(StreamingResponse):
    """A stream whose client has to read it.

    Args:
        release: Called when it is over, even if it never began.
    """

    media_type = CONTENT_TYPE

    def __init__(self, events: AsyncIterator[bytes], *, release: Callable[[], None] | None = None) -> None:
        super().__init__(events, headers=_HEADERS)
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and release what the stream holds."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._release is not None:
                self._release()

    async def stream_response(self, send: Send) -> None:
        """Send the events as they come; end when the client does not take them."""
        try:
            await super().stream_response(_bounded(send))
        except TimeoutError:
            return


def _bounded(send: Send) -> Send:
    async def bounded(message: Message) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await send(message)

    return bounded
