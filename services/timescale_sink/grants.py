"""What Grafana's role may read: the views that its boards ask, and nothing else."""

from __future__ import annotations

from typing import Final

import asyncpg

BOARD_VIEWS: Final = (
    "v_alert_events",
    "v_alert_lives",
    "v_alert_places",
    "v_alerts",
    "v_asset_states",
    "v_assets",
    "v_dead_letters",
    "v_deliveries",
    "v_device_gaps",
    "v_device_hours",
    "v_devices",
    "v_edition",
    "v_emergency_days",
    "v_emergency_hours",
    "v_emergency_latest",
    "v_emergency_minutes",
    "v_emergency_readings",
    "v_ev_days",
    "v_ev_hours",
    "v_ev_latest",
    "v_ev_minutes",
    "v_ev_readings",
    "v_feed_health",
    "v_feed_totals",
    "v_indicator_history",
    "v_indicators",
    "v_intake_minutes",
    "v_ledger",
    "v_log_gaps",
    "v_open_alerts",
    "v_parking_days",
    "v_parking_hours",
    "v_parking_latest",
    "v_parking_minutes",
    "v_plan_targets",
    "v_plan_versions",
    "v_sink_progress",
    "v_storage",
    "v_target_paths",
    "v_target_states",
    "v_tax_days",
    "v_tax_hours",
    "v_tax_minutes",
    "v_tax_readings",
    "v_water_days",
    "v_water_hours",
    "v_water_latest",
    "v_water_minutes",
)
"""A board that asks another one needs it here; a test compares them."""


async def grant_boards(connection: asyncpg.Connection, role: str) -> None:
    """Give Grafana's role the views of the boards; an operator who has no such role lets Grafana in as the reader."""
    if not await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", role):
        return
    await connection.execute(
        f"GRANT USAGE ON SCHEMA public TO {role};"
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};"
        f"GRANT SELECT ON {', '.join(BOARD_VIEWS)} TO {role};"
    )
