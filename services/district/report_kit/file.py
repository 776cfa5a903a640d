"""Where a page goes: seen to before anything takes its time, written at the end."""

from __future__ import annotations

from pathlib import Path

from services.district.errors import OutputFailed, SettingRefused


def see_folder(file: Path | None) -> None:
    """See that there is a folder for the page; None: no page was asked for.

    Raises:
        SettingRefused: there is none.
    """
    if file is not None and not file.parent.is_dir():
        raise SettingRefused(f"--report: there is no folder {file.parent}; make it, or choose another.")


def write_page(text: str, file: Path) -> None:
    """Write a page.

    Raises:
        OutputFailed: it cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputFailed(f"{file}: {error.strerror}") from error
