"""A recording of a month, as `district replay` sends it to its lane, ends with the month's verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schemas.fields import Feed
from schemas.indicator import IndicatorStatus
from schemas.water import WaterBody, WaterReading
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from simulators.replay.clock import LaneClock, covered_until
from tests.unit.stream_processors.recorded import Item, Result, item, log_of, tick
from tests.unit.stream_processors.water_log import GOOD_VALUES

LANE = "replay:may"
FIRST = datetime.fromisoformat("2026-05-01T00:00+08:00").astimezone(UTC)
STATIONS = ("s1", "s2")


def recording(*, hours: int, last: datetime) -> list[WaterReading]:
    """Samples of two stations of one lake."""
    return [
        WaterReading.model_validate(
            {
                "feed": Feed.WATER,
                "lane": LANE,
                "device_id": station,
                "group_id": "lake-x",
                "boot_id": "b",
                "seq": number,
                "observed_at": at,
                "water_body": WaterBody.LAKE,
                **GOOD_VALUES,
                "ph": 7.4 + number % 5 / 100,
                "do_mg_l": 8.0 + number % 7 / 10,
            }
        )
        for number in range(31 * 24)
        if (at := FIRST + number * timedelta(hours=hours)) <= last
        for station in STATIONS
    ]


def replayed(readings: list[WaterReading]) -> Result:
    """What judging says of them when the lane is closed."""
    clock, log = LaneClock(), list[Item]()
    log.append(tick(clock.opening(readings[0].observed_at), LANE))
    for reading in readings:
        at = clock.before(reading.observed_at)
        if at is not None:
            log.append(tick(at, LANE))
        log.append(item(reading))
    end = clock.end()
    assert end is not None
    log.append(tick(end, LANE))
    covered = covered_until((reading.device_id, reading.observed_at) for reading in readings)
    log.append(tick(clock.closing(covered, now=end + timedelta(days=1)), LANE, closes=True))
    (judge,) = build_judges([Feed.WATER], ProcessorSettings())
    result = Result()
    outputs, result.refused = Worker(judge, "lanes.water", 0, live=False).judge(log_of(log))
    result.take(outputs)
    return result


def status_of(result: Result, figure: str, end: str) -> tuple[IndicatorStatus, bool]:
    """How a figure of the period that ends then stands at last, and whether it says `so_far`."""
    found = [one for one in result.indicators if one.id == figure and one.period_end == datetime.fromisoformat(end)]
    return found[-1].status, "so_far" in found[-1].details


@pytest.mark.parametrize("hours", [1, 4, 12])
def test_a_recording_that_covers_a_month_ends_with_its_verdict(hours: int) -> None:
    result = replayed(recording(hours=hours, last=datetime.fromisoformat("2026-05-31T23:59+08:00")))
    assert result.refused == []
    for figure in ("water.class_month", "water.class_day"):
        assert status_of(result, figure, "2026-06-01T00:00+08:00") == (IndicatorStatus.MET, False)
    assert result.alerts == [], "no station is silent because a recording has an end"


def test_a_recording_that_breaks_off_in_the_middle_of_a_day_says_how_the_month_stands_so_far() -> None:
    result = replayed(recording(hours=4, last=datetime.fromisoformat("2026-05-31T15:00+08:00")))
    for figure in ("water.class_month", "water.class_day"):
        assert status_of(result, figure, "2026-06-01T00:00+08:00") == (IndicatorStatus.CANNOT_SAY, True)
