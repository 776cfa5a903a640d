"""Every row of the real files is stored or dead-lettered with a reason, and the water classes agree."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import DATA, District

pytestmark = [
    pytest.mark.slow,
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


def replay(district: District, feed: str, name: str) -> dict[str, Any]:
    lane = f"replay:{Path(name).stem.lower().replace('_', '-')[:40]}"
    done = district.run("replay", feed, str(DATA / name), "--lane", lane, "--json", seconds=280)
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert report["rows"] == rows_of(DATA / name)
    assert report["sent"] == report["stored"] + report["dead_lettered"] + report["duplicates"]
    assert report["sent"] >= report["rows"]
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


def test_every_unit_response_is_accounted_for(district: District) -> None:
    report = replay(district, "emergency", SFFD)
    assert in_lane(district, "emergency", report["lane"], "steps_out_of_order") > 0


def test_car_parks_with_impossible_counts_are_stored_and_named(district: District) -> None:
    report = replay(district, "parking", CAR_PARKS)
    assert in_lane(district, "parking", report["lane"], "free_negative") == 43
    assert in_lane(district, "parking", report["lane"], "free_above_capacity") == 1_071


def test_charging_sessions_with_masked_years_are_stored_and_named(district: District) -> None:
    report = replay(district, "ev", CHARGING)
    assert in_lane(district, "ev", report["lane"], "year_restored") == report["stored"] > 0


def test_the_same_replay_again_changes_nothing(district: District) -> None:
    first = replay(district, "ev", CHARGING)
    again = replay(district, "ev", CHARGING)
    assert again["stored"] == 0
    assert again["duplicates"] == again["sent"] == first["sent"]
    assert first["lane"] == again["lane"]
