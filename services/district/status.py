"""`district status`: the same figures once, for people or machines."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from deploy.local.paths import state_dir
from services.dashboards.words import Language
from services.district.collector import Collector, nothing_collected
from services.district.errors import NothingRuns
from services.district.figures import Snapshot, rates, status_document
from services.district.language import language_of
from services.district.screen import View, screen
from services.district.settings import Access, find_access
from services.district.terminal import console, say, say_json, show
from services.district.words import trouble_lines

RATE_SECONDS: Final = 1.5
ALERTS_SHOWN: Final = 50


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; null is what cannot be known.")] = False,
    lang: Annotated[Language | None, typer.Option(help="Language of the alerts; else that of the locale.")] = None,
) -> None:
    """Print states, readings, lag, dead letters and open alerts once.

    `received` is what the sink has handled, what the bridge refused and what waits in Kafka. The exit status is 4 when
    nothing runs.
    """
    try:
        access = find_access()
    except NothingRuns:
        if as_json:
            _print_json(nothing_collected(state_dir()))
        raise
    snapshots = asyncio.run(_collect(access, twice=not as_json))
    if as_json:
        _print_json(snapshots[-1])
    else:
        shown_on = console()
        view = View(
            rates=rates(snapshots),
            width=shown_on.width,
            height=None,
            now=datetime.now(UTC),
            language=lang or language_of(os.environ),
        )
        show(shown_on, screen(snapshots[-1], view))


async def _collect(access: Access, *, twice: bool) -> list[Snapshot]:
    """Ask once, or twice a moment apart, which is what rates need."""
    async with Collector(access, alerts_at_most=ALERTS_SHOWN if twice else None) as collector:
        first = await collector.collect()
        if not twice:
            return [first]
        await asyncio.sleep(RATE_SECONDS)
        return [first, await collector.collect()]


def _print_json(snapshot: Snapshot) -> None:
    for line in trouble_lines(snapshot):
        say(f"district: {line}", err=True)
    say_json(status_document(snapshot))
