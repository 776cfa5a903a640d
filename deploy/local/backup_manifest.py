"""What a backup says of itself, and how it is compared with what lies in its folder.

The manifest is written last, so a backup that was cut short has none. It names every file with its size and hash, and
carries a hash of its own.
"""

import hashlib
import json
import platform
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.local.errors import BackupUnusable
from deploy.local.files import write_private
from deploy.local.prefix import Prefix
from deploy.local.restoring import OF_A_RUN

FILE_NAME = "manifest.json"
NAMED_AT_MOST = 5
CHUNK_BYTES = 1024 * 1024


class FileEntry(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True)

    size: int = Field(ge=0)
    """Bytes."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """One backup."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["jianghan-district-backup"] = "jianghan-district-backup"
    format: Literal[1] = 1
    taken_at: datetime
    """When it was begun. What the district took in until it ended is in it, but for the last seconds."""
    running: bool
    """It was taken from a running district."""
    machine: str
    """Processor; PostgreSQL's files are not the same on another."""
    versions: dict[str, str]
    """Of the servers: `postgres` (major), `timescaledb` and `kafka`."""
    folders: tuple[str, ...]
    """Every folder, an empty one included."""
    files: dict[str, FileEntry]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())


def this_machine() -> str:
    """Name this machine's processor."""
    return platform.machine()


def server_versions(prefix: Prefix) -> dict[str, str]:
    """Return the versions of a prefix that decide whether data fit it."""
    control = (prefix.root / "usr/share/postgresql/17/extension/timescaledb.control").read_text()
    named = dict(line.split("=", 1) for line in control.splitlines() if "=" in line and not line.startswith("#"))
    library = next(value for name, value in named.items() if name.strip() == "default_version")
    jar = next(iter(sorted(prefix.kafka_libs.glob("kafka_2.13-*.jar"))))
    return {
        "postgres": "17",
        "timescaledb": library.strip().strip("'"),
        "kafka": jar.stem.removeprefix("kafka_2.13-"),
    }


def misfit(manifest: Manifest, versions: Mapping[str, str], machine: str) -> str | None:
    """Say why these servers cannot take the data of a backup; None: they can. Pure."""
    if manifest.machine != machine:
        return f"it was taken on a {manifest.machine} machine, and PostgreSQL's files do not fit this {machine}."
    if manifest.versions.get("postgres") != versions["postgres"]:
        return f"its database is PostgreSQL {manifest.versions.get('postgres')}, here is {versions['postgres']}."
    for name in ("timescaledb", "kafka"):
        theirs = manifest.versions.get(name, "")
        if _numbers(theirs) > _numbers(versions[name]):
            return f"it was taken with {name} {theirs}, here is the older {versions[name]}: `district servers upgrade`."
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, which makes the backup a whole one."""
    text = manifest.model_dump_json()
    sealed = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "manifest": json.loads(text)}
    write_private(folder / FILE_NAME, json.dumps(sealed, indent=1))


def read(folder: Path) -> Manifest:
    """Read the manifest of a backup.

    Raises:
        BackupUnusable: there is none, it is damaged, or it is another program's or a later release's.
    """
    path = folder / FILE_NAME
    try:
        sealed = json.loads(path.read_text())
        manifest = Manifest.model_validate(sealed["manifest"])
        seal: str = sealed["sha256"]
    except FileNotFoundError:
        raise BackupUnusable(
            f"{folder} is no backup of the district, or one that was cut short: there is no {FILE_NAME}."
        ) from None
    except OSError as error:
        raise BackupUnusable(f"{path}: {error.strerror}.") from error
    except ValidationError as error:
        wrong = ", ".join(str(each["loc"][-1]) for each in error.errors(include_input=False, include_url=False)[:3])
        raise BackupUnusable(
            f"{path} is damaged, or of another program or a later release (not understood: {wrong})."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BackupUnusable(f"{path} is damaged, or another program's.") from error
    if hashlib.sha256(manifest.model_dump_json().encode()).hexdigest() != seal:
        raise BackupUnusable(f"{path} was changed after the backup.")
    return manifest


def check(folder: Path, manifest: Manifest) -> None:
    """Compare every file of a backup with its manifest.

    Raises:
        BackupUnusable: files are missing, changed or foreign; the first of them are named.
    """
    if odd := [name for name in (*manifest.folders, *manifest.files) if not _stays_inside(name)]:
        raise BackupUnusable(f"it names places outside of itself: {_listed(odd)}.")
    if odd := [name for name in (*manifest.folders, *manifest.files) if PurePosixPath(name).parts[0] in OF_A_RUN]:
        raise BackupUnusable(f"it names what no backup holds: {_listed(odd)}.")
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not _is_folder(path)}
    found.pop(FILE_NAME, None)
    if missing := sorted(manifest.files.keys() - found.keys()):
        raise BackupUnusable(f"these files are missing: {_listed(missing)}.")
    if foreign := sorted(found.keys() - manifest.files.keys()):
        raise BackupUnusable(f"these files are not of the backup: {_listed(foreign)}.")
    if changed := [name for name, entry in manifest.files.items() if not _is_as(found[name], entry)]:
        raise BackupUnusable(f"these files are damaged: {_listed(changed)}.")


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_as(path: Path, entry: FileEntry) -> bool:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(names[:NAMED_AT_MOST]) + more
