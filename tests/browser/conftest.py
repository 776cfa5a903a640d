"""A browser for the session, a stand-in and a page for each test."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.chromium import FLAGS, chromium
from tests.browser.stand_in import StandIn
from tests.browser.watched import watched_page


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window, with a fresh profile."""
    found = chromium()
    with tempfile.TemporaryDirectory() as home:
        async with async_playwright() as playwright:
            running = await playwright.chromium.launch(
                executable_path=str(found.executable),
                args=list(FLAGS),
                env={"HOME": home, "PATH": "/usr/bin:/bin", **found.environment},
            )
            yield running
            await running.close()


@pytest.fixture
def api() -> Iterator[StandIn]:
    """The API's stand-in."""
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A wide page in Chinese; whatever it complains of fails the test."""
    async with watched_page(browser, locale="zh-CN") as found:
        yield found
