"""What a figure says of a period that is not over: how it stands so far, and never that a target is met. Pure."""

from __future__ import annotations

from msgspec.structs import replace as replaced

from schemas.indicator import IndicatorStatus
from services.stream_processors.engine.feed_rules import Figure


def so_far(figure: Figure) -> Figure:
    """The figure of a period that is not over.

    Its value stands; the verdict that it would have if the period ended now is the detail `so_far`.
    """
    zh = figure.status_reason_zh
    return replaced(
        figure,
        status=IndicatorStatus.CANNOT_SAY,
        status_reason=f"the period is not over; so far: {figure.status_reason}",
        status_reason_zh=None if zh is None else f"本期未结束；截至目前：{zh}",
        details={**figure.details, "so_far": {"status": figure.status.value, "value": figure.value}},
    )
