"""Where a page goes: seen to before anything takes its time, written at the end."""

from __future__ import annotations

from pathlib import Path

from services.district.errors import OutputFailed, SettingRefused


def see_folder(file: Path | None, *, option: str = "--report") -> None:
    """See that there is a folder for the page; None: no page was asked for.

    Args:
        option: By which the file was named.

    Raises:
        SettingRefused: there is none.
    """
    if file is not None and not file.parent.is_dir():
        raise SettingRefused(f"{option}: there is no folder {file.parent}; make it, or choose another.")


def write_page(text: str, file: Path) -> None:
    """Write a page.

    Raises:
        OutputFailed: it cannot be written.
    """
    write_file(text.encode(), file)


def write_file(made: bytes, file: Path) -> None:
    """Write what was made.

    Raises:
        OutputFailed: it cannot be written.
    """
    try:
        file.write_bytes(made)
    except OSError as error:
        raise OutputFailed(f"{file}: {error.strerror}") from error
