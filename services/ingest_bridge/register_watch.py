"""Keeps the routes to the register of devices as it stands now, without a restart."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

from services.ingest_bridge.admission import Admission
from services.ingest_bridge.errors import RegisterUnreadableError
from services.ingest_bridge.register_file import RegisterFile
from services.ingest_bridge.routes import Routes
from services.runtime.lifecycle import Lifetime

LOOK_SECONDS: Final = 1.0
"""A change is seen after so long at most; a device that is not known yet is looked up at once."""


class RegisterWatch:
    """Looks at the register's file while it is entered."""

    def __init__(self, file: RegisterFile, admission: Admission, routes: Routes, lifetime: Lifetime) -> None:
        self._file = file
        self._admission = admission
        self._routes = routes
        self._lifetime = lifetime
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name="watch_register")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()

    def look(self) -> bool:
        """Go by the register's file if it was replaced; true when it was and could be read.

        One that cannot be read changes nothing but our health.
        """
        if not self._file.has_changed():
            return False
        health, log = self._lifetime.health, self._lifetime.log
        try:
            register = self._file.read()
        except RegisterUnreadableError as error:
            health.trouble("register", f"{error}; the bridge goes on by the one it had")
            log.warning(str(error), action="keep_register")
            return False
        self._admission.change(register)
        self._routes.forget()
        health.well("register")
        log.info("register of devices read again", action="read_register", devices=len(register.active()))
        return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()
