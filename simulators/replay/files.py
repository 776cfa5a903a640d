"""A file on disk as a replay: recognised, its register found beside it, read. The only module here that reads files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simulators.errors import SourceRefused
from simulators.replay.formats import recognise
from simulators.replay.own_readings import SUFFIX, readings_of
from simulators.replay.source import (
    Format,
    Source,
    SourceReading,
    find_header,
    names_of,
    read_lines,
    rows_behind,
)

_SNIFFED_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that can be replayed."""

    path: Path
    format: Format
    rows: int
    readings: list[SourceReading]
    register: Path | None
    """The register that was used."""


def read_recording(path: Path, register: Path | None = None) -> Recording:
    """Read a file, with the register given or the one that lies beside it.

    Raises:
        SourceRefused: there is no such file, or it cannot be replayed; the message says why.
    """
    if path.suffix == SUFFIX:
        return _own_readings(path, register)
    lines = read_lines(_bytes_of(path), path.name)
    found, header = recognise(lines, path.name)
    rows = rows_behind(header, lines)
    used, entries = _register_for(found, path, register)
    source = Source(path.name, rows, entries)
    return Recording(path, found, len(rows), list(found.read(source)), used)


def _own_readings(path: Path, register: Path | None) -> Recording:
    found, readings = readings_of(_bytes_of(path), path.name)
    if register is not None:
        raise SourceRefused(f"{path.name} ({found.title}) needs no register; leave --register out")
    return Recording(path, found, len(readings), readings, None)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SourceRefused(f"there is no file {path}") from None
    except OSError as error:
        raise SourceRefused(f"{path} cannot be read ({error.strerror})") from error


def _register_for(
    found: Format, path: Path, register: Path | None
) -> tuple[Path | None, Mapping[tuple[str, ...], str]]:
    if not found.register_columns:
        if register is not None:
            raise SourceRefused(f"{path.name} ({found.title}) needs no register; leave --register out")
        return None, {}
    if register is None:
        register = next(
            (each for each in sorted(path.parent.glob("*.csv")) if each != path and _is_register(found, each)), None
        )
        if register is None:
            return None, {}
    lines = read_lines(_bytes_of(register), register.name)
    header = find_header(lines, found.register_columns, names_of(found))
    if header is None:
        wanted = ", ".join(sorted(found.register_columns))
        raise SourceRefused(f"{register.name} is no register for {found.title}; it needs the columns {wanted}")
    return register, found.read_register(rows_behind(header, lines))


def _is_register(found: Format, path: Path) -> bool:
    """Whether what lies there names the register's columns; what is no file, or cannot be read, does not."""
    try:
        with path.open("rb") as lines:
            head = lines.read(_SNIFFED_BYTES)
    except OSError:
        return False
    whole = head.rsplit(b"\n", 1)[0].decode("utf-8-sig", errors="replace").encode()
    try:
        return find_header(read_lines(whole, path.name), found.register_columns, names_of(found)) is not None
    except SourceRefused:
        return False
