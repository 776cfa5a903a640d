"""Take the registers of assets and devices and the plan files over into the database, as its owner. Repeatable.

What left the district file, or was revoked, is retired, not deleted. A plan file counts as published at the beginning
of time, so that whatever is published stands above it.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
from pydantic import ValidationError

from schemas.device_register import DeviceRegister
from schemas.plan.book import Document, dump_document, identity_of
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.errors import PlanFileError
from schemas.plan.policy import PolicyDocument
from schemas.plan.publication import in_force
from schemas.plan.toml import parse_document
from services.timescale_sink.assets import Asset, assets_of, cells_of, with_devices
from services.timescale_sink.errors import RegisterRefused
from services.timescale_sink.queries import SQL
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.words import word_rows

BY: Final = "deploy/plan"
_LOCAL_VARIANT: Final = "-local.toml"
"""A policy for simulated devices: in force only where a processor's setting names it."""
_MODELS: Final[dict[str, type[Document]]] = {
    "plan": PlanDocument,
    "standard": StandardDocument,
    "policy": PolicyDocument,
}
_VALUES: Final = attrgetter(*(field.name for field in fields(Asset)))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Registered:
    """What was taken over."""

    assets: int
    retired: int
    documents: int


async def register(settings: MigrationSettings) -> Registered:
    """Read the files and bring the tables in line with them.

    Raises:
        RegisterRefused: a file cannot be read; nothing was written.
    """
    assets = district_assets(settings.district_file)
    if settings.device_register is not None:
        assets = with_devices(assets, _devices(settings.device_register))
    assets += cells_of(_text(settings.population_grid), file=settings.population_grid.name)
    documents = plan_rows(settings.plan_folder)
    connection = await asyncpg.connect(settings.database_owner_url.get_secret_value())
    try:
        return await write_registers(connection, assets, documents)
    finally:
        await connection.close()


def district_assets(file: Path) -> list[Asset]:
    """Every asset of the district file.

    Raises:
        RegisterRefused: it cannot be read, or is not what it should be.
    """
    return assets_of(_text(file), file=str(file))


async def write_registers(
    connection: asyncpg.Connection, assets: Sequence[Asset], documents: Sequence[tuple[Any, ...]]
) -> Registered:
    """Bring the tables in line, the words of codes among them, in one transaction."""
    async with connection.transaction():
        columns = [list(column) for column in zip(*map(_VALUES, assets), strict=True)]
        await connection.execute(SQL["assets"], *columns)
        gone = await connection.fetch(SQL["retire_assets"], columns[0], columns[1])
        for row in documents:
            await connection.execute(SQL["plan_version"], *row)
        words = word_rows(assets, documents)
        await connection.execute(SQL["words"], *(list(column) for column in zip(*words, strict=True)))
    return Registered(len(assets), len(gone), len(documents))


def plan_rows(folder: Path) -> list[tuple[Any, ...]]:
    """Rows of `plan_versions` from the plan files of a folder.

    Raises:
        RegisterRefused: there are none, or one cannot be read.
    """
    files = sorted(file for file in folder.rglob("*.toml") if not file.name.endswith(_LOCAL_VARIANT))
    if not files:
        raise RegisterRefused(f"{folder}: there are no plan files (*.toml)")
    return [_plan_row(file) for file in files]


def _plan_row(file: Path) -> tuple[Any, ...]:
    text = _text(file)
    try:
        head = next((word for word in _MODELS if word in tomllib.loads(text)), "plan")
        document = parse_document(text, _MODELS[head], file=file.name)
    except (PlanFileError, tomllib.TOMLDecodeError) as error:
        raise RegisterRefused(f"{file.name}: {error}") from error
    kind, document_id, version = identity_of(document)
    first, last = in_force(document)
    body = orjson.dumps(dump_document(document)["document"]).decode()
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return (kind, document_id, version, first, last, "file", _EPOCH, BY, checksum, body)


def _devices(file: Path) -> DeviceRegister:
    try:
        return DeviceRegister.model_validate_json(_text(file))
    except ValidationError as error:
        raise RegisterRefused(f"{file}: {str(error).splitlines()[0]}") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RegisterRefused(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RegisterRefused(f"{file}: is not UTF-8 ({error}); save it as UTF-8") from error
