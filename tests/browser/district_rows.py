"""Rows as the API answers them, of the demonstration district, for the stand-in."""

# ruff: noqa: E501 - rows
from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.world.district import load_district

Row = dict[str, Any]

CLASSES = {"houxiang": 4, "lingjiao": 3, "xihu": 3, "beihu": 3, "xiaonanhu": 3, "jiqidangzi": 5}


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def asset_rows(now: datetime) -> list[Row]:
    """Every asset that the register has a place for."""
    district = load_district()
    rows = [_asset(("zone", each.id, None), (each.name_zh, each.name), each, now) for each in district.zone]
    for lake in district.lake:
        value = {"value": CLASSES[lake.id], "unit": "class"}
        rows.append(_asset(("lake", lake.id, "water"), (lake.name_zh, lake.name), lake, now, **value))
        for point in lake.points:
            parent = {"parent_kind": "lake", "parent_id": lake.id}
            rows.append(
                _asset(("station", point.id, "water"), (lake.name_zh + point.name_zh, point.id), point, now, **parent)
            )
    for site in district.site:
        limits = {"limit_value": site.transformer_limit_kw, "limit_unit": "kW", "value": site.transformer_limit_kw / 2}
        rows.append(
            _asset(("site", site.id, "ev"), (site.name_zh, site.name), site, now, zone=site.zone, unit="kW", **limits)
        )
    for lot in district.lot:
        free = {"capacity": lot.spaces, "capacity_unit": "spaces", "value": lot.spaces // 3, "unit": "spaces"}
        rows.append(_asset(("lot", lot.id, "parking"), (lot.name_zh, lot.id), lot, now, zone=lot.zone, **free))
    for post in district.post:
        rows.append(_asset(("post", post.id, "emergency"), (post.name_zh, post.name), post, now))
        for number, unit in enumerate(post.unit_ids()):
            moved = post.model_copy(update={"longitude": post.longitude + 0.0011 * (number % 3 - 1)})
            rows.append(_asset(("unit", unit, "emergency"), (unit, unit), moved, now))
    rows += [
        _asset(("building", each.id, "tax"), (each.name_zh, each.id), each, now, zone=each.zone)
        for each in district.building
    ]
    return rows


def many_assets(count: int, now: datetime) -> list[Row]:
    """So many assets, spread over the district."""
    known = [row for row in asset_rows(now) if row["kind"] in {"lot", "site", "building"}]
    rows = []
    for number in range(count):
        row = dict(known[number % len(known)])
        row["asset_id"] = f"{row['asset_id']}-{number}"
        row["longitude"] += ((number * 7919) % 1000 - 500) / 60_000
        row["latitude"] += ((number * 104_729) % 1000 - 500) / 60_000
        rows.append(row)
    return rows


def alert_row(number: int, now: datetime, **more: Any) -> Row:
    """One alert; each number has its own id and place."""
    known = [row for row in asset_rows(now) if row["kind"] in {"site", "lot", "lake"}]
    asset = known[number * 7 % len(known)]
    severity = ("III", "II", "IV", "I")[number % 4]
    started = now - timedelta(minutes=3 + 11 * number)
    texts = {
        "ev": ("负荷 1012 kW，超过变压器限值 1000 kW；请降低充电功率。", "Load 1012 kW is above the limit of the transformer, 1000 kW; lower the charging power."),
        "parking": ("停车场已满，剩余 0 个车位；引导车辆前往邻近有空位的停车场。", "The car park is full, 0 spaces are free; guide cars to the nearest lots with room."),
        "water": ("水质为Ⅴ类，劣于目标Ⅲ类，主要污染物为总磷（0.3 倍）；请现场核查。", "Water is class V, worse than the target III; main pollutant total phosphorus (0.3 times over); check on site."),
    }  # fmt: skip
    zh, en = texts[asset["feed"]]
    row: Row = {
        "alert_id": hashlib.sha256(f"alert-{number}".encode()).hexdigest()[:32],
        "revision": 0,
        "seen": 0,
        "standing": "open",
        "severity": severity,
        "event": "raised",
        "rule": f"{asset['feed']}.demonstration",
        "feed": asset["feed"],
        "lane": "live",
        "asset": asset["asset_id"],
        "place": asset["name_zh"],
        "zone": asset["zone"],
        "longitude": asset["longitude"],
        "latitude": asset["latitude"],
        "text_zh": zh,
        "text_en": en,
        "observed_value": 1012.0,
        "observed_unit": "kW",
        "threshold": {
            "id": "demonstration",
            "value": 1000.0,
            "unit": "kW",
            "comparator": "<=",
            "source": {"kind": "policy", "id": "ev-demo", "version": "1", "where": "Operations"},
        },
        "started_at": iso(started),
        "raised_at": iso(started + timedelta(minutes=1)),
        "ended_at": None,
        "acknowledged": None,
        "assignee": None,
        "closed": None,
        "escalated_at": None,
        "silenced_until": None,
        "suppression": None,
        "received_by": [],
    }
    row |= more
    row["url"] = f"/map/#alert={row['alert_id']}"
    return row


STANDINGS = {"not_met": "behind", "met": "on_track", "cannot_say": "cannot_say"}
"""Where a target stands whose last period says so, before its due date."""


def target_rows(statuses: Iterator[str] | None = None) -> list[Row]:
    """Targets as the plan has them, some met, some not."""
    chosen = list(statuses or ("not_met", "met", "cannot_say", "not_met"))
    targets = [
        ("water.class", "houxiang", "地表水环境质量达到或优于III类", "Surface water meets Class III or better", 4.0, 3.0, "<=", "class", "water"),
        ("emergency.response", "jianghan", "10分钟医疗急救圈", "10-minute medical emergency circle", 8.6, 10.0, "<=", "min", "emergency"),
        ("tax.hundred_million_buildings", "jianghan", "亿元税收楼宇", "Buildings with at least CNY 100 million tax a year", 21.0, 33.0, ">=", "buildings", "tax"),
        ("water.class", "jiqidangzi", "地表水环境质量达到或优于III类", "Surface water meets Class III or better", 5.0, 3.0, "<=", "class", "water"),
    ]  # fmt: skip
    return [
        {
            "id": each[0],
            "subject": each[1],
            "subject_name": each[1],
            "name_zh": each[2],
            "name_en": each[3],
            "feed": each[8],
            "value": each[4],
            "unit": each[7],
            "target": each[5],
            "comparator": each[6],
            "status": status,
            "status_reason": "as measured in the newest period",
            "status_reason_zh": "最近一期的测量结果",
            "page": "31",
            "due": "2025-12-31",
            "period_start": None,
            "period_end": None,
            "known_at": None,
            "plan_id": "jianghan-14fyp",
            "plan_version": "2022",
            "indicator": f"/api/v1/indicators?id={each[0]}&subject={each[1]}",
            "grafana_url": None,
            "checked_by": "stream",
            "holds": "at_end",
            "standing": STANDINGS[status],
            "standing_reason": "as the newest figure stands to the path",
            "standing_reason_zh": "按最近数值与进度线",
            "standing_value": each[4],
            "standing_on": "2024-12-31",
            "expected": None,
            "expected_then": None,
            "rate_needed": None,
        }
        for each, status in zip(targets, chosen, strict=True)
    ]


def figure_row(target: str, revision: int, now: datetime, *, confirmed: bool = False) -> Row:
    """A revision of the figure that Li entered for a target for 2024."""
    return {
        "figure_id": f"{revision:032x}",
        "target": target,
        "period_start": "2024-01-01",
        "period_end": "2024-12-31",
        "revision": revision,
        "corrects": f"{revision - 1:032x}" if revision else None,
        "value": 14000.0 + revision,
        "unit": "jobs",
        "recorded_on": "2025-03-15",
        "source": {"title": "2024年统计公报", "number": "江统〔2025〕3号", "page": 12, "sha256": "ab" * 32},
        "note": "更正" if revision else "",
        "plan_id": "jianghan-14fyp",
        "plan_version": "2022",
        "entered_by": "li",
        "entered_by_name": "李",
        "entered_at": iso(now),
        "confirmed_by": "wang" if confirmed else None,
        "confirmed_by_name": "王" if confirmed else None,
        "confirmed_at": iso(now) if confirmed else None,
    }


def _asset(key: tuple[str, str, str | None], names: tuple[str, str], place: Any, now: datetime, **more: Any) -> Row:
    kind, asset_id, feed = key
    row: Row = {
        "kind": kind,
        "asset_id": asset_id,
        "feed": feed,
        "name_zh": names[0],
        "name_en": names[1],
        "parent_kind": None,
        "parent_id": None,
        "zone": None,
        "longitude": place.longitude,
        "latitude": place.latitude,
        "approximate": place.approximate,
        "capacity": None,
        "capacity_unit": None,
        "limit_value": None,
        "limit_unit": None,
        "state": "heard",
        "state_since": None,
        "value": None,
        "unit": None,
        "observed_at": iso(now),
        "last_seen_at": iso(now),
        "alert_severity": None,
        "alert_since": None,
        "open_alerts": 0,
    }
    return row | more
