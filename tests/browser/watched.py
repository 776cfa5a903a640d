"""Pages that are watched: an error, a broken policy or a request to elsewhere fails the test at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, Request

EXPECTED = ("net::ERR_", "status of 401", "status of 409", "status of 404", "GPU stall", "GL Driver Message")
"""What a browser says by itself about answers that a test wants."""


@asynccontextmanager
async def watched_page(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """A page in a context of its own."""
    options = {"viewport": {"width": 1024, "height": 640}, **options}
    context = await browser.new_context(**options)
    complaints: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(each in message.text for each in EXPECTED):
            complaints.append(f"{message.type}: {message.text}")

    def asked(request: Request) -> None:
        host = urlsplit(request.url).hostname
        if host not in {"127.0.0.1", None}:
            complaints.append(f"asked {request.url}")

    page = await context.new_page()
    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("request", asked)
    try:
        yield page
    finally:
        await context.close()
    assert not complaints, "\n".join(complaints)
