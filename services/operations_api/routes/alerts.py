"""Alerts, and what operators do about them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response

from services.operations_api.access import AlertReader, Reader, Taker
from services.operations_api.alert_query import AlertQuery
from services.operations_api.models.acting import ActRequest
from services.operations_api.models.alerts import ActionAnswer, AlertDetail, AlertPage, EvidencePage
from services.operations_api.parts import Given
from services.operations_api.problems import documented
from services.operations_api.routes.queries import (
    AlertId,
    Assignee,
    Cursor,
    Feeds,
    IdAsked,
    IdempotencyKey,
    LaneAsked,
    Limit,
    Moment,
    Severities,
    Standings,
    Words,
)

router: Final = APIRouter(tags=["alerts"])


@router.get("/alerts", operation_id="listAlerts", responses=documented(), summary="Alerts by filters")
async def alerts(
    *,
    asker: AlertReader,
    given: Given,
    standing: Standings = "open,acknowledged",
    feed: Feeds = None,
    severity: Severities = None,
    zone: IdAsked = None,
    asset: IdAsked = None,
    lane: LaneAsked = "live",
    assignee: Assignee = None,
    q: Words = None,
    as_of: Moment = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AlertPage:
    """List alerts, the one raised last in front; `assignee=me` are those of whoever asks.

    Alerts that are not over come from memory and are there with the database down; resolved and retracted ones, and
    all of them with `as_of` (as was known at that moment), come from the database.
    """
    query = AlertQuery.of(
        standing=standing,
        feed=feed,
        severity=severity,
        zone=zone,
        asset=asset,
        lane=lane,
        assignee=asker.name if assignee == "me" else assignee,
        words=q,
        as_of=as_of,
    )
    return await given.alerts.page(query, limit, cursor)


@router.get(
    "/alerts/{alert_id}.cap",
    operation_id="alertAsCap",
    responses=documented(404) | {200: {"content": {"application/cap+xml": {"schema": {"type": "string"}}}}},
    response_class=Response,
    summary="One alert as CAP 1.2",
)
async def alert_as_cap(*, _: AlertReader, given: Given, alert_id: AlertId) -> Response:
    """Render one alert as it stands as Common Alerting Protocol 1.2."""
    return Response(await given.alerts.cap(alert_id), media_type="application/cap+xml")


@router.get("/alerts/{alert_id}", operation_id="getAlert", responses=documented(404), summary="One alert")
async def alert(*, _: AlertReader, given: Given, alert_id: AlertId) -> AlertDetail:
    """Show one alert with its history, actions and evidence."""
    return await given.alerts.detail(alert_id)


@router.get(
    "/alerts/{alert_id}/evidence",
    operation_id="getAlertEvidence",
    responses=documented(404),
    summary="Readings behind an alert",
)
async def evidence(*, _: Reader, given: Given, alert_id: AlertId) -> EvidencePage:
    """Show the readings that an alert rests on; they come from the database."""
    return await given.alerts.evidence(alert_id)


@router.post(
    "/alerts/{alert_id}/actions",
    operation_id="act",
    status_code=201,
    responses=documented(400, 404, 409, 413),
    summary="Acknowledge, assign, comment, close",
)
async def act(
    *,
    asker: Taker,
    given: Given,
    request: Request,
    alert_id: AlertId,
    body: ActRequest,
    idempotency_key: Annotated[str | None, Header(pattern=IdempotencyKey)] = None,
) -> ActionAnswer:
    """Do something about an alert; answered when the action stands in the log.

    Of two who saw the same state (`seen`) one wins; the other gets 409 and the alert as it now stands. The same
    `Idempotency-Key` again is the same action again and counts once. An integrator may `acknowledge` and nothing else.
    """
    request.state.subject = alert_id
    return await given.desk.act(alert_id, body, asker, idempotency_key)
