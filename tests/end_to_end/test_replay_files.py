"""Every row of the real files is stored or dead-lettered with a reason, and the water classes agree."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import DATA, District, wait_until
from tests.unit.stream_processors.emergency.test_sffd_calls import LIMIT, calls_of_the_file, ninetieth

JUDGED_SECONDS = 600
"""How long a whole file may take to be judged; a machine that others share can need minutes for one."""
STORED_SECONDS = 60
"""How long the verdicts of a replay that has returned may take to the database."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not DATA.is_dir(), reason="the folder ../shared/data is absent beside this clone"),
]

RAW = "water/cnemc_national_2020-05-08_09_raw.csv"
FOUR_HOURLY = "water/cnemc_4hourly_2021-04-01_05_displayed.csv"
SFFD = "emergency/sffd_calls_unit_responses_2020-04_a.csv"
CAR_PARKS = "parking/german_lots_2020-10-29.csv"
CHARGING = "ev/workplace_charging_sessions_2014_2015.csv"


def rows_of(file: Path) -> int:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return sum(1 for _ in csv.DictReader(lines))


def replay(district: District, feed: str, name: str, *, lane: str | None = None, keep: bool = False) -> dict[str, Any]:
    lane = lane or f"replay:{Path(name).stem.lower().replace('_', '-')[:40]}"
    options = ("--lane", lane, "--json", *(("--keep-open",) if keep else ()))
    done = district.run("replay", feed, str(DATA / name), *options, seconds=JUDGED_SECONDS)
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert report["rows"] == rows_of(DATA / name)
    assert report["sent"] == report["stored"] + report["dead_lettered"] + report["duplicates"]
    assert report["sent"] >= report["rows"]
    assert report["judged"] >= report["stored"] + report["duplicates"], "what came to the lane was judged"
    assert report["judging_failed"] == 0
    open_lanes = {each["lane"] for each in json.loads(district.run("lane", "list", "--json").stdout)}
    assert (lane in open_lanes) is keep
    return report


def in_lane(district: District, feed: str, lane: str, code: str) -> int:
    return district.number(
        f"SELECT count(*) FROM v_{feed}_readings WHERE lane = '{lane}' AND '{code}' = ANY(quality_codes)"
    )


def test_the_class_of_raw_national_readings_agrees_with_the_published_one(district: District) -> None:
    report = replay(district, "water", RAW)
    assert report["labelled"] == 2_889
    assert report["agreeing"] / report["labelled"] >= 0.999
    kept = district.sql(
        f"SELECT quality, count(*) AS n FROM v_water_readings WHERE lane = '{report['lane']}' GROUP BY 1"
    )
    assert {row["quality"] for row in kept} >= {"good", "maintenance", "stopped"}


def test_rounded_four_hourly_readings_agree_as_far_as_rounding_allows(district: District) -> None:
    report = replay(district, "water", FOUR_HOURLY)
    assert report["dead_lettered"] > 0, "rows without a time cannot be stored, labelled or not"
    stored = district.number(
        "SELECT count(*) FROM v_indicators WHERE id = 'water.point_class' AND value IS NOT NULL"
        f" AND lane = '{report['lane']}'"
    )
    assert stored > 5_000
    assert report["agreeing"] / report["labelled"] >= 0.975


