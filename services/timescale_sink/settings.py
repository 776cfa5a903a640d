"""Settings of the sink."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.runtime.settings import EnvironmentSettings

_DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"


class SinkSettings(EnvironmentSettings):
    """How the sink reads, writes and waits."""

    model_config = SettingsConfigDict(env_prefix="sink_", populate_by_name=True)

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    """The database as its writer."""
    group: str = "sink"
    """Consumer group."""
    batch_records: int = Field(default=5_000, ge=1, le=100_000)
    """Records of one round of writing of a topic; see `shares` for what is not live."""
    poll_ms: int = Field(default=500, ge=1)
    """Longest wait for records; the first one that comes ends it."""
    retry_first_seconds: float = Field(default=0.2, gt=0)
    """Pause after the first failed write; doubles up to `retry_longest_seconds`."""
    retry_longest_seconds: float = Field(default=5.0, gt=0)
    device_refresh_seconds: float = Field(default=10.0, ge=0)
    """How often a device that is known already is noted as seen."""
    standstill_seconds: float = Field(default=20.0, gt=0)
    """Records that wait for so long while nothing is stored are trouble."""
    missing_seconds: float = Field(default=600.0, gt=0)
    """So long numbers of a live device may be missing before that is an alert."""
    missing_look_seconds: float = Field(default=60.0, gt=0)
    """How often the ledger is asked for missing numbers."""
    flood_look_seconds: float = Field(default=30.0, gt=0)
    """How often it is looked whether readings of a device are refused as too fast."""
    flood_quiet_seconds: float = Field(default=600.0, gt=0)
    """So long nothing of a device is refused before its alert is over."""
    standing_seconds: float = Field(default=30.0, gt=0)
    """How often it is reckoned where the plan's targets stand."""
    retention_seconds: float = Field(default=3_600.0, gt=0)
    """How often chunks past their age are dropped."""
    fold_seconds: float = Field(default=30.0, gt=0)
    """How often hours that are over, or got late readings, are folded (Apache edition)."""


class MigrationSettings(EnvironmentSettings):
    """Who owns the tables, and who may write and read them."""

    model_config = SettingsConfigDict(env_prefix="sink_", populate_by_name=True)

    database_owner_url: SecretStr = Field(validation_alias="DATABASE_OWNER_URL")
    """The database as the owner of the tables."""
    writer_role: str = Field(default="district_writer", pattern=r"^[a-z_][a-z0-9_]*$")
    reader_role: str = Field(default="district_reader", pattern=r"^[a-z_][a-z0-9_]*$")
    grafana_role: str = Field(default="district_grafana", pattern=r"^[a-z_][a-z0-9_]*$")
    """Gets the views of the boards, where there is such a role."""
    storage_file: Path = _DEPLOY / "timescaledb" / "storage.toml"
    """Ages and compression."""
    district_file: Path = _DEPLOY / "district" / "jianghan.toml"
    """Register of assets."""
    population_grid: Path = _DEPLOY / "district" / "population-cells.csv"
    """Cells of the population, for the map of coverage."""
    device_register: Path | None = Field(default=None, validation_alias="DEVICE_REGISTER")
    """Register of devices: those added to the district file's, and those revoked."""
    plan_folder: Path = _DEPLOY / "plan"
    """Plan, standards and policies in force until a version is published."""
