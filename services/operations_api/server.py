"""uvicorn within our lifecycle: the supervisor's signals are ours to hear, and streams end before the server does."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from services.operations_api.settings import ApiSettings
from services.runtime.errors import FatalError, SettingsError
from services.runtime.lifecycle import Lifetime

GRACE_SECONDS: Final = 3
"""So long open requests may take when the service stops."""
KEEP_ALIVE_SECONDS: Final = 75
BACKLOG: Final = 512
MOST_CONNECTIONS: Final = 1_000


class _Server(uvicorn.Server):
    """uvicorn that leaves signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear nothing: the lifecycle does."""
        yield


async def serve(
    app: ASGIApp,
    settings: ApiSettings,
    lifetime: Lifetime,
    *,
    close: Sequence[Callable[[], Awaitable[None] | None]],
) -> None:
    """Answer until cancelled; then let streams go, and open requests end.

    Args:
        close: Ends streams.

    Raises:
        SettingsError: certificate and key cannot be used.
        FatalError: the port is taken.
    """
    server = _Server(_config(app, settings))
    running = asyncio.create_task(server.serve(), name="answer requests")
    try:
        await asyncio.shield(running)
    except SystemExit:
        raise FatalError(f"{settings.host}:{settings.port} cannot be listened on: is the port taken?") from None
    finally:
        for each in close:
            ended = each()
            if inspect.isawaitable(ended):
                await ended
        server.should_exit = True
        await asyncio.wait({running}, timeout=GRACE_SECONDS + 1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    if not lifetime.stopping:
        raise FatalError(f"the server on {settings.host}:{settings.port} has ended; is the port taken?")


def _config(app: ASGIApp, settings: ApiSettings) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"certificate or key cannot be used: {error}") from error
    return config
