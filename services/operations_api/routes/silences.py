"""Silences: alerts of an asset or zone are not passed on until a time."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Request

from schemas.alert_action import SilenceScope
from services.operations_api.access import Actor, AlertReader
from services.operations_api.models.acting import SilenceRequest
from services.operations_api.models.alerts import ActionRow, SilenceList, SilenceRow
from services.operations_api.parts import Given
from services.operations_api.problems import documented
from services.operations_api.routes.queries import AssetId, IdempotencyKey, LaneAsked

router: Final = APIRouter(tags=["silences"])


@router.get("/silences", operation_id="listSilences", responses=documented(), summary="Silences that last")
async def silences(*, _: AlertReader, given: Given) -> SilenceList:
    """List the silences that last, of all lanes, the one that ends first in front."""
    return SilenceList(items=given.alerts.silences())


@router.post(
    "/silences",
    operation_id="silence",
    status_code=201,
    responses=documented(400, 404, 413),
    summary="Silence an asset or zone",
)
async def silence(
    *,
    asker: Actor,
    given: Given,
    request: Request,
    body: SilenceRequest,
    idempotency_key: Annotated[str | None, Header(pattern=IdempotencyKey)] = None,
) -> SilenceRow:
    """Silence an asset or zone; one that is silenced already is silenced until the new time."""
    request.state.subject = f"{body.scope}/{body.place}"
    return await given.desk.silence(body, asker, idempotency_key)


@router.delete(
    "/silences/{scope}/{place}", operation_id="unsilence", responses=documented(404), summary="End a silence"
)
async def unsilence(
    *,
    asker: Actor,
    given: Given,
    request: Request,
    scope: SilenceScope,
    place: AssetId,
    lane: LaneAsked = "live",
    idempotency_key: Annotated[str | None, Header(pattern=IdempotencyKey)] = None,
) -> ActionRow:
    """End a silence before its time."""
    request.state.subject = f"{scope}/{place}"
    return await given.desk.unsilence(scope, place, lane, asker, key=idempotency_key)
