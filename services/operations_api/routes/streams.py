"""Streams of server-sent events: of the map, and of the log for integrators."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query

from services.alert_life.renderings.sse import CONTENT_TYPE
from services.operations_api.access import AlertReader, Reader
from services.operations_api.parts import Given
from services.operations_api.problems import documented
from services.operations_api.routes.queries import LaneAsked
from services.operations_api.server_sent import EventStream

router: Final = APIRouter(tags=["streams"])
ID_FORM: Final = r"^[A-Za-z0-9:,_-]+$"
ID_MOST: Final = 400

LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=ID_MOST, pattern=ID_FORM)]
Since = Annotated[
    str | None,
    Query(max_length=ID_MOST, pattern=ID_FORM, description="As `Last-Event-ID`, for clients without headers."),
]


def _stream_of(schema: str) -> dict[int | str, dict[str, Any]]:
    return documented() | {
        200: {
            "description": "Events without end; a comment every ten seconds while nothing happens.",
            "content": {
                CONTENT_TYPE: {"schema": {"type": "string"}, "x-data": {"$ref": f"#/components/schemas/{schema}"}}
            },
        }
    }


@router.get(
    "/stream",
    operation_id="stream",
    response_class=EventStream,
    status_code=200,
    responses=_stream_of("StreamEvent"),
    summary="What changes, for the map",
)
async def stream(
    *,
    asker: Reader,
    given: Given,
    lane: LaneAsked = "live",
    last_event_id: LastEventId = None,
    last: Since = None,
) -> EventStream:
    """Hear of alerts (`alert`), assets (`asset`) and the state of the platform (`health`) as they change.

    Ids are `<boot>-<number>`. `Last-Event-ID` goes on behind that event; when it is too long ago, or the service began
    anew, a `reset` says so and the client loads its lists again.
    """
    return EventStream(given.hub.listen(asker, lane, last_event_id or last))


@router.get(
    "/events",
    operation_id="events",
    response_class=EventStream,
    status_code=200,
    responses=_stream_of("CloudEvent"),
    summary="Alert events and actions, for integrators",
)
async def events(
    *, asker: AlertReader, given: Given, last_event_id: LastEventId = None, last: Since = None
) -> EventStream:
    """Hear of every alert event and action as CloudEvents JSON, straight from the log.

    Ids are coordinates in both topics (`a0:12,a1:5,…`), with a record by which each log is known again. `Last-Event-ID`
    goes on behind them exactly: nothing is lost and nothing is repeated. Where that cannot be, an event `gap` says so:
    topic, partition, first and last offset, and `why`: `removed` (no longer kept) or `made_anew` (the topic was made
    anew, and is read from its beginning). Without it the stream begins now; `last=begin` begins with the oldest event.
    """
    return await given.events.listen(asker, last_event_id or last)
