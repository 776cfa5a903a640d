"""Maintenance windows: part of the policies, so planning one publishes the next version of its policy."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request

from services.operations_api.access import Maintainer, Reader
from services.operations_api.models.acting import MaintenanceRequest
from services.operations_api.models.figures import MaintenanceList, MaintenanceRow
from services.operations_api.parts import Given
from services.operations_api.problems import documented

router: Final = APIRouter(tags=["maintenance"])


@router.get("/maintenance-windows", operation_id="listMaintenance", responses=documented(), summary="Windows ahead")
async def windows(*, _: Reader, given: Given) -> MaintenanceList:
    """List the maintenance windows of the policies in force that have not ended."""
    return await given.plan.maintenance(given.now())


@router.post(
    "/maintenance-windows",
    operation_id="planMaintenance",
    status_code=201,
    responses=documented(400, 404, 413),
    summary="Plan a window",
)
async def plan_window(*, asker: Maintainer, given: Given, request: Request, body: MaintenanceRequest) -> MaintenanceRow:
    """Publish the next version of the feed's policy with this window added; the processors go by it within seconds."""
    request.state.subject = f"{body.feed}/{body.id}"
    return await given.plan.add_window(body, asker, given.now())
