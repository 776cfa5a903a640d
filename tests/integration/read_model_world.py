"""A database of its own with a district of 3,000 assets and a day of their readings, made by SQL in some seconds."""

from __future__ import annotations

# ruff: noqa: E501 - SQL
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from deploy.local.stack import Stack
from services.timescale_sink.assets import assets_of, cells_of
from services.timescale_sink.migrations import bring_up_to_date
from services.timescale_sink.register import plan_rows, write_registers
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from tests.integration.fresh_database import as_owner, as_superuser, fresh_database

NAME = "read_model"
HOUR = timedelta(hours=1)
SITES, CONNECTORS, LOTS = 85, 30, 300
"""Beside those of the district file: 2,635 + 300 assets, and some 250 of the file."""


@dataclass(frozen=True, slots=True)
class World:
    """The database and its moment."""

    owner: Any
    reader: SecretStr
    now: datetime


@asynccontextmanager
async def world(stack: Stack) -> AsyncIterator[World]:
    """Fill a fresh database; everything in it happened before `now`, on the hour."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    defaults = MigrationSettings.model_fields
    async with fresh_database(stack, NAME) as address, as_owner(address) as owner:
        await bring_up_to_date(
            owner, load_storage(defaults["storage_file"].default), MigrationSettings.model_construct()
        )
        register = defaults["district_file"].default.read_text(encoding="utf-8")
        cells = defaults["population_grid"].default.read_text(encoding="utf-8")
        assets = [*assets_of(register, file="district"), *cells_of(cells, file="cells")]
        await write_registers(owner, assets, plan_rows(defaults["plan_folder"].default))
        for statement in _STATEMENTS:
            await owner.execute(statement.replace("{now}", f"TIMESTAMPTZ '{now.isoformat()}'"))
        await owner.execute("ANALYZE")
        yield World(owner, SecretStr(as_reader(stack, NAME)), now)


def as_reader(stack: Stack, database: str) -> str:
    """Address of a database as one who may what the reader may; the reader itself is let into the district's only."""
    return f"{as_superuser(stack, database)}?role=district_reader"


_ASSETS = f"""
INSERT INTO assets (kind, asset_id, feed, name_zh, name_en, parent_kind, parent_id, zone, longitude, latitude, approximate,
    capacity, capacity_unit, limit_value, limit_unit, is_device)
SELECT 'site', format('site-x%s', s), 'ev', format('充电站 %s', s), format('Site %s', s), NULL, NULL, 'cbd',
    114.2 + s * 0.001, 30.58 + s * 0.0005, TRUE, {CONNECTORS}, 'connectors', 900, 'kW', FALSE
FROM generate_series(1, {SITES}) AS s
UNION ALL
SELECT 'connector', format('ev-x%s-%s', s, c), 'ev', format('%s 号', c), format('Connector %s', c), 'site',
    format('site-x%s', s), 'cbd', 114.2 + s * 0.001, 30.58 + s * 0.0005, TRUE, 60, 'kW', NULL, NULL, TRUE
FROM generate_series(1, {SITES}) AS s, generate_series(1, {CONNECTORS}) AS c
UNION ALL
SELECT 'lot', format('lot-x%s', l), 'parking', format('停车场 %s', l), format('Lot %s', l), 'zone', 'cbd', 'cbd',
    114.25 + l * 0.0001, 30.6, TRUE, 200, 'spaces', NULL, NULL, TRUE
FROM generate_series(1, {LOTS}) AS l"""
_DEVICES = """
INSERT INTO devices (feed, lane, device_id, group_id, boot_id, first_seen_at, last_seen_at)
SELECT feed, 'live', asset_id, CASE feed WHEN 'emergency' THEN 'jianghan' WHEN 'tax' THEN 'jianghan' ELSE parent_id END,
    'boot', {now} - INTERVAL '40 days', {now}
FROM assets WHERE is_device"""
_COMMON = (
    "device_id, group_id, boot_id, seq, observed_at, quality, quality_codes, lane, received_at, stored_at,"
    " kafka_partition, kafka_offset"
)
_DEVICE_TIMES = """
SELECT d.device_id, d.group_id, d.boot_id, n AS seq, {now} - n * INTERVAL '%s' AS observed_at, 'good', '{}', 'live',
    {now} - n * INTERVAL '%s', {now} - n * INTERVAL '%s' + INTERVAL '2 seconds', 0,
    row_number() OVER () AS kafka_offset"""


