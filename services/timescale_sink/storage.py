"""How long things are kept and when they are compressed (`deploy/timescaledb/storage.toml`). Pure."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.timescale_sink.errors import StorageRefused

_STRICT = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
_DAYS_OF_A_MONTH: Final = 28
"""The shortest one: an age in months is at least that long."""

Months = Annotated[int, Field(gt=0, le=1_200)]


class KeepMonths(BaseModel):
    """Ages at which chunks go, in months."""

    model_config = _STRICT

    raw: Months
    """Readings."""
    letters: Months
    """Dead letters."""
    minutes: Months
    hours: Months
    days: Months


class Compress(BaseModel):
    """When chunks become columns."""

    model_config = _STRICT

    after_days: Annotated[int, Field(gt=0)]


class Refresh(BaseModel):
    """How rollups follow the readings."""

    model_config = _STRICT

    back_days: Annotated[int, Field(gt=1)]
    """Readings that late are folded in without being asked."""
    every_minutes: Annotated[int, Field(gt=0, le=60)]


class Storage(BaseModel):
    """The whole file."""

    model_config = _STRICT

    keep_months: KeepMonths
    compress: Compress
    refresh: Refresh

    @model_validator(mode="after")
    def _order_is_safe(self) -> Storage:
        keep, raw_days = self.keep_months, self.keep_months.raw * _DAYS_OF_A_MONTH
        if self.refresh.back_days >= raw_days:
            raise ValueError(
                f"refresh.back_days = {self.refresh.back_days} reaches behind the readings that are kept"
                f" (keep_months.raw = {keep.raw}, some {raw_days} days): rollups would be computed anew from nothing"
            )
        if self.compress.after_days >= raw_days:
            raise ValueError("compress.after_days is later than keep_months.raw: nothing would ever be compressed")
        if not keep.raw <= keep.minutes <= keep.hours <= keep.days:
            raise ValueError(
                "keep_months must not shrink from raw to minutes, hours and days: each rests on the former"
            )
        return self


def load_storage(path: Path) -> Storage:
    """Read the settings.

    Raises:
        StorageRefused: there is no such file, or its ages contradict one another; the message names the setting.
    """
    try:
        return Storage.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise StorageRefused(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise StorageRefused(f"{path}: {f'{place}: ' if place else ''}{first['msg']}") from error
