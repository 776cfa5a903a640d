"""Servers of one file's own, for tests that count what a log holds, or delete topics."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.local.files import make_folder
from deploy.local.paths import cache_dir
from deploy.local.stack import Stack
from tests.conftest import local_settings, setup_steps


@asynccontextmanager
async def servers_of_its_own() -> AsyncIterator[Stack]:
    """Run servers with the platform's topics and tables, which nobody else uses, while the block runs."""
    folder = make_folder(cache_dir() / "tests" / uuid.uuid4().hex[:12])
    try:
        async with Stack(local_settings(folder), setup=setup_steps()) as running:
            yield running
    finally:
        shutil.rmtree(folder)
