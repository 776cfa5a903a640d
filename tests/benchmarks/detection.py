"""How well the platform detects: days of the world through the processors' own rules, scored against their truth.

    make bench ARGS="detection"                       every scenario at a tenth of the size, as a table
    make bench ARGS="detection --scenario storm-flood --seed 3"
    make bench ARGS="detection --write docs/simulators.md"     the tables in the docs, between their marks

How is said in `services.district.drill.scoring`; `district drill` does the same through the live pipeline. Emergency is
run at full size: a tenth of it has two ambulances.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from schemas.fields import LIVE, Feed
from services.district.drill.scoring import MINUTE, RULES, Heard, Scores, scored
from simulators.world.files import load_world
from simulators.world.library import load_for, scenario_files
from simulators.world.run import Order
from tests.world_judging import Judged, judged_day

YEAR = 2026
NAMES = sorted(file.stem for file in scenario_files() if file.stem != "runaway-device")
"""A runaway device is turned away by the bridge, before any rule."""


def days_of(name: str, seed: int, scale: float) -> Iterator[tuple[Feed, Judged, Scores]]:
    """A scenario's days, feed by feed."""
    for feed in load_for(name, load_world(scale)).drill.feeds:
        world = load_world(max(scale, 1.0) if feed is Feed.EMERGENCY else scale)
        scenario = load_for(name, world)
        first = date.fromisoformat(f"{YEAR}-{scenario.drill.begins}")
        order = Order(seed, first, scenario.drill.days, LIVE, feeds=(feed,))
        judged = judged_day(world, scenario, order, feed)
        heard = Heard(judged.raised, judged.withdrawn, judged.ended, order.begin, order.end, judged.members)
        yield feed, judged, scored(heard, judged.truth, feed, world)


def tables(names: list[str], seed: int, scale: float, progress: Console) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of the two tables: what was so and how it was found; what was said of devices, by scenario."""
    found: list[list[str]] = []
    said: list[list[str]] = []
    for name in names:
        for feed, judged, scores in days_of(name, seed, scale):
            progress.print(f"{name} {feed}: {judged.readings} readings of {judged.devices} devices")
            for what, score in sorted(scores.of.items()):
                rule, _ = RULES[feed, what]
                n = len(score.delays)
                delays = (
                    "–"
                    if not n
                    else f"{statistics.median(score.delays) / MINUTE:.1f}, {max(score.delays) / MINUTE:.1f}"
                )
                found.append([name, what, f"`{rule}`", str(score.wanted), str(n), f"{n / score.wanted:.2f}", delays])
            alerts = scores.right + len(scores.false)
            precision = f"{scores.right / alerts:.2f}" if alerts else "–"
            which = sorted({f"`{alert.rule}`" for alert in scores.false})
            row = [name, feed, str(judged.devices), str(alerts), str(len(scores.false)), precision]
            said.append([*row, str(scores.withdrawn), ", ".join(which) or "–"])
    return found, said


FOUND = ["scenario", "what was so", "rule", "times", "found", "recall", "delay p50, most (min)"]
SAID = ["scenario", "feed", "devices", "alerts about devices", "false", "precision", "taken back", "which were false"]
BEGIN, END = "<!-- detection: begin -->", "<!-- detection: end -->"


def markdown(heads: list[str], rows: list[list[str]]) -> str:
    """A table of the docs."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main(arguments: list[str]) -> int:
    """Run the days and print the tables."""
    parser = argparse.ArgumentParser(prog="detection", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=NAMES)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--write", type=Path, help="the page that gets the tables, between its marks")
    options = parser.parse_args(arguments)
    console = Console(width=170)
    found, said = tables(options.scenario or NAMES, options.seed, options.scale, console)
    for heads, rows in ((FOUND, found), (SAID, said)):
        table = Table(*heads)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    if options.write is not None:
        text = options.write.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        after = rest.split(END)[1]
        made = f"{markdown(FOUND, found)}\n\n{markdown(SAID, said)}"
        options.write.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