def test_every_unit_response_is_accounted_for_and_the_calls_are_the_file_s_own(district: District) -> None:
    report = replay(district, "emergency", SFFD)
    assert in_lane(district, "emergency", report["lane"], "steps_out_of_order") > 0

    calls = calls_of_the_file()
    times = [scene - at for at, scene in calls.values() if scene is not None]
    within = sum(took <= LIMIT for took in times)
    month = f"lane = '{report['lane']}' AND period_end - period_start > INTERVAL '2 days'"

    def judged() -> dict[str, Any] | None:
        rows = district.sql(f"SELECT value, n, details FROM v_indicators WHERE id = 'emergency.response' AND {month}")
        return rows[0] if rows and rows[0]["n"] == len(times) else None

    figure = wait_until(judged, "the figure of all calls", STORED_SECONDS, every=1)
    assert figure["value"] == ninetieth(times)
    details = figure["details"] if isinstance(figure["details"], dict) else json.loads(figure["details"])
    assert (details["within"], details["over"]) == (within, len(times) - within)
    assert details["unreached"] == sum(scene is None for _, scene in calls.values())
    (share,) = district.sql(f"SELECT value FROM v_indicators WHERE id = 'emergency.response_share' AND {month}")
    assert share["value"] == round(within / len(times), 6)

    breaches = district.sql(
        "SELECT asset, started_at, ended_at FROM v_alerts"
        " WHERE rule = 'emergency.response_breach' AND event <> 'retracted'"
        f" AND text_en LIKE '%response time%' AND lane = '{report['lane']}'"
    )
    expected = {
        call.lower(): (at + LIMIT, scene)
        for call, (at, scene) in calls.items()
        if scene is not None and scene - at > LIMIT
    }
    stored = {
        row["asset"]: tuple(datetime.fromisoformat(row[n]) for n in ("started_at", "ended_at")) for row in breaches
    }
    assert stored == expected


def test_car_parks_with_impossible_counts_are_stored_named_and_found(district: District) -> None:
    report = replay(district, "parking", CAR_PARKS)
    lane = report["lane"]
    assert in_lane(district, "parking", lane, "free_negative") == 43
    assert in_lane(district, "parking", lane, "free_above_capacity") == 1_071
    outside = (
        "SELECT count(*) FROM v_parking_readings AS r WHERE (free_spaces < 0 OR free_spaces > total_spaces)"
        f" AND lane = '{lane}' AND NOT EXISTS (SELECT 1 FROM v_alerts AS a WHERE a.lane = r.lane"
        " AND a.rule = 'parking.count_impossible' AND a.asset = r.device_id AND a.event <> 'retracted'"
        " AND r.observed_at >= a.started_at AND (a.ended_at IS NULL OR r.observed_at < a.ended_at))"
    )
    wait_until(
        lambda: True if district.number(outside) == 0 else None,
        "every impossible count in a finding",
        STORED_SECONDS,
        every=1,
    )
    caused = district.number(
        f"SELECT count(*) FROM v_alerts AS a JOIN v_parking_readings AS r ON r.lane = a.lane AND r.device_id = a.asset"
        f" AND r.observed_at = a.raised_at WHERE a.lane = '{lane}' AND a.rule = 'parking.lot_full'"
        " AND (r.free_spaces < 0 OR r.free_spaces > r.total_spaces)"
    )
    assert caused == 0, "no impossible count raised an occupancy alert"


def test_charging_sessions_with_masked_years_are_stored_and_named(district: District) -> None:
    report = replay(district, "ev", CHARGING)
    assert in_lane(district, "ev", report["lane"], "year_restored") == report["stored"] > 0


def test_the_same_file_again_into_a_lane_that_is_open_changes_nothing(district: District) -> None:
    lane = "replay:charging-twice"
    first = replay(district, "ev", CHARGING, lane=lane, keep=True)
    again = replay(district, "ev", CHARGING, lane=lane)
    assert again["stored"] == 0
    assert again["duplicates"] == again["sent"] == first["sent"]
    refused = district.run("replay", "ev", str(DATA / CHARGING), "--lane", lane, check=False)
    assert refused.returncode == 2
    assert "was replayed and closed" in refused.stderr


def test_of_a_file_that_has_grown_what_is_new_is_stored(district: District, tmp_path: Path) -> None:
    lines = [f"2020-10-29T00:{minute:02}:00+00:00,P1,Ulm,100,{40 + minute}\n" for minute in range(0, 25, 5)]
    file, header, lane = tmp_path / "growing.csv", "timestamp,place_id,city,capacity,free\n", "replay:growing"
    file.write_text(header + "".join(lines[:4]), encoding="utf-8")
    assert replay(district, "parking", str(file), lane=lane, keep=True)["stored"] == 4
    file.write_text(header + "".join(lines), encoding="utf-8")
    again = replay(district, "parking", str(file), lane=lane)
    assert (again["stored"], again["duplicates"], again["dead_lettered"]) == (1, 4, 0)
