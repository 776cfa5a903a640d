"""`python -m simulators.world write | scenarios | places | compare`: a simulated district with its truth, as files.

Exit status 0; 2 when something is refused, with the reason.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from schemas.fields import Feed, Lane
from simulators.errors import SimulatorError
from simulators.world.compared import compare
from simulators.world.files import load_world
from simulators.world.library import load_for, load_scenario, scenario_files
from simulators.world.run import Order
from simulators.world.said import Rhythm
from simulators.world.shapes import table
from simulators.world.written import Written, write_comparison, write_run

_MOST_DAYS = 3_660


def _lane(text: str) -> str:
    try:
        return TypeAdapter(Lane).validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError(f"'{text}' is no lane: live, exercise:, replay: or whatif:<name>") from None


def _seconds(text: str) -> int:
    value = int(text)
    if not 60 <= value <= 86_400:
        raise argparse.ArgumentTypeError("from 60 to 86400 seconds")
    return value


def _days(text: str) -> int:
    value = int(text)
    if not 1 <= value <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"from 1 to {_MOST_DAYS} days")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators.world", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write", help="write readings, truth and register of some days")
    write.add_argument("--seed", type=int, default=1, help="another seed is another life of the district (1)")
    write.add_argument("--scale", type=float, default=1.0, help="0.1 to 10; 1 is 3,000 connectors (1)")
    write.add_argument("--from", dest="first", type=date.fromisoformat, required=True, help="first local day")
    write.add_argument("--days", type=_days, default=1, help="so many days (1)")
    write.add_argument("--scenario", default="quiet-day", help="a name, or a .toml file (quiet-day)")
    write.add_argument("--out", type=Path, required=True, help="an empty folder, or one that is made")
    write.add_argument("--lane", type=_lane, help="of the readings (exercise:<scenario>-<seed>)")
    write.add_argument("--feed", type=Feed, choices=list(Feed), action="append", help="only this one; may be repeated")
    usual = Rhythm()
    for feed in ("ev", "water", "parking", "emergency"):
        seconds = getattr(usual, feed)
        write.add_argument(f"--{feed}-seconds", type=_seconds, default=seconds, help=f"between two ({seconds})")
    commands.add_parser("scenarios", help="list the scenarios")
    real = commands.add_parser("compare", help="say how far it is from real measurements")
    real.add_argument("--data", type=Path, required=True, help="folder of the real files")
    real.add_argument("--docs", type=Path, help="write table and plot into this folder (docs)")
    places = commands.add_parser("places", help="count what there is at a scale")
    places.add_argument("--scale", type=float, default=1.0)
    return parser


def _write(chosen: argparse.Namespace) -> Written:
    world = load_world(chosen.scale)
    scenario = load_for(chosen.scenario, world)
    lane = chosen.lane or f"exercise:{scenario.scenario.name}-{chosen.seed}".lower()
    rhythm = Rhythm(chosen.ev_seconds, chosen.water_seconds, chosen.parking_seconds, chosen.emergency_seconds)
    feeds = tuple(feed for feed in Feed if chosen.feed is None or feed in chosen.feed)
    return write_run(world, scenario, Order(chosen.seed, chosen.first, chosen.days, lane, rhythm, feeds), chosen.out)


def _say_written(done: Written) -> None:
    counts = ", ".join(f"{count:,} {feed}" for feed, count in sorted(done.readings.items()))
    print(f"{done.folder}: {sum(done.readings.values()):,} lines ({counts}), {done.size_bytes / 1e6:,.0f} MB")
    print(f"{done.devices:,} devices; {done.truths:,} truths in truth.jsonl")
    if not done.has_register:
        print("no register.json: a register does not hold so many devices; district.toml has all places")


def _say_scenarios() -> None:
    for path in scenario_files():
        head = load_scenario(path.stem)[0].scenario
        print(f"{head.name:22} {head.title_zh}  {head.title}: {head.about}")


def _compare(data: Path, docs: Path | None) -> None:
    shapes = compare(load_world(), data)
    print(table(shapes), end="")
    if docs is not None:
        write_comparison(shapes, docs)


def _say_places(scale: float) -> None:
    district = load_world(scale).district
    print(f"{len(district.site):6,} charging sites with {sum(site.connectors for site in district.site):,} connectors")
    print(f"{len(district.lot):6,} car parks with {sum(lot.spaces for lot in district.lot):,} spaces")
    print(f"{len(district.lake):6,} lakes with {sum(len(lake.points) for lake in district.lake):,} points")
    print(f"{len(district.post):6,} ambulance posts with {sum(post.ambulances for post in district.post):,} units")
    print(f"{len(district.building):6,} buildings")
    print(f"{sum(1 for _ in district.device_ids()):6,} devices")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point."""
    chosen = _parser().parse_args(arguments)
    try:
        match chosen.command:
            case "write":
                _say_written(_write(chosen))
            case "scenarios":
                _say_scenarios()
            case "compare":
                _compare(chosen.data, chosen.docs)
            case _:
                _say_places(chosen.scale)
    except SimulatorError as error:
        print(f"simulators.world: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
