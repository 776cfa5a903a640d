"""Receipts: a consumer has an alert event in its own books."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request

from services.operations_api.access import Receiver
from services.operations_api.models.acting import ReceiptRequest
from services.operations_api.models.alerts import ReceiptAnswer
from services.operations_api.parts import Given
from services.operations_api.problems import documented

router: Final = APIRouter(tags=["integration"])


@router.post(
    "/receipts",
    operation_id="receive",
    status_code=201,
    responses=documented(400, 404, 413),
    summary="Say it is received",
)
async def receive(*, asker: Receiver, given: Given, request: Request, body: ReceiptRequest) -> ReceiptAnswer:
    """Take note that the consumer has an event; a repeated receipt is the same receipt."""
    request.state.subject = body.event_id
    return await given.desk.receive(body.event_id, asker)
