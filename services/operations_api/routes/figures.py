"""The plan and how it stands."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.operations_api.access import Reader
from services.operations_api.models.figures import IndicatorPage, PlanInForce, TargetList
from services.operations_api.parts import Given
from services.operations_api.problems import documented
from services.operations_api.routes.queries import Cursor, IdAsked, IndicatorAsked, LaneAsked, Limit, Moment

router: Final = APIRouter(tags=["plan"])


@router.get("/indicators", operation_id="listIndicators", responses=documented(), summary="Indicators")
async def indicators(
    *,
    _: Reader,
    given: Given,
    as_of: Moment = None,
    id: IndicatorAsked = None,  # noqa: A002 - the contract's word
    subject: IdAsked = None,
    lane: LaneAsked = "live",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> IndicatorPage:
    """List indicators, the newest period first; with `as_of` as they were known at that moment."""
    return await given.archive.indicators(
        as_of=as_of, indicator=id, subject=subject, lane=lane, limit=limit, cursor=cursor
    )


@router.get("/targets", operation_id="listTargets", responses=documented(), summary="Targets and how they stand")
async def targets(*, _: Reader, given: Given, as_of: Moment = None) -> TargetList:
    """List the plan's targets in its order, with the newest figure; with `as_of` as it was known at that moment."""
    return await given.archive.targets(as_of)


@router.get("/plan", operation_id="getPlan", responses=documented(), summary="The plan in force")
async def plan(*, _: Reader, given: Given) -> PlanInForce:
    """Show the documents that were published and the limits in force, each with its source."""
    return await given.plan.in_force(given.now())
