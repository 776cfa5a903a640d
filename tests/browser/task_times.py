"""How long a page kept its own thread busy: from Chromium's trace, by the thread's clock.

By the wall's clock a task also lasts while the machine does something else; a test that shares two cores with servers
would then measure them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, Page

TASKS = {"RunTask", "ThreadControllerImpl::RunTask"}


@dataclass
class TaskTimes:
    """Longest tasks in milliseconds, the longest first."""

    busy: list[float] = field(default_factory=list)
    """By the clock of the thread."""
    wall: list[float] = field(default_factory=list)
    """By the clock on the wall."""


@asynccontextmanager
async def task_times(browser: Browser, page: Page) -> AsyncIterator[TaskTimes]:
    """Measure what runs within; the figures are there afterwards."""
    found = TaskTimes()
    await browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline", "__metadata"])
    yield found
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    page_threads = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    tasks = [each for each in events if each["name"] in TASKS and (each["pid"], each["tid"]) in page_threads]
    found.busy = sorted((each["tdur"] / 1000 for each in tasks if "tdur" in each), reverse=True)
    found.wall = sorted((each["dur"] / 1000 for each in tasks if "dur" in each), reverse=True)
