"""The short form of every scenario through the live pipeline, and what a drill may not do."""

from __future__ import annotations

import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.fields import Feed
from simulators.world.library import scenario_files
from tests.end_to_end.harness import DISTRICT, ROOT, District, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NAMES: Final = [file.stem for file in scenario_files()]
AT_ONCE: Final = 3
"""Drills in lanes of their own, side by side: most of one is waiting."""
NOT_FOUND: Final = frozenset({("sensor-vandalism", "spike")})
"""A spike of one reading is left out of the class without an alert."""


@pytest.fixture(scope="module")
def done(district: District, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each drill said, by scenario."""
    folder = tmp_path_factory.mktemp("drills")

    def run(name: str) -> tuple[str, dict[str, Any]]:
        arguments = ("drill", name, "--short", "--json", "--report", str(folder / f"{name}.html"))
        said = json.loads(district.run(*arguments, seconds=300).stdout.strip().splitlines()[0])
        return name, {**said, "page": (folder / f"{name}.html").read_text(encoding="utf-8")}

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(pool.map(run, NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_a_drill_accounts_for_every_reading_and_finds_what_was_so(done: dict[str, dict[str, Any]], name: str) -> None:
    said = done[name]
    assert said["balanced"], said["feeds"]
    for feed in said["feeds"]:
        assert feed["sent"] == feed["stored"] + sum(feed["refused"].values())
        assert feed["sent"] > 0
        assert feed["judged"] + feed["judging_failed"] == feed["stored"] + feed["repeats"]
    assert said["false_alarms"] == []
    missed = {(name, each["what"]) for each in said["results"] if each["found"] < each["times"]}
    assert missed <= NOT_FOUND, said["results"]
    assert said["page"].count("<svg") == (4 if any(each["found"] for each in said["results"]) else 0)


def test_something_is_found_in_every_scenario_that_has_something(done: dict[str, dict[str, Any]]) -> None:
    without = [name for name in NAMES if not sum(each["found"] for each in done[name]["results"])]
    assert without == ["runaway-device"], "its rules look at what it measures, and that is as it should be"


def test_nothing_of_a_drill_stands_in_real_life(district: District, done: dict[str, dict[str, Any]]) -> None:
    assert [said["boots_in_live"] for said in done.values()] == [[]] * len(NAMES)
    for feed in Feed:
        asked = f"SELECT count(*) FROM v_{feed}_readings WHERE lane = 'live' AND boot_id LIKE 'world-%'"
        assert district.number(asked) == 0
    figures = "SELECT count(*) FROM v_indicators WHERE lane = 'live' AND sample_boot_id LIKE 'world-%'"
    assert district.number(figures) == 0
    for said in done.values():
        assert district.number(f"SELECT count(*) FROM v_alerts WHERE lane = '{said['lane']}'") == said["alerts"]
        events = f"SELECT count(*) FROM v_deliveries WHERE lane = '{said['lane']}'"
        assert district.number(events) == said["deliveries"]


def open_lanes(district: District) -> set[str]:
    return {each["lane"] for each in json.loads(district.run("lane", "list", "--json").stdout)}


def test_no_lane_is_left_open(district: District, done: dict[str, dict[str, Any]]) -> None:
    assert open_lanes(district) & {said["lane"] for said in done.values()} == set()


def test_a_lane_that_was_used_is_refused_before_anything_is_sent(
    district: District, done: dict[str, dict[str, Any]]
) -> None:
    lane = done["chemical-spill"]["lane"]
    before = district.number(f"SELECT count(*) FROM v_water_readings WHERE lane = '{lane}'")
    refused = district.run("drill", "chemical-spill", "--short", "--lane", lane, check=False)
    assert refused.returncode == 2
    assert f"lane {lane} of water was used and closed" in refused.stderr
    assert district.number(f"SELECT count(*) FROM v_water_readings WHERE lane = '{lane}'") == before


def test_an_interrupted_drill_closes_its_lane_and_a_second_one_in_it_is_refused_meanwhile(district: District) -> None:
    lane = "exercise:interrupted"
    arguments = ("drill", "chemical-spill", "--speed", "600", "--lane", lane)
    # who runs tests in the background may ignore ctrl-C, and what they start would, too
    with subprocess.Popen(
        ["env", "--default-signal=INT", DISTRICT, *arguments],
        cwd=ROOT,
        env=district.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as playing:
        try:
            wait_until(lambda: True if lane in open_lanes(district) else None, "the lane to be open", 60)
            second = district.run(*arguments, check=False)
            assert second.returncode == 2
            assert f"lane {lane} of water is open: another drill plays in it" in second.stderr
            playing.send_signal(signal.SIGINT)
            said = playing.communicate(timeout=60)[0]
        finally:
            playing.kill()
    assert playing.returncode == 130
    assert f"lane {lane} of water was closed; what was sent stays in it" in said
    wait_until(lambda: None if lane in open_lanes(district) else True, "the lane to be closed", 60)


def test_what_was_asked_for_and_is_not_so_is_the_exit_status(district: District, tmp_path: Path) -> None:
    """A drill of which more is asked than can be: everything found, of a spike too."""
    file = tmp_path / "spike-alone.toml"
    file.write_text(
        """
[scenario]
name = "spike-alone"
title = "Spike"
title_zh = "突跳"
about = "One reading."
season_rain = false
natural_faults = false

[drill]
feeds = ["water"]
short = { feeds = ["water"], at = 08:00:00, hours = 3.0 }

[[fault]]
kind = "spike"
feed = "water"
count = 1
at = 08:30:00
hours = 0.5
""",
        encoding="utf-8",
    )
    missed = district.run("drill", str(file), "--short", "--least-recall", "0.95", check=False)
    assert missed.returncode == 1
    assert "0.00 was found, asked for was at least 0.95" in missed.stderr
