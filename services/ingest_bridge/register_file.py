"""The register of devices as a file that changes while the bridge runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from schemas.device_register import DeviceRegister
from services.ingest_bridge.errors import RegisterUnreadableError
from services.runtime.replaced_file import ReplacedFile


class RegisterFile:
    """Read whole, and again when it was replaced."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._met = ReplacedFile(file)

    def read(self) -> DeviceRegister:
        """Read it.

        Raises:
            RegisterUnreadableError: it is missing or damaged.
        """
        is_there = self._met.meet()
        try:
            return DeviceRegister.model_validate_json(self._file.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            if is_there and isinstance(error, OSError):
                self._met.forget()  # it is the same file when it may be read
            first = str(error).splitlines()[0]
            raise RegisterUnreadableError(
                f"the register of devices cannot be read ({self._file}: {first}); put it back from a backup, "
                "or begin one with `district device add`"
            ) from error

    def has_changed(self) -> bool:
        """Whether the file is another one than `read` has understood, or has not, last."""
        return self._met.has_changed()
