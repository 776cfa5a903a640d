"""Asks the database for its figures, as the reader; survives its absence, never waits longer than a bound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

from pydantic import SecretStr

from schemas.dead_letter import DeadLetterSource
from schemas.fields import Feed
from services.district.errors import QueryFailed, ServerSilent
from services.district.figures import DatabaseFigures, FeedTotals, Partition, SinkPlace
from services.read_model.alerts import open_alerts, open_alerts_by_lane
from services.read_model.connection import Asked, Database
from services.read_model.errors import DatabaseSilent, QueryRefused
from services.read_model.feeds import (
    DeadLetterReasonRow,
    FeedTotalsRow,
    SinkPlaceRow,
    dead_letter_reasons,
    feed_totals,
    sink_places,
)

CONNECT_WITHIN: Final = timedelta(seconds=3)
ANSWER_WITHIN: Final = timedelta(seconds=8)


class DatabaseCollector:
    """Asks again and again; a connection that broke is made anew."""

    def __init__(self, url: SecretStr | None, *, alerts_at_most: int | None) -> None:
        self._url = url
        self._alerts_at_most = alerts_at_most
        self._resources = AsyncExitStack()
        self._database: Database | None = None

    async def __aenter__(self) -> Self:
        if self._url is not None:
            self._database = await self._resources.enter_async_context(
                Database(
                    self._url,
                    name="district-status",
                    connections=1,
                    connect_within=CONNECT_WITHIN,
                    answer_within=ANSWER_WITHIN,
                )
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    async def collect(self) -> DatabaseFigures:
        """Ask once, everything as it was at one moment, so that the figures fit one another.

        Raises:
            ServerSilent: the database did not answer in time.
            QueryFailed: it answers, but not this; its tables may not be made yet.
        """
        if self._database is None:
            raise ServerSilent("none is named; set DATABASE_READER_URL")
        try:
            async with self._database.at_one_moment() as asked:
                return await self._figures(asked)
        except DatabaseSilent as error:
            raise ServerSilent(error.detail) from error
        except QueryRefused as error:
            raise QueryFailed(error.detail) from error

    async def _figures(self, asked: Asked) -> DatabaseFigures:
        letters = await dead_letter_reasons(asked)
        return DatabaseFigures(
            feeds=totals_by_feed(await feed_totals(asked), letters),
            dead_letters=by_reason(letters),
            open_alerts=tuple(await open_alerts(asked, limit=self._alerts_at_most)),
            open_alerts_by_lane=await open_alerts_by_lane(asked),
            places=places_by_cluster(await sink_places(asked)),
        )


def totals_by_feed(totals: Iterable[FeedTotalsRow], letters: Sequence[DeadLetterReasonRow]) -> dict[Feed, FeedTotals]:
    """Put the totals of each feed together with its dead letters."""
    stored = {row.feed: row for row in totals}
    found = {}
    for feed in Feed:
        row = stored.get(feed.value)
        own = [letter for letter in letters if letter.feed == feed.value]
        found[feed] = FeedTotals(
            devices=row.devices if row else 0,
            seen=row.readings if row else 0,
            stored=row.stored if row else 0,
            duplicates=row.duplicates if row else 0,
            dead_lettered=sum(letter.n for letter in own if letter.source != DeadLetterSource.STREAM_PROCESSORS),
            refused_before_kafka=sum(letter.n for letter in own if letter.source == DeadLetterSource.INGEST_BRIDGE),
        )
    return found


def by_reason(letters: Iterable[DeadLetterReasonRow]) -> dict[str, int]:
    """Count dead letters by reason, the most frequent first."""
    counts: dict[str, int] = {}
    for letter in letters:
        counts[letter.reason] = counts.get(letter.reason, 0) + letter.n
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def places_by_cluster(progress: Iterable[SinkPlaceRow]) -> dict[str, dict[Partition, SinkPlace]]:
    """Return the sink's place in each partition of each Kafka cluster."""
    places: dict[str, dict[Partition, SinkPlace]] = {}
    for row in progress:
        place = SinkPlace(row.next_offset, row.ticks, row.idle_seconds)
        places.setdefault(row.cluster_id, {})[row.topic, row.partition] = place
    return places
