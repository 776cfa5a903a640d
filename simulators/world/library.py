"""The scenarios that come with the world (`simulators/world/scenarios`), and those of a file of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from schemas.plan.errors import PlanFileError
from simulators.world.errors import ScenarioRefused
from simulators.world.places import World
from simulators.world.scenario import Scenario, check_places, scenario_of

FOLDER: Final = Path(__file__).parent / "scenarios"


def scenario_files() -> list[Path]:
    """The files, by name."""
    return sorted(FOLDER.glob("*.toml"))


def load_scenario(name: str, folder: Path = FOLDER) -> tuple[Scenario, Path]:
    """Read a scenario by its name, or by the path of a file of one's own (it ends in `.toml`).

    Raises:
        ScenarioRefused: there is none, or it is not what it should be; the message names file and key.
    """
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    try:
        scenario = scenario_of(path.read_text(encoding="utf-8"), file=path.name)
    except FileNotFoundError:
        known = ", ".join(sorted(each.stem for each in folder.glob("*.toml")))
        raise ScenarioRefused(f"there is no scenario '{name}'; there are {known}, or name a .toml file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioRefused(f"{path}: {error}") from error
    except PlanFileError as error:
        raise ScenarioRefused(str(error)) from error
    if scenario.scenario.name != path.stem:
        raise ScenarioRefused(f"{path.name}: scenario.name: is '{scenario.scenario.name}', but the file's is another")
    return scenario, path


def load_for(name: str, world: World, folder: Path = FOLDER) -> Scenario:
    """Read a scenario and see that the world has what it names.

    Raises:
        ScenarioRefused: it does not load, or names a place or a device that is not there.
    """
    scenario, path = load_scenario(name, folder)
    try:
        check_places(scenario, world, file=path.name)
    except PlanFileError as error:
        raise ScenarioRefused(str(error)) from error
    return scenario
