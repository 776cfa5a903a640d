"""Settings of the stream processors; the only module here that reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field

from services.runtime.settings import EnvironmentSettings

_PLAN_FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "plan"


class ProcessorSettings(EnvironmentSettings):
    """Where the plan is, and how the hosts work."""

    plan_file: Path = _PLAN_FOLDER / "jianghan-14fyp.toml"
    """The district's plan (variable PLAN_FILE)."""
    water_standard: Path = _PLAN_FOLDER / "standards" / "gb3838-2002.toml"
    """Class limits (variable WATER_STANDARD)."""
    water_policy: Path = _PLAN_FOLDER / "policies" / "water.toml"
    """Operators' policy of the feed water (variable WATER_POLICY)."""
    parking_policy: Path = _PLAN_FOLDER / "policies" / "parking.toml"
    ev_policy: Path = _PLAN_FOLDER / "policies" / "ev.toml"
    emergency_policy: Path = _PLAN_FOLDER / "policies" / "emergency.toml"
    tax_policy: Path = _PLAN_FOLDER / "policies" / "tax.toml"
    """The same for the other feeds (variables PARKING_POLICY, EV_POLICY, EMERGENCY_POLICY, TAX_POLICY)."""
    district_file: Path = _PLAN_FOLDER.parent / "district" / "jianghan.toml"
    """The district: car parks, ambulance posts, intervals of water stations (variable DISTRICT_FILE)."""
    population_grid: Path = _PLAN_FOLDER.parent / "district" / "population-cells.csv"
    """Where people live (variable POPULATION_GRID)."""
    processor_snapshot_seconds: float = Field(default=1.0, gt=0, le=60)
    """Shortest time between two writes of a state, however much is judged."""
    processor_gather_seconds: float = Field(default=0.1, ge=0, le=1)
    """After a batch so long is waited for more, at rest up to three times as long: each reading would else cost a round
    of its own."""
    processor_records_max: int = Field(default=1_000, ge=1, le=10_000)
    """Records of one batch."""
    processor_instance: str | None = None
    """Name of this process in its consumer groups, unique among them; with a name a restarted process gets its
    partitions back at once, without one after the session timeout."""
