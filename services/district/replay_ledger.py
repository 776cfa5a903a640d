"""Asks the database, as the reader, what has become of a replay's readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import asyncpg
import orjson
from pydantic import SecretStr

from schemas.fields import EARLIEST, Feed
from services.district.errors import ServerSilent
from services.district.replay_account import PointClass
from simulators.replay.numbering import Key, Outgoing

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
POINT_CLASS: Final = "water.point_class"

_HERE: Final = "lane = $1 AND boot_id = $2 AND observed_at BETWEEN $3 AND $4"
_STORED: Final = {f: f"SELECT device_id, seq FROM v_{f}_readings WHERE {_HERE}" for f in Feed}  # noqa: S608 - our own names
_COUNT: Final = {f: f"SELECT count(*) FROM v_{f}_readings WHERE {_HERE}" for f in Feed}  # noqa: S608
_QUALITY: Final = {
    f: f"SELECT quality, count(*) AS n FROM v_{f}_readings WHERE {_HERE} GROUP BY quality"  # noqa: S608
    for f in Feed
}
_CODES: Final = {
    f: f"SELECT code, count(*) AS n FROM v_{f}_readings, unnest(quality_codes) AS code WHERE {_HERE} GROUP BY code"  # noqa: S608
    for f in Feed
}
_DEAD: Final = (
    "SELECT device_id, seq, max(source) AS source, count(*) AS n FROM v_dead_letters "
    "WHERE boot_id = $1 AND device_id IS NOT NULL AND seq IS NOT NULL GROUP BY device_id, seq"
)
_REASONS: Final = "SELECT device_id, seq, reason, detail FROM v_dead_letters WHERE boot_id = $1 ORDER BY received_at"
_SEEN: Final = "SELECT readings FROM v_feed_totals WHERE feed = $1"
_CLASSES: Final = (
    "SELECT sample_device_id, sample_seq, value, status_reason, details FROM v_indicators "
    "WHERE lane = $1 AND id = $2 AND sample_boot_id = $3"
)
_JUDGED: Final = "SELECT count(*) FROM v_indicators WHERE lane = $1 AND id = $2 AND sample_boot_id = $3"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which readings are the replay's."""

    feed: Feed
    lane: str
    boot_id: str
    first: datetime
    last: datetime

    @classmethod
    def of(cls, feed: Feed, lane: str, boot_id: str, sent: Sequence[Outgoing]) -> Scope:
        """Return the scope of these readings."""
        times = [max(each.at, EARLIEST) for each in sent] or [EARLIEST]
        return cls(feed, lane, boot_id, min(times), max(times))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database knew at one moment."""

    stored: int
    dead: Mapping[Key, tuple[int, str]]
    """Dead letters of each key, and which service wrote them."""
    seen: int
    """Readings of the feed that the sink has handled in its life."""
    judged: int
    """Samples that have their class; 0 for feeds without classes."""


class ReplayLedger:
    """One connection to the database; made anew when it is lost."""

    def __init__(self, url: SecretStr, scope: Scope) -> None:
        self._url = url
        self._scope = scope
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._drop()

    async def standing(self) -> Standing:
        """Ask how far things are.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        scope = self._scope
        count = await self._rows(_COUNT[scope.feed], *self._here)
        dead = await self._rows(_DEAD, scope.boot_id)
        seen = await self._rows(_SEEN, scope.feed.value)
        judged = await self._rows(_JUDGED, scope.lane, POINT_CLASS, scope.boot_id) if scope.feed is Feed.WATER else None
        return Standing(
            stored=int(count[0][0]),
            dead={(row["device_id"], row["seq"]): (row["n"], row["source"]) for row in dead},
            seen=int(seen[0][0] or 0) if seen else 0,
            judged=int(judged[0][0]) if judged else 0,
        )

    async def stored(self) -> set[Key]:
        """Return the keys that are stored.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        return {(row["device_id"], row["seq"]) for row in await self._rows(_STORED[self._scope.feed], *self._here)}

    async def classes(self) -> dict[Key, PointClass]:
        """Return the class of each sample that has been judged.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        rows = await self._rows(_CLASSES, self._scope.lane, POINT_CLASS, self._scope.boot_id)
        return {(row["sample_device_id"], row["sample_seq"]): _point_class(row) for row in rows}

    async def reasons(self) -> dict[Key, tuple[str, str]]:
        """Return reason and detail of the latest dead letter of each key.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        rows = await self._rows(_REASONS, self._scope.boot_id)
        return {(row["device_id"], row["seq"]): (row["reason"], row["detail"]) for row in rows}

    async def qualities(self) -> tuple[dict[str, int], dict[str, int]]:
        """Count the stored readings by quality and by quality code.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        by_quality = await self._rows(_QUALITY[self._scope.feed], *self._here)
        by_code = await self._rows(_CODES[self._scope.feed], *self._here)
        return {row[0]: row[1] for row in by_quality}, {row[0]: row[1] for row in by_code}

    @property
    def _here(self) -> tuple[Any, ...]:
        return self._scope.lane, self._scope.boot_id, self._scope.first, self._scope.last

    async def _rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    self._url.get_secret_value(),
                    timeout=CONNECT_SECONDS,
                    command_timeout=ANSWER_SECONDS,
                    server_settings={"application_name": "district-replay", "timezone": "UTC"},
                )
            return await self._connection.fetch(query, *arguments)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            self._drop()
            raise ServerSilent(f"the database ({error or 'no answer in time'}).") from error

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _point_class(row: asyncpg.Record) -> PointClass:
    details = row["details"]
    known: dict[str, Any] = orjson.loads(details) if isinstance(details, str) else dict(details or {})
    value = row["value"]
    return PointClass(None if value is None else int(value), tuple(known.get("deciding", ())), row["status_reason"])
