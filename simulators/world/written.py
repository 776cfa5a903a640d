"""A run on disk: readings by feed and day, as `district import` and `district replay` take them; truth and register."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from schemas.device_register import MAX_DEVICES, DeviceRegister
from schemas.fields import Feed
from simulators.world.errors import OutputRefused
from simulators.world.events import local_day
from simulators.world.places import World
from simulators.world.register_toml import district_toml
from simulators.world.run import Order, WorldRun
from simulators.world.scenario import Scenario
from simulators.world.shapes import Shape, plot, table

TRUTH: Final = "truth.jsonl"
DISTRICT: Final = "district.toml"
REGISTER: Final = "register.json"
SUMMARY: Final = "run.json"
TABLE_BEGIN: Final = "<!-- distances: begin -->"
TABLE_END: Final = "<!-- distances: end -->"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    folder: Path
    readings: dict[Feed, int]
    """Lines by feed, whatever is in them."""
    size_bytes: int
    truths: int
    devices: int
    has_register: bool
    """Without one there are more devices than a register holds."""


class _Files:
    """The files of readings, each open while its day is written, with the digest of what is in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[Feed, tuple[str, BinaryIO]] = {}
        self._digests: dict[str, Any] = {}
        self.size = 0

    def add(self, feed: Feed, day: str, data: bytes) -> None:
        name = f"{feed}-{day}.jsonl"
        known = self._open.get(feed)
        if known is None or known[0] != name:
            if known is not None:
                known[1].close()
            known = self._open[feed] = (name, (self._folder / name).open("wb"))
            self._digests[name] = hashlib.blake2b(digest_size=16)
        known[1].write(data)
        self._digests[name].update(data)
        self.size += len(data)

    def close(self) -> None:
        for _, file in self._open.values():
            file.close()

    def digests(self) -> dict[str, str]:
        return {name: digest.hexdigest() for name, digest in sorted(self._digests.items())}


def write_run(world: World, scenario: Scenario, order: Order, folder: Path) -> Written:
    """Run it and write all of it.

    The same arguments give the same bytes in every file.

    Args:
        folder: Made when it is not there; it must be empty.

    Raises:
        OutputRefused: the folder is in use, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputRefused(f"{folder} is not empty; name a folder that is, or is not there yet")
        return _write(world, scenario, order, folder)
    except OSError as error:
        raise OutputRefused(f"{error.filename or folder}: {error.strerror}") from error


def write_comparison(shapes: Sequence[Shape], docs: Path) -> None:
    """Put the table between its marks in `simulators.md`, and the plot beside it.

    Raises:
        OutputRefused: the page is not there, or has no marks.
    """
    page = docs / "simulators.md"
    try:
        text = page.read_text(encoding="utf-8")
        head, mark, rest = text.partition(TABLE_BEGIN)
        _, end, tail = rest.partition(TABLE_END)
        if not (mark and end):
            raise OutputRefused(f"{page} has no marks {TABLE_BEGIN} and {TABLE_END} for the table to stand between")
        page.write_text(f"{head}{mark}\n\n{table(shapes)}\n{end}{tail}", encoding="utf-8")
        (docs / "simulators-shapes.svg").write_text(plot(shapes), encoding="utf-8")
    except OSError as error:
        raise OutputRefused(f"{error.filename or page}: {error.strerror}") from error


def _write(world: World, scenario: Scenario, order: Order, folder: Path) -> Written:
    run = WorldRun(world, scenario, order)
    files = _Files(folder)
    counts: Counter[Feed] = Counter()
    try:
        for part in run.parts():
            day = f"{local_day(part.begin):%Y-%m-%d}"
            for feed, lines in part.lines.items():
                if lines:
                    counts[feed] += len(lines)
                    files.add(feed, day, b"".join([line for _, line in lines]))
    finally:
        files.close()
    truth = run.truth()
    (folder / TRUTH).write_bytes(b"".join([each.line() for each in truth]))
    devices = sorted(world.district.devices())
    title = f"Jianghan District at scale {world.scale:g}, as simulated"
    (folder / DISTRICT).write_text(district_toml(world.district, title=title), encoding="utf-8")
    has_register = len(devices) <= MAX_DEVICES
    if has_register:
        register = DeviceRegister().with_simulated(devices, datetime.fromtimestamp(order.begin, UTC))
        (folder / REGISTER).write_text(register.model_dump_json(indent=1, exclude_none=True) + "\n", encoding="utf-8")
    summary = {
        "scenario": scenario.scenario.name,
        "seed": order.seed,
        "scale": world.scale,
        "from": order.first.isoformat(),
        "days": order.days,
        "lane": order.lane,
        "readings": {feed.value: counts[feed] for feed in order.feeds},
        "files": files.digests(),
    }
    (folder / SUMMARY).write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return Written(folder, dict(counts), files.size, len(truth), len(devices), has_register)
