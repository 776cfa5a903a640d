"""A simulated day through the running district: replayed and imported whole, and what was broken is found."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from simulators.world.files import load_world
from simulators.world.library import load_for
from simulators.world.run import Order
from simulators.world.said import Rhythm
from simulators.world.written import write_run
from tests.end_to_end.harness import District, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DAY: Final = "2026-07-08"
JUDGED_SECONDS: Final = 600


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day of vandalism at a tenth of the size; connectors speak seldom, so that it is soon over."""
    folder = tmp_path_factory.mktemp("world") / "day"
    world = load_world(0.1)
    order = Order(7, date.fromisoformat(DAY), 1, "exercise:vandalism", Rhythm(ev=1_200))
    write_run(world, load_for("sensor-vandalism", world), order, folder)
    return folder


def truth(day: Path, what: str) -> list[dict[str, Any]]:
    known = [json.loads(line) for line in (day / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    return [each for each in known if each["what"] == what]


def test_a_replay_of_a_day_is_stored_and_its_broken_instruments_are_found(district: District, day: Path) -> None:
    file = day / f"water-{DAY}.jsonl"
    done = district.run("replay", "water", str(file), "--lane", "replay:vandalism", "--json", seconds=JUDGED_SECONDS)
    report = json.loads(done.stdout.strip().splitlines()[-1])
    assert report["rows"] == report["sent"] == report["stored"] == len(file.read_bytes().splitlines())
    asked = "SELECT DISTINCT asset FROM v_alerts WHERE lane = 'replay:vandalism' AND rule = 'water.sensor_fault'"
    broken = {each["device"] for what in ("reported_fault", "unit_mixup") for each in truth(day, what)}
    assert len(broken) == 2
    wait_until(
        lambda: True if broken <= {row["asset"] for row in district.sql(asked)} else None,
        "each broken instrument in a finding",
        60,
        every=1,
    )


def of_devices(day: Path, devices: set[str]) -> Path:
    """The day of some connectors, with every line that is no reading: a replay of all of them takes minutes."""
    file, known = day / "some.jsonl", set(load_world(0.1).district.device_ids())
    with file.open("wb") as out:
        for line in (day / f"ev-{DAY}.jsonl").read_bytes().splitlines(keepends=True):
            try:
                device = json.loads(line)["device_id"]
                wanted = device in devices or device not in known
            except (ValueError, KeyError, TypeError):
                wanted = True
            if wanted:
                out.write(line)
    return file


def test_garbage_in_a_replay_is_dead_lettered_line_by_line(district: District, day: Path) -> None:
    broken = {each["device"] for what in ("garbage", "duplicate") for each in truth(day, what)}
    file = of_devices(day, broken)
    done = district.run("replay", "ev", str(file), "--json", seconds=JUDGED_SECONDS)
    report = json.loads(done.stdout.strip().splitlines()[-1])
    garbage = sum(each["readings"] for each in truth(day, "garbage"))
    assert report["dead_lettered"] == garbage > 0
    assert report["duplicates"] == sum(each["readings"] for each in truth(day, "duplicate"))
    assert report["sent"] == report["stored"] + report["dead_lettered"] + report["duplicates"]


@pytest.mark.parametrize("feed", ["parking", "tax", "emergency"])
def test_an_import_of_a_day_stores_each_line(district: District, day: Path, feed: str) -> None:
    file = day / f"{feed}-{DAY}.jsonl"
    lines = len(file.read_bytes().splitlines())
    said = district.run("import", feed, str(file)).stdout
    assert f"{lines:,} lines: {lines:,} stored, 0 were there already, 0 refused" in said
    assert district.number(f"SELECT count(*) FROM v_{feed}_readings WHERE lane = 'exercise:vandalism'") == lines