def _readings(feed: str, step: str, steps: int, columns: str, values: str) -> str:
    return (
        f"INSERT INTO {feed}_readings ({_COMMON}, {columns}) "
        + _DEVICE_TIMES.replace("%s", step)
        + f", {values} FROM devices AS d JOIN assets AS a ON a.asset_id = d.device_id AND a.is_device,"
        f" generate_series(1, {steps}) AS n WHERE d.feed = '{feed}'"
    )


_EV = _readings(
    "ev", "30 minutes", 60, "context, status, error_code, power_kw, rated_power_kw",
    "'sample_clock', CASE WHEN hashtext(d.device_id) % 10 = 0 THEN 'fault' WHEN (n + hashtext(d.device_id)) % 3 = 0"
    " THEN 'charging' ELSE 'idle' END, 'NoError',"
    " CASE WHEN (n + hashtext(d.device_id)) % 3 = 0 THEN 42.5 ELSE 0 END, 60",
)  # fmt: skip
_PARKING = _readings(
    "parking", "15 minutes", 120, "total_spaces, free_spaces, out_of_service_spaces",
    "a.capacity::integer, (a.capacity * 0.5)::integer - n % 7, 0",
)  # fmt: skip
_WATER = _readings("water", "1 hour", 30, "water_body, do_mg_l, ph, tp_mg_l", "d.group_id, 6.5, 7.4, 0.04 + 0.001 * n")
_EMERGENCY = _readings(
    "emergency", "5 minutes", 360, "unit_id, unit_state, longitude, latitude",
    "d.device_id, CASE WHEN n % 12 < 3 THEN 'on_scene' ELSE 'available' END, 114.27, 30.6",
)  # fmt: skip
_TAX = _readings(
    "tax", "6 hours", 8, "building_id, receipt_id, entry, tax_kind, tax_period, amount_cny",
    "a.parent_id, format('r-%s-%s', d.device_id, n), 'payment', 'other', '2026-01', 1000.50",
)  # fmt: skip
_FIGURE = (
    "lane, id, feed, subject, subject_name, period_start, period_end, revision, known_at, value, unit, status,"
    " status_reason, n, completeness, threshold, details, stored_at"
)
# Of each lake and day two revisions: class 3 said at once, class 4 said twelve hours later.
_HISTORY = f"""
INSERT INTO indicator_history ({_FIGURE})
SELECT 'live', 'water.class', 'water', a.asset_id, a.name_zh, {{now}} - n * INTERVAL '1 day',
    {{now}} - n * INTERVAL '1 day' + INTERVAL '4 hours', r, {{now}} - n * INTERVAL '1 day' + (4 + r * 12) * INTERVAL '1 hour',
    3 + r, 'class', CASE r WHEN 0 THEN 'met' ELSE 'not_met' END, 'class', 4, 1.0, NULL,
    '{{"class": {{"deciding": ["tp"]}}}}', {{now}} - n * INTERVAL '1 day' + (4 + r * 12) * INTERVAL '1 hour'
FROM assets AS a, generate_series(1, 60) AS n, generate_series(0, 1) AS r WHERE a.kind = 'lake'"""
_NEWEST = f"""
INSERT INTO indicators ({_FIGURE})
SELECT DISTINCT ON (lane, id, subject, period_start, period_end) {_FIGURE} FROM indicator_history
ORDER BY lane, id, subject, period_start, period_end, revision DESC"""
_SAMPLES = """
INSERT INTO indicators (lane, id, feed, subject, period_start, period_end, value, unit, status, status_reason, n,
    completeness, revision, sample_device_id, sample_boot_id, sample_seq, sample_quality, details, stored_at)
SELECT 'live', 'water.point_class', 'water', r.device_id, r.observed_at, r.observed_at, 3, 'class', 'met', 'why', 1, 1, 0,
    r.device_id, r.boot_id, r.seq, 'good', '{}', r.stored_at
FROM water_readings AS r"""
_OTHERS = """
INSERT INTO indicators (lane, id, feed, subject, period_start, period_end, known_at, value, unit, status, status_reason, n,
    completeness, revision, details)
SELECT 'live', 'tax.year_to_date', 'tax', asset_id, {now} - INTERVAL '200 days', {now} + INTERVAL '100 days', {now},
    5e7, 'CNY', 'cannot_say', 'shown', 1, 1, 0, '{}'::jsonb FROM assets WHERE kind = 'building'
UNION ALL
SELECT 'live', 'emergency.coverage', 'emergency', 'jianghan', {now} - n * INTERVAL '1 minute',
    {now} - (n - 1) * INTERVAL '1 minute', {now} - (n - 1) * INTERVAL '1 minute', 0.9, 'share', 'met', 'why', 4, 1, 0,
    '{"uncovered": ["none"], "uncovered_cells": 1, "uncovered_people": 100, "units_available": 4}'::jsonb
FROM generate_series(1, 600) AS n
UNION ALL
SELECT 'live', 'parking.guidance', 'parking', format('lot-x%s', l), {now} - n * INTERVAL '1 minute',
    {now} - (n - 1) * INTERVAL '1 minute', {now}, 1, 'lots', 'cannot_say', 'why', 4, 1, 0,
    '{"drivers": 3, "not_placed": 0, "offers": [{"lot": "lot-x9", "name": "n", "share": 1, "drivers": 3, "metres": 200,
    "free": 9}]}'::jsonb
FROM generate_series(1, 3) AS l, generate_series(1, 90) AS n"""
# An alert every ten minutes of four weeks, all but the last few over; each has two events, stored when they happened.
_THRESHOLD = (
    '{"id": "ev.fault_longest", "value": 300, "unit": "s", "comparator": "<", "source": {"kind": "policy", "id":'
    ' "ev-operations", "version": "1", "where": "desk", "valid_from": "2010-01-01", "valid_to": null}}'
)
_ALERTS = f"""
INSERT INTO alerts (alert_id, revision, event, rule, feed, lane, asset, place, severity, started_at, raised_at, ended_at,
    observed_value, observed_unit, threshold, evidence, text_zh, text_en, stored_at)
SELECT md5(format('bulk-%s', n)), CASE WHEN n > 5 THEN 1 ELSE 0 END, CASE WHEN n > 5 THEN 'resolved' ELSE 'raised' END,
    'ev.connector_fault', 'ev', 'live', format('ev-x%s-%s', 1 + n % {SITES}, 1 + n % {CONNECTORS}), 'place', 'III', at, at,
    CASE WHEN n > 5 THEN at + INTERVAL '30 minutes' END, 400, 's', '{_THRESHOLD}', NULL, '故障', 'fault', at
FROM generate_series(1, 4000) AS n, LATERAL (SELECT {{now}} - n * INTERVAL '10 minutes' AS at) AS t"""
_EVENTS = """
INSERT INTO alert_events (event_id, alert_id, revision, event, lane, data, stored_at)
SELECT format('%s-%s', alert_id, r), alert_id, r, CASE r WHEN 0 THEN 'raised' ELSE 'resolved' END, lane,
    jsonb_build_object('alert_id', alert_id, 'revision', r, 'feed', feed, 'lane', lane, 'rule', rule, 'asset', asset,
    'place', place, 'severity', severity, 'started_at', started_at, 'raised_at', raised_at, 'ended_at',
    CASE r WHEN 1 THEN ended_at END, 'observed_value', 400, 'observed_unit', 's', 'threshold', threshold, 'evidence', NULL,
    'suppression', NULL, 'members', '[]'::jsonb, 'limits', '[]'::jsonb, 'text', '{"zh": "故障", "en": "fault"}'::jsonb),
    CASE r WHEN 0 THEN started_at ELSE ended_at END
FROM alerts, generate_series(0, revision) AS r"""
_COVERAGE_HISTORY = (
    f"INSERT INTO indicator_history ({_FIGURE}) SELECT {_FIGURE} FROM indicators WHERE id = 'emergency.coverage'"
)
_STATEMENTS = (
    _ASSETS, _DEVICES, _EV, _PARKING, _WATER, _EMERGENCY, _TAX, _HISTORY, _NEWEST, _SAMPLES, _OTHERS, _COVERAGE_HISTORY, _ALERTS, _EVENTS,
)  # fmt: skip


async def publish_plan(owner: Any, version: str, target: float, published_at: datetime) -> None:
    """Publish a version of the plan with another target for the lakes' class."""
    row = await owner.fetchrow("SELECT document FROM plan_versions WHERE kind = 'plan'")
    document = json.loads(row["document"])
    document["plan"]["version"] = version
    for entry in document["indicator"]:
        if entry["id"] == "water.class":
            entry["target"] = target
    await owner.execute(
        "INSERT INTO plan_versions (kind, document_id, version, valid_from, origin, published_at, published_by,"
        " text_sha256, document) VALUES ('plan', $1, $2, $3::date, 'published', $4, 'me', '', $5)",
        document["plan"]["id"], version, datetime.fromisoformat(document["plan"]["start"]).date(), published_at,
        json.dumps(document),
    )  # fmt: skip
