"""A station's sampling interval: by the register, by the policy, or learned from its gaps; silence is told in it."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from schemas.district import district_of
from schemas.plan.errors import PlanFileError
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.water.places import intervals_of
from services.stream_processors.water.processor import WaterRules
from services.stream_processors.water.rhythm import UNKNOWN, Rhythm, heard
from tests.unit.stream_processors.recorded import Process
from tests.unit.stream_processors.water_log import START, TOPIC, Item, Said, book, log_of, policy, reading, run, tick

DISTRICT_FILE = Path(__file__).resolve().parents[3] / "deploy/district/jianghan.toml"
HOUR = 3_600_000_000


def learned(hours: list[float], rhythm: Rhythm = UNKNOWN, shortest: float = 0.1) -> list[float]:
    """The interval after each of these gaps, in hours."""
    found = []
    for gap in hours:
        rhythm = heard(rhythm, int(gap * HOUR), int(shortest * HOUR))
        found.append(rhythm.interval_us / HOUR)
    return found


def test_three_gaps_tell_the_rhythm() -> None:
    assert learned([4, 4, 4, 4]) == [0, 0, 4, 4]
    assert learned([24, 24, 24]) == [0, 0, 24]


def test_one_outage_changes_nothing_and_a_slower_rhythm_is_known_after_two_gaps() -> None:
    regular = Rhythm(4 * HOUR)
    assert learned([72, 4, 4, 4, 4, 4, 4, 4, 4], regular) == [4] * 9
    assert learned([24, 24, 24], regular) == [4, 24, 24]


def test_a_faster_rhythm_is_known_after_seven_gaps() -> None:
    assert learned([1] * 8, Rhythm(4 * HOUR)) == [4, 4, 4, 4, 4, 4, 1, 1]


def test_a_pause_every_night_is_part_of_the_rhythm() -> None:
    assert learned([4, 4, 4, 12] * 4)[8:] == [12] * 8


def test_nothing_is_written_down_while_the_gaps_fit() -> None:
    regular = Rhythm(4 * HOUR)
    for gap in (3 * HOUR, 4 * HOUR, 6 * HOUR):
        assert heard(regular, gap, HOUR) is regular
    assert heard(regular, 6 * HOUR + 1, HOUR) is not regular
    again = regular
    for gap in (9, 4, 4, 4, 4, 4, 4, 4):
        again = heard(again, gap * HOUR, HOUR)
        assert again.interval_us == 4 * HOUR
    assert heard(again, 4 * HOUR, HOUR) == regular


def test_gaps_shorter_than_the_shortest_count_as_that_long() -> None:
    assert learned([0.001] * 3, shortest=0.5) == [0, 0, 0.5]


# ---- silence


def every(hours: float, count: int, jitter: float = 0.0) -> list[Item]:
    dice = random.Random(7)
    return [
        reading(60 * (hours * n + dice.uniform(-jitter, jitter)), seq=n, ph=7.4 + n % 5 / 50, do_mg_l=8 + n % 3 / 10)
        for n in range(count)
    ]


@pytest.mark.parametrize(("hours", "jitter"), [(24, 0), (24, 3), (4, 0), (4, 0.5), (1, 0.1), (12, 1)])
def test_a_station_that_keeps_its_rhythm_is_never_silent(hours: float, jitter: float) -> None:
    said = run(log_of([*every(hours, 40, jitter), tick(60 * hours * 39 + 60)]))
    assert said.rule("station_silent") == []


# daily at 0 .. 9 d, then nothing: late 1.5 d and missing 3 d after the last one, in its own days
def test_a_daily_station_that_stops_is_silent_in_its_own_time() -> None:
    days = 24 * 60
    said = run(log_of([*every(24, 10), *(tick(9 * days + 60 * hour) for hour in range(1, 80))]))
    raised, escalated = said.rule("station_silent")
    assert raised.started_at == START + timedelta(days=9, hours=36)
    assert (str(raised.event), str(escalated.event)) == ("raised", "escalated")
    assert "1.5 sampling intervals of 24 h" in raised.text.en
    assert "1.5个采样周期（每周期24小时）" in raised.text.zh
    assert "3 sampling intervals of 24 h" in escalated.text.en


def test_a_four_hourly_station_that_stops_is_silent_in_its_own_time() -> None:
    said = run(log_of([*every(4, 10), tick(60 * (36 + 5.9)), tick(60 * (36 + 6.1))]))
    (raised,) = said.rule("station_silent")
    assert raised.started_at == START + timedelta(hours=42)


def test_a_station_of_which_nothing_is_known_has_a_day_and_a_half() -> None:
    assert run(log_of([reading(0), tick(60 * 35)])).rule("station_silent") == []
    (raised,) = run(log_of([reading(0), tick(60 * 36 + 1)])).rule("station_silent")
    assert raised.started_at == START + timedelta(hours=36)


def registered(log: list[Item], **intervals: int) -> Said:
    chosen = book()
    rules = WaterRules(chosen, MappingProxyType({name: hours * HOUR for name, hours in intervals.items()}))
    said = Said()
    said.take(Process(TimelineJudge(rules, chosen), TOPIC).worker.judge(log_of(log))[0])
    return said


def test_the_register_s_interval_holds_from_the_first_reading_on() -> None:
    (raised,) = registered([reading(0), tick(91)], p1=1).rule("station_silent")
    assert raised.started_at == START + timedelta(minutes=90)
    assert registered([reading(0), tick(91)], p2=1).rule("station_silent") == []


def test_the_register_is_read_from_the_district_file() -> None:
    text = DISTRICT_FILE.read_text(encoding="utf-8")
    assert intervals_of(district_of(text, file="d.toml")) == {}
    text = text.replace('id = "water-beihu-2"', 'id = "water-beihu-2", interval_seconds = 14400', 1)
    assert intervals_of(district_of(text, file="d.toml")) == {"water-beihu-2": 4 * HOUR}
    with pytest.raises(PlanFileError, match=r"d\.toml: lake\[3\]\.points\[1\]\.interval_seconds: "):
        district_of(text.replace("14400", "0"), file="d.toml")


def test_an_interval_of_the_policy_holds_for_every_station() -> None:
    fixed = policy(quality={"interval_seconds": 3_600})
    (raised,) = run(log_of([*every(4, 1), tick(91)]), fixed).rule("station_silent")
    assert raised.started_at == START + timedelta(minutes=90)


def test_the_rhythm_does_not_depend_on_the_order_of_arrival() -> None:
    items = every(24, 12)
    shuffled = [*items[:4], items[5], items[4], items[7], items[6], *items[8:]]
    end = [tick(60 * (24 * 11 + hour)) for hour in (1, 37, 80)]
    inside = policy(window={"lateness_seconds": 5 * 86_400})
    logs = [log_of([*order, *end]) for order in (items, shuffled)]
    first, second = [run(log, inside).final_alerts(log) for log in logs]
    assert first == second
    assert len(first) == 1
