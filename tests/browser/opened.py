"""Opening the page of a stand-in."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.stand_in import StandIn

MAP_READY = ".map-canvas canvas"


async def opened(page: Page, api: StandIn, address: str = "") -> None:
    """Open the page and wait until it is live and its lists are there."""
    await page.goto(f"{api.url}/map/{address}")
    await expect(page.locator(".stream")).to_have_attribute("data-state", "live", timeout=20_000)
    await page.wait_for_function("document.querySelectorAll('.level').length === 4")
    await expect(page.locator(".alert-pane")).not_to_contain_text("正在载入…")
