"""Figures that the plan office enters for targets without telemetry; who entered one does not confirm it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Path, Request

from services.operations_api.access import PlanOfficer, Reader
from services.operations_api.models.plan_office import FigureRequest, FigureRow, FigureRows
from services.operations_api.parts import Given
from services.operations_api.problems import documented
from services.operations_api.routes.queries import IdAsked, IdempotencyKey

router: Final = APIRouter(tags=["plan office"])


@router.get(
    "/target-figures", operation_id="listTargetFigures", responses=documented(), summary="Figures that people entered"
)
async def figures(*, _: Reader, given: Given, target: IdAsked = None) -> FigureRows:
    """List every revision of the figures that people entered, of one target when one is named."""
    return await given.targets.figures(target)


@router.post(
    "/target-figures",
    operation_id="enterTargetFigure",
    status_code=201,
    responses=documented(400, 413),
    summary="Enter a figure",
)
async def enter(
    *,
    asker: PlanOfficer,
    given: Given,
    request: Request,
    body: FigureRequest,
    idempotency_key: Annotated[str | None, Header(pattern=IdempotencyKey)] = None,
) -> FigureRow:
    """Enter a figure, or correct one; it counts once somebody else has confirmed it."""
    request.state.subject = body.target[:100]
    return await given.targets.enter(body, asker, idempotency_key or given.make_id(), given.now())


@router.post(
    "/target-figures/{figure_id}/confirmation",
    operation_id="confirmTargetFigure",
    responses=documented(404),
    summary="Confirm a figure",
)
async def confirm(
    *,
    asker: PlanOfficer,
    given: Given,
    request: Request,
    figure_id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")],
) -> FigureRow:
    """Confirm what somebody else entered; from then on it counts."""
    request.state.subject = figure_id
    return await given.targets.confirm(figure_id, asker, given.now())
