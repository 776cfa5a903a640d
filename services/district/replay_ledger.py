"""Asks the database, as the reader, what has become of a replay's readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

from pydantic import SecretStr

from schemas.fields import EARLIEST, Feed
from schemas.topics import readings_topic
from services.district.errors import ServerSilent
from services.district.replay_account import PointClass
from services.read_model.connection import Database
from services.read_model.errors import DatabaseSilent, QueryRefused
from services.read_model.replays import (
    PointClassRow,
    ReplayScope,
    classed_count,
    code_counts,
    dead_keys,
    dead_reasons,
    point_classes,
    quality_counts,
    sink_readings,
    stored_count,
    stored_keys,
)
from simulators.replay.numbering import Key, Outgoing

CONNECT_WITHIN: Final = timedelta(seconds=5)
ANSWER_WITHIN: Final = timedelta(seconds=30)


def scope_of(feed: Feed, lane: str, boot_id: str, sent: Sequence[Outgoing]) -> ReplayScope:
    """Which readings are those of a replay."""
    times = [max(each.at, EARLIEST) for each in sent] or [EARLIEST]
    return ReplayScope(feed, lane, boot_id, min(times), max(times))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database knew at one moment."""

    stored: int
    dead: Mapping[Key, tuple[int, str]]
    """Dead letters of each key, and which service wrote them."""
    seen: int
    """Readings of the feed's lanes that the sink has handled in its life."""
    classed: int
    """Samples that have their class; 0 for feeds without classes."""


class ReplayLedger:
    """Asks again and again; a connection that broke is made anew."""

    def __init__(self, url: SecretStr, scope: ReplayScope) -> None:
        self._database = Database(
            url, name="district-replay", connections=1, connect_within=CONNECT_WITHIN, answer_within=ANSWER_WITHIN
        )
        self._scope = scope

    async def __aenter__(self) -> Self:
        await self._database.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._database.__aexit__(kind, error, at)

    async def standing(self) -> Standing:
        """Ask how far things are.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        scope = self._scope
        with _failures_said():
            return Standing(
                stored=await stored_count(self._database, scope),
                dead={(row.device_id, row.seq): (row.n, row.source) for row in await dead_keys(self._database, scope)},
                seen=await sink_readings(self._database, readings_topic(scope.feed, live=False)),
                classed=await classed_count(self._database, scope) if scope.feed is Feed.WATER else 0,
            )

    async def stored(self) -> set[Key]:
        """Return the keys that are stored.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        with _failures_said():
            return set(await stored_keys(self._database, self._scope))

    async def classes(self) -> dict[Key, PointClass]:
        """Return the class of each sample that has been judged.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        with _failures_said():
            rows = await point_classes(self._database, self._scope)
        return {(row.sample_device_id, row.sample_seq): _point_class(row) for row in rows}

    async def reasons(self) -> dict[Key, tuple[str, str]]:
        """Return reason and detail of the latest dead letter of each key.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        with _failures_said():
            rows = await dead_reasons(self._database, self._scope)
        return {
            (row.device_id, row.seq): (row.reason, row.detail)
            for row in rows
            if row.device_id is not None and row.seq is not None
        }

    async def qualities(self) -> tuple[dict[str, int], dict[str, int]]:
        """Count the stored readings by quality and by quality code.

        Raises:
            ServerSilent: the database does not answer, or refuses.
        """
        with _failures_said():
            by_quality = await quality_counts(self._database, self._scope)
            return by_quality, await code_counts(self._database, self._scope)


@contextmanager
def _failures_said() -> Iterator[None]:
    try:
        yield
    except (DatabaseSilent, QueryRefused) as error:
        raise ServerSilent(f"the database ({error.detail}).") from error


def _point_class(row: PointClassRow) -> PointClass:
    value = row.value
    return PointClass(None if value is None else int(value), tuple(row.details.get("deciding", ())), row.status_reason)
