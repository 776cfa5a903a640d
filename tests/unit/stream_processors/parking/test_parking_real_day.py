"""A real day of 366 car parks in 27 cities: every count that cannot be is in a finding, none is an occupancy."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.parking import ParkingReading
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.parking.findings import n_impossible
from tests.unit.stream_processors.in_order import Recorder
from tests.unit.stream_processors.parking.parking_zone import FULL, IMPOSSIBLE, ROOT, jianghan, reading, rules, said

DAY = ROOT.parent / "shared/data/parking/german_lots_2020-10-29.csv"
END = datetime(2020, 10, 30, 1, tzinfo=UTC)


def recorded(path: Path) -> dict[str, list[ParkingReading]]:
    """Readings by city."""
    found: dict[str, list[ParkingReading]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as lines:
        for seq, row in enumerate(csv.DictReader(lines)):
            found[row["city"]].append(
                reading(
                    datetime.fromisoformat(row["timestamp"]),
                    int(row["free"]),
                    device=row["place_id"][-64:].lstrip("-"),
                    total=int(row["capacity"]),
                    seq=seq,
                )
            )
    return found


@pytest.fixture(scope="module")
def day() -> dict[str, tuple[list[ParkingReading], Recorder]]:
    if not DAY.exists():
        pytest.skip("the recorded day is not here")
    by = rules(lots=jianghan())
    return {city: (readings, said(readings, until=END, by=by)) for city, readings in recorded(DAY).items()}


def test_every_impossible_count_is_in_a_finding(day: dict[str, tuple[list[ParkingReading], Recorder]]) -> None:
    below: Counter[str] = Counter()
    above: Counter[str] = Counter()
    for readings, recorder in day.values():
        for (rule, lot, _), one in recorder.episodes.items():
            if rule == IMPOSSIBLE:
                below[lot] += one.peak.payload[4]
                above[lot] += one.peak.payload[5]
        # each of them lies within the finding of its lot
        for one in readings:
            if one.doubts():
                at_us = to_us(one.observed_at)
                assert any(
                    rule == IMPOSSIBLE
                    and lot == one.device_id
                    and start_us <= at_us
                    and (known.ended_us is None or at_us < known.ended_us)
                    for (rule, lot, start_us), known in recorder.episodes.items()
                )
    readings = [one for known, _ in day.values() for one in known]
    assert below == Counter(one.device_id for one in readings if one.free_spaces < 0)
    assert above == Counter(one.device_id for one in readings if one.free_spaces > one.total_spaces)
    assert (below.total(), above.total()) == (43, 1_071)


def test_none_of_them_raised_an_occupancy_alert(day: dict[str, tuple[list[ParkingReading], Recorder]]) -> None:
    full = 0
    for readings, recorder in day.values():
        impossible = {offset for offset, one in enumerate(readings) if one.doubts()}
        for (rule, _, _), one in recorder.episodes.items():
            if rule == FULL:
                full += 1
                assert not impossible & set(one.offsets)
                assert one.peak.payload[1] >= 0
    assert full > 0
    never = {one.device_id for readings, _ in day.values() for one in readings} - {
        one.device_id for readings, _ in day.values() for one in readings if not one.doubts()
    }
    assert never  # some lots tell nothing but counts that cannot be
    for _, recorder in day.values():
        for (figure_id, subject, _, _), figure in recorder.figures.items():
            assert figure_id != "parking.occupancy" or subject not in never or figure.value is None


def test_no_occupancy_is_outside_its_range(day: dict[str, tuple[list[ParkingReading], Recorder]]) -> None:
    values = [
        figure.value
        for _, recorder in day.values()
        for figure in recorder.figures.values()
        if figure.id == "parking.occupancy" and figure.value is not None
    ]
    assert len(values) > 500
    assert min(values) >= 0
    assert max(values) <= 1


def test_the_open_findings_count_everything_up_to_the_end(
    day: dict[str, tuple[list[ParkingReading], Recorder]],
) -> None:
    still_open = [
        n_impossible(one)
        for _, recorder in day.values()
        for (rule, _, _), one in recorder.episodes.items()
        if rule == IMPOSSIBLE and one.ended_us is None
    ]
    assert still_open
    assert max(still_open) > 1
