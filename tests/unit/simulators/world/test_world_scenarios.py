"""Scenarios are data: strict, each fault named by file and key; those that come with the world are whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.world.errors import ScenarioRefused
from simulators.world.faults import FaultKind
from simulators.world.library import FOLDER, load_for, load_scenario, scenario_files
from tests.unit.simulators.world.world_run import HEAD, world

NAMES = [path.stem for path in scenario_files()]


def test_there_is_one_for_each_trouble() -> None:
    assert NAMES == [
        "algal-bloom",
        "ambulance-shortage",
        "charging-blackout",
        "chemical-spill",
        "fashion-week",
        "network-partition",
        "quiet-day",
        "runaway-device",
        "sensor-vandalism",
        "storm-flood",
        "year-end-tax",
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_each_plays_at_every_size(name: str, scale: float) -> None:
    scenario = load_for(name, world(scale))
    assert scenario.scenario.title_zh
    happens = type(scenario).model_fields.keys() - {"scenario", "drill"}
    parts = [each for each in happens if getattr(scenario, each)]
    assert bool(parts) is (name != "quiet-day")


def test_together_they_have_every_kind_of_fault_but_those_of_the_line_alone() -> None:
    kinds = {part.kind for path in scenario_files() for part in load_scenario(path.stem)[0].fault}
    assert kinds == set(FaultKind)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rain]]\nat = 08:00:00\nhours = 3.0\n", r"drawn\.toml: rain\[0\]\.mm_per_hour: "),
        ('[[rain]]\nat = 08:00:00\nhours = 3.0\nmm_per_hour = "3"\n', r"drawn\.toml: rain\[0\]\.mm_per_hour: "),
        ('[[rain]]\nat = "08:00"\nhours = 3.0\nmm_per_hour = 3\n', r"drawn\.toml: rain\[0\]\.at: "),
        ("[[rain]]\nat = 08:00:00\nhours = 0\nmm_per_hour = 3\n", r"drawn\.toml: rain\[0\]\.hours: "),
        ("[[rain]]\nat = 08:00:00\nhours = 1\nmm_per_hour = 3\nmm = 4\n", r"drawn\.toml: rain\[0\]\.mm: "),
        ("[[snow]]\nat = 08:00:00\n", r"drawn\.toml: snow: "),
        ('[[fault]]\nkind = "rust"\ndevice = "water-beihu-1"\nat = 08:00:00\nhours = 1\n', r"fault\[0\]\.kind: "),
        ('[[fault]]\nkind = "gap"\nat = 08:00:00\nhours = 1\n', r"drawn\.toml: fault\[0\]: .*device"),
        (
            '[[fault]]\nkind = "gap"\ndevice = "water-beihu-1"\nat = 08:00:00\nhours = 1\nsize = -2\n',
            r"drawn\.toml: fault\[0\]: .*above 0",
        ),
        ("[[rain]", r"drawn\.toml: document: not TOML"),
        (
            '[[bloom]]\nlake = "loch-ness"\nat = 08:00:00\nhours = 1\nchla_ug_l = 9\n',
            r"drawn\.toml: bloom\[0\]\.lake: there is no lake 'loch-ness' at scale 0\.1; there are beihu, ",
        ),
        (
            '[[fault]]\nkind = "gap"\ndevice = "ev-nowhere-01"\nat = 08:00:00\nhours = 1\n',
            r"drawn\.toml: fault\[0\]\.device: there is no device 'ev-nowhere-01'",
        ),
        (
            '[[blackout]]\nplace = "site-nowhere"\nat = 08:00:00\nhours = 1\n',
            r"drawn\.toml: blackout\[0\]\.place: there is no zone or site 'site-nowhere'",
        ),
    ],
)
def test_a_fault_is_named_by_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "drawn.toml").write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(ScenarioRefused, match=said):
        load_for("drawn", world(), tmp_path)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ScenarioRefused, match="there is no scenario 'noisy-day'; there are algal-bloom, "):
        load_scenario("noisy-day")


def test_a_file_of_ones_own_is_named_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "drawn.toml"
    file.write_text(HEAD, encoding="utf-8")
    assert load_for(str(file), world()).scenario.name == "drawn"


def test_a_file_is_called_as_its_scenario(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text((FOLDER / "quiet-day.toml").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ScenarioRefused, match=r"other\.toml: scenario\.name: is 'quiet-day'"):
        load_scenario("other", tmp_path)
