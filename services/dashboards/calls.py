"""Calls for help: the words of their type and priority, and how they are asked for in SQL. Pure."""

from __future__ import annotations

from typing import Final

from services.dashboards.kit import Kit
from services.dashboards.sql import LIVE_LANE, NOW_OF_LANE
from services.dashboards.vocabulary import words_of

CALL_TYPE: Final = words_of("call_type")
"""The dispatch centre's own words."""
PRIORITY: Final = words_of("priority")
NOW: Final = NOW_OF_LANE.format(view="v_emergency_readings")
IN_STREETS: Final = "street IN (${street:sqlstring})"
RESPONSES: Final = f"""
SELECT incident_id, max(street) AS street, min(call_received_at) AS called_at,
    extract(epoch FROM min(on_scene_at) - min(call_received_at)) / 60 AS minutes
FROM v_emergency_readings
WHERE observed_at >= $__timeFrom()::timestamptz AND observed_at < $__timeTo()::timestamptz + INTERVAL '1 hour'
    AND {LIVE_LANE} AND incident_id IS NOT NULL AND {IN_STREETS}
GROUP BY incident_id
HAVING min(call_received_at) >= $__timeFrom()::timestamptz AND min(call_received_at) < $__timeTo()::timestamptz"""
"""Calls that came in the time range: minutes from the call to the first ambulance on scene; null: none came."""
RUNNING: Final = f"""
SELECT incident_id, max(street) AS street, max(call_type) AS call_type, max(priority) AS priority,
    min(call_received_at) AS called_at, min(dispatched_at) AS dispatched_at, min(responding_at) AS responding_at,
    min(on_scene_at) AS on_scene_at, array_agg(DISTINCT unit_id) AS units
FROM v_emergency_readings
WHERE observed_at > {NOW} - INTERVAL '3 hours' AND {LIVE_LANE} AND incident_id IS NOT NULL AND {IN_STREETS}
GROUP BY incident_id
HAVING min(call_received_at) IS NOT NULL AND count(*) FILTER (WHERE step IN ('handed_over', 'available')) = 0"""
"""Calls of the last three hours that are neither handed over nor cleared."""


def street(kit: Kit, column: str) -> str:
    """SQL that names a street, which readings carry by its Chinese name."""
    return (
        f"coalesce((SELECT s.{kit.name} FROM v_assets AS s WHERE s.kind = 'street' AND s.name_zh = {column}), {column})"
    )


def over(minutes: float) -> str:
    """Condition on a call: its deadline has passed, so it is known whether it was answered in time."""
    return f"called_at < now() - INTERVAL '{minutes:g} minutes'"


def late(minutes: float) -> str:
    """Condition on a call whose deadline has passed: nobody was there by then."""
    return f"(minutes IS NULL OR minutes > {minutes:g})"
