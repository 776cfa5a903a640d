"""The city brain's HTTP server: `POST /events` takes events, `GET /received` says what is in the books.

`?alert_id=…` asks for one alert, `?ids=0` for the counts without the ids; else the newest 10,000 ids come with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

import structlog
from aiohttp import web

from simulators.citybrain.books import Books, Taken, What
from simulators.citybrain.errors import Refused
from simulators.citybrain.event import read_event
from simulators.citybrain.journal import Journal
from simulators.citybrain.webhook import verify

BODY_MAX: Final = 1024 * 1024
IDS_MAX: Final = 10_000
RETRY_SECONDS: Final = 5

log = structlog.stdlib.get_logger()


class CityBrain:
    """Takes events into its books."""

    def __init__(
        self,
        books: Books,
        journal: Journal,
        keys: Sequence[bytes],
        now: Callable[[], datetime],
        *,
        taken: Callable[[], None] = lambda: None,
    ) -> None:
        """See the class.

        Args:
            taken: Called when an event has come into the books.
        """
        self._books, self._journal, self._keys, self._now, self._taken = books, journal, keys, now, taken

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application(client_max_size=BODY_MAX)
        application.add_routes(
            [
                web.post("/events", self._take),
                web.get("/received", self._received),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._healthz),
            ]
        )
        return application

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        try:
            verify(headers, body, self._keys, self._now())
            event = read_event(headers, body)
        except Refused as refusal:
            log.warning("an event was refused", action="refuse", status=refusal.status, error=str(refusal))
            return web.json_response({"refused": str(refusal)}, status=refusal.status)
        try:
            if event.id not in self._books.seen:
                await self._journal.keep(event)
        except OSError as error:
            log.error("an event is not on disk", action="not_kept", event_id=event.id, error=repr(error))  # noqa: TRY400
            return web.json_response(
                {"later": "the disk does not take it"}, status=503, headers={"Retry-After": str(RETRY_SECONDS)}
            )
        taken = self._books.take(event)
        self._taken()
        if taken is Taken.NEW:
            log.info("event", action="take", event_id=event.id, what=event.what, exercise=event.exercise)
        return web.json_response({"taken": taken.value})

    async def _received(self, request: web.Request) -> web.Response:
        alert_id = request.query.get("alert_id")
        if alert_id is not None:
            return self._one(alert_id)
        books = self._books
        most = IDS_MAX if "ids" not in request.query else 0
        answer: dict[str, Any] = {
            "count": len(books.seen),
            "exercises": sum(books.seen.values()),
            "repeated": books.repeated,
            "out_of_order": books.old,
            "open": books.open(exercise=False),
            "receipts": books.told[What.RECEIPT],
            "taken": books.told[What.TAKEN],
            "owed": len(books.owed),
            "ids": list(islice(reversed(books.seen), most)),
        }
        return web.json_response(answer)

    def _one(self, alert_id: str) -> web.Response:
        alert = self._books.alerts.get(alert_id)
        if alert is None:
            return web.json_response({"unknown": alert_id[:64]}, status=404)
        answer = {
            "alert_id": alert_id,
            "revision": alert.revision,
            "standing": alert.standing,
            "severity": alert.severity,
            "acknowledged": alert.acknowledged,
            "exercise": alert.exercise,
        }
        return web.json_response(answer)

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})
