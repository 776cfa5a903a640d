"""The stream processors: `python -m services.stream_processors [--feed ev ...] [--lanes]`.

A process judges real life of the feeds that are named, all by default, or with `--lanes` every other lane of them.
In `make run` each feed has a process of its own and the lanes share one: what fails or is slow in one touches no other.
One process for all is for small machines; there a host that ends takes the others with it, and the supervisor starts
all again.
"""

from __future__ import annotations

import argparse

from services.runtime.lifecycle import Lifetime, run_service
from services.runtime.settings import KafkaSettings
from services.stream_processors.composition import run_hosts
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings

NAME = "stream_processors"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog=NAME, description="Judge readings against the plan.")
    parser.add_argument("--feed", action="append", default=[], help="a feed; all with rules by default; repeatable")
    parser.add_argument("--lanes", action="store_true", help="judge replays, exercises and what-ifs, not real life")
    chosen = parser.parse_args()

    async def run(lifetime: Lifetime) -> None:
        settings = ProcessorSettings.load()
        judges = build_judges(chosen.feed, settings)
        await run_hosts(lifetime, judges, KafkaSettings.load(), settings, live=not chosen.lanes)

    run_service(NAME, run)


if __name__ == "__main__":
    main()
