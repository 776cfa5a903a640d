"""What the stand-in answers about the district as a whole, one asset, one alert. Pure."""

# ruff: noqa: E501 - rows
from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, Final

from tests.browser.district_rows import CLASSES, Row, asset_rows, iso

CSRF: Final = "csrf-of-the-session"


def me_row(role: str, may: tuple[str, ...]) -> Row:
    return {
        "id": "li",
        "name": "Li Wei",
        "role": role,
        "languages": ["zh-CN", "en"],
        "may": list(may),
        "csrf": CSRF,
        "grafana": "http://127.0.0.1:23000",
        "expires_at": None,
    }


def feed_row(feed: str) -> Row:
    return {
        "feed": feed, "registered": 60, "heard": 58, "last_seen_at": None, "readings_per_second": 4.2, "completeness": 0.97,
    }  # fmt: skip


def problem(status: int) -> Row:
    return {
        "type": "about:blank",
        "title": "Not here",
        "status": status,
        "detail": "There is none such.",
        "request_id": "r",
    }


def story_of(row: Row) -> Row:
    said = {name: row[name] for name in ("event", "revision", "severity", "text_zh", "text_en")} | {
        "at": row["raised_at"]
    }
    done = [{"action_id": "a", "kind": "acknowledge", **row["acknowledged"]}] if row["acknowledged"] else []
    return {"history": [said], "history_complete": True, "actions": done, "grafana_url": None}


def day_of(asset: Row, now: datetime) -> Row:
    """A day of half hours that swings, with a limit near its top."""
    fields = {"water": ("codmn_mg_l", "mg/l", 4, 6), "ev": ("power_kw", "kW", 400, 1000)}
    name, unit, middle, limit = fields.get(asset["feed"] or "", ("free_spaces", "spaces", 80, 20))
    times = [now - timedelta(minutes=30 * step) for step in range(48, -1, -1)]
    points = [
        {
            "at": iso(at),
            "value": None if n == 20 else middle * (1 + 0.5 * math.sin(n / 6)),
            "quality": "good" if n % 9 else "fault",
        }
        for n, at in enumerate(times)
    ]
    source = {"kind": "standard", "id": "GB 3838-2002", "version": "2002", "where": "table 1"}
    threshold = {"id": name, "value": limit, "unit": unit, "comparator": "<=", "source": source}
    limits = [{"name_zh": "限值", "name_en": "limit", "threshold": threshold}]
    series = [{"field": name, "unit": unit, "points": points, "limits": limits}]
    changes = [{"at": iso(times[-3]), "word": "charging"}] if asset["feed"] == "ev" else []
    return {"since": iso(times[0]), "until": iso(times[-1]), "series": series, "changes": changes, "readings": 49}


def layers_of(now: datetime) -> dict[str, Row]:
    """Layers with something in each."""
    rows = {row["asset_id"]: row for row in asset_rows(now)}

    def place(asset_id: str) -> list[float]:
        return [rows[asset_id]["longitude"], rows[asset_id]["latitude"]]

    def line(start: str, end: str, **properties: Any) -> Row:
        return feature("LineString", [place(start), place(end)], {"from": start, "to": end, **properties})

    gaps = [feature("Point", [114.232 + 0.00314 * n, 30.628], {"kind": "gap", "population": 640}) for n in range(4)]
    move = line("post-redcross", "post-hanxing", kind="move", unit="amb-redcross-2", share_after=0.98)
    loads = (("site-cbd-east", 1012), ("site-taibei", 430), ("site-changqing", 300))
    lakes = [
        feature(
            "Point",
            place(lake),
            {"lake": lake, "class": value, "name_zh": rows[lake]["name_zh"], "name_en": rows[lake]["name_en"]},
        )
        for lake, value in CLASSES.items()
    ]
    return {
        "coverage": layer([*gaps, move], now, {"share": 0.957, "target": 0.9, "units_available": 14, "uncovered_people": 27_800}),
        "parking": layer([line("lot-cbd-01", "lot-cbd-03", drivers=12, share=0.6, metres=410, free=55)], now, {}),
        "charging": layer(
            [feature("Point", place(site), {"name_zh": rows[site]["name_zh"], "name_en": rows[site]["name_en"], "load_kw": load, "limit_kw": rows[site]["limit_value"]}) for site, load in loads], now, {},
        ),
        "lakes": layer(lakes, now, {}),
    }  # fmt: skip


def feature(kind: str, coordinates: Any, properties: Row) -> Row:
    return {
        "type": "Feature",
        "id": "f",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def layer(features: list[Row], now: datetime, summary: Row) -> Row:
    return {"type": "FeatureCollection", "features": features, "as_of": iso(now), "summary": summary}
