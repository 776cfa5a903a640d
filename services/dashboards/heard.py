"""Devices of a feed as they are now: what was heard last, and who is in the register and was never heard. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from services.dashboards.sql import LIVE_LANE


def everyone(feed: str, group: str, columns: Sequence[str]) -> str:
    """The newest reading of each device, and the devices of the register that were never heard, as `(...) AS l`.

    The register is of what is live: in an exercise or a replay only those count that take part.

    Args:
        group: Column of `v_assets` that holds the group of a device: `parent_id` or `zone`.
        columns: Of the newest reading; null where a device was never heard, and `observed_at` is null only there.
    """
    listed = "".join(f", n.{column}" for column in columns)
    return f"""(
    SELECT coalesce(n.device_id, r.asset_id) AS device_id, coalesce(n.group_id, r.{group}) AS group_id,
        n.observed_at{listed}
    FROM (SELECT * FROM v_{feed}_latest WHERE {LIVE_LANE}) AS n
    FULL JOIN (
        SELECT asset_id, {group} FROM v_assets WHERE feed = '{feed}' AND is_device AND ${{lane:sqlstring}} = 'live'
    ) AS r ON r.asset_id = n.device_id
) AS l"""
