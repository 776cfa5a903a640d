"""Keeps the doorkeeper to the register of keys as it stands now, without a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from schemas.api_key import ApiKeyRegister
from services.operations_api.doorkeeper import Doorkeeper
from services.runtime.lifecycle import Lifetime
from services.runtime.replaced_file import ReplacedFile

LOOK_SECONDS: Final = 1.0
"""A change is seen after so long at most."""
PART: Final = "keys"


class KeyWatch:
    """Looks at the register's file.

    One that is missing lets nobody in; one that is damaged changes nothing but our health.
    """

    def __init__(self, file: Path, doorkeeper: Doorkeeper, lifetime: Lifetime) -> None:
        self._file = file
        self._doorkeeper = doorkeeper
        self._lifetime = lifetime
        self._met = ReplacedFile(file)

    def look(self) -> bool:
        """Go by the file if it was replaced; true when it was and could be read."""
        if not self._met.has_changed():
            return False
        health, log = self._lifetime.health, self._lifetime.log
        if not self._met.meet():
            self._doorkeeper.go_by(ApiKeyRegister())
            health.trouble(
                PART, f"there is no register of keys ({self._file}), so nobody is let in: `district keys add`"
            )
            return False
        try:
            register = ApiKeyRegister.model_validate_json(self._file.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            if isinstance(error, OSError):
                self._met.forget()  # it is the same file when it may be read
            first = str(error).splitlines()[0]
            health.trouble(
                PART, f"the register of keys cannot be read ({self._file}: {first}); the one before it holds"
            )
            log.warning("the register of keys cannot be read", action="keep_keys", file=str(self._file), error=first)
            return False
        self._doorkeeper.go_by(register)
        health.well(PART)
        log.info("register of keys read", action="read_keys", keys=len(register.keys))
        return True

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)
