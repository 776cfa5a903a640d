"""How a drill is scored, what it says, and how a scenario is played; no server."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.fields import Feed
from services.district.drill.account import AlertSeen, DrillAccount, FeedAccount, Live
from services.district.drill.command import limits_missed
from services.district.drill.drilling import HowToDrill, prepared
from services.district.drill.report import drill_page
from services.district.drill.scoring import Heard, Scores, scored
from services.district.errors import LaneRefused
from services.read_model.drills import LatencyRow
from simulators.errors import SimulatorError
from simulators.world.files import load_world
from simulators.world.library import load_for, load_scenario, scenario_files
from simulators.world.playing import Cast, Play
from simulators.world.run import Order, WorldRun
from simulators.world.truth import Truth, TruthKind

ROOT: Final = Path(__file__).resolve().parents[3]
WORLD: Final = load_world(0.1)
LOT: Final = WORLD.district.lot[0].id
BEGIN: Final = 1_783_468_800.0
HOUR: Final = 3_600.0
NOW: Final = datetime(2026, 11, 27, 4, tzinfo=UTC)


@dataclass(frozen=True)
class Alert:
    alert_id: str
    rule: str
    asset: str
    started_at: datetime
    raised_at: datetime


def alert(number: int, rule: str, asset: str, started: float, raised: float | None = None) -> Alert:
    at, later = (datetime.fromtimestamp(BEGIN + each, UTC) for each in (started, raised or started))
    return Alert(f"a{number}", rule, asset, at, later)


def silent(begin: float, end: float, device: str = LOT) -> Truth:
    return Truth(TruthKind.FAULT, "gap", device, BEGIN + begin, BEGIN + end, 1.0, "", 5)


def score(*alerts: Alert, truth: list[Truth], end: float = 24 * HOUR, **more: Any) -> Scores:
    heard = Heard(alerts, more.pop("withdrawn", ()), more.pop("ended", {}), BEGIN, BEGIN + end, **more)
    return scored(heard, truth, Feed.PARKING, WORLD)


def test_a_silence_is_found_by_an_alert_that_began_with_it() -> None:
    found = score(alert(1, "parking.lot_silent", LOT, HOUR, HOUR + 1_800), truth=[silent(HOUR, 3 * HOUR)])
    (one,) = found.findings
    assert (one.delay, one.is_cut) == (1_800.0, False)
    assert (found.right, found.false) == (1, ())


@pytest.mark.parametrize(
    ("rule", "asset", "started"),
    [
        ("parking.counter_stuck", LOT, HOUR),
        ("parking.lot_silent", WORLD.district.lot[1].id, HOUR),
        ("parking.lot_silent", LOT, 0.5 * HOUR),
        ("parking.lot_silent", LOT, 5 * HOUR),
    ],
    ids=["another rule", "another asset", "before it", "long after it"],
)
def test_any_other_alert_does_not_find_it(rule: str, asset: str, started: float) -> None:
    found = score(alert(1, rule, asset, started), truth=[silent(HOUR, 3 * HOUR)])
    assert [one.delay for one in found.findings] == [None]
    assert found.of["gap"].wanted == 1


def test_an_alert_about_a_device_that_nothing_explains_is_false_and_one_that_was_taken_back_is_not() -> None:
    one = alert(1, "parking.lot_silent", LOT, HOUR)
    assert score(one, truth=[]).false == (one,)
    back = score(one, truth=[], withdrawn={"a1"})
    assert (back.false, back.withdrawn) == ((), 1)


def test_what_is_not_over_when_the_run_ends_is_neither_found_nor_missed() -> None:
    found = score(truth=[silent(HOUR, 3 * HOUR)], end=3.5 * HOUR)
    assert [one.is_cut for one in found.findings] == [True]
    assert found.of == {}
    late = score(alert(1, "parking.lot_silent", LOT, HOUR), truth=[silent(HOUR, 3 * HOUR)], end=3.5 * HOUR)
    assert late.of["gap"].wanted == 1


def test_what_had_begun_before_the_run_is_not_missed_as_nobody_had_heard_of_the_device() -> None:
    before = silent(-HOUR, 3 * HOUR)
    assert score(truth=[before]).of == {}
    assert score(alert(1, "parking.lot_silent", LOT, -HOUR, HOUR), truth=[before]).of["gap"].delays == [2 * HOUR]


def test_a_wrong_clock_is_scored_in_real_life_alone() -> None:
    skew = [Truth(TruthKind.FAULT, "clock_skew", LOT, BEGIN + HOUR, BEGIN + 4 * HOUR, 3_600.0)]
    assert len(score(truth=skew).findings) == 1
    assert score(truth=skew, is_live=False).findings == ()


def account(**changes: Any) -> DrillAccount:
    truth = [silent(HOUR, 3 * HOUR), silent(5 * HOUR, 6 * HOUR, WORLD.district.lot[1].id)]
    seen = AlertSeen(
        "a1", "parking", "parking.lot_silent", LOT, "<停车场>", "Lot & Co", "III",
        datetime.fromtimestamp(BEGIN + HOUR, UTC), datetime.fromtimestamp(BEGIN + HOUR + 600, UTC), None, False,
        "没有数据 <b>", "No data <b>", "wang", 42.0,
    )  # fmt: skip
    found = score(alert(1, "parking.lot_silent", LOT, HOUR, HOUR + 600), truth=truth)
    feeds = [FeedAccount(Feed.PARKING, 15, 100, 2, 1, 99, {"future_time": 1}, 1, (), 101, 0)]
    made = DrillAccount(
        "gap", "断网", "Gap", "A silence.", "exercise:gap-1", 1, False,
        datetime.fromtimestamp(BEGIN, UTC), datetime.fromtimestamp(BEGIN + 24 * HOUR, UTC), 12.0, feeds,
        {Feed.PARKING: found}, [seen], 3, (),
        Live(LatencyRow(100, 50.0, 100.0), LatencyRow(100, 60.0, 120.0)),
    )  # fmt: skip
    return replace(made, **changes)


def test_what_a_drill_came_to_is_said_for_machines() -> None:
    said = account().to_json()
    assert said["recall"] == 0.5
    assert said["results"][0]["delay_p50_s"] == 600.0
    assert (said["acknowledged"], said["time_to_acknowledge_p50_s"]) == (1, 42.0)
    assert (said["balanced"], said["boots_in_live"], said["live_slowed"]) == (True, [], False)


@pytest.mark.parametrize(
    ("changes", "recall", "false", "words"),
    [
        ({}, None, None, []),
        ({}, 0.5, 0, []),
        ({}, 0.6, None, ["0.50 was found, asked for was at least 0.6"]),
        ({"boots_in_live": ("world-1-0",)}, None, None, ["real life has readings of the drill, by boots world-1-0"]),
        ({"scores": {}}, 0.1, None, ["nothing was to be found, asked for was at least 0.1"]),
    ],
)
def test_limits(changes: dict[str, Any], recall: float | None, false: int | None, words: list[str]) -> None:
    assert list(limits_missed(account(**changes), recall, false)) == words


def test_a_reading_that_is_neither_stored_nor_refused_fails_the_drill() -> None:
    feeds = [replace(account().feeds[0], missing=("lot-1 boot 7",), stored=98)]
    (words,) = limits_missed(account(feeds=feeds), None, None)
    assert words.startswith("1 readings are neither stored nor refused")


@pytest.mark.parametrize(
    ("before", "during", "slowed"),
    [(100.0, 120.0, False), (100.0, 340.0, False), (100.0, 360.0, True), (1_000.0, 1_900.0, False), (None, 5.0, None)],
)
def test_live_is_slowed_when_it_takes_twice_as_long_and_one_feels_it(
    before: float | None, during: float, slowed: bool | None
) -> None:
    assert Live(LatencyRow(10, 1.0, before), LatencyRow(10, 1.0, during)).is_slowed is slowed


def test_the_page_has_both_languages_and_takes_no_text_as_markup() -> None:
    page = drill_page(account())
    assert "演练报告：断网" in page
    assert "Drill: Gap" in page
    assert "&lt;停车场&gt;" in page
    assert "<停车场>" not in page
    assert page.count("<svg") == 4
    assert "http://" not in page.replace("http://www.w3.org/", "").replace("http://purl.org/", "").replace(
        "http://creativecommons.org/", ""
    )
    assert "<script" not in page


def test_the_same_drill_is_the_same_bytes_in_another_process() -> None:
    code = (
        "import sys; from tests.unit.district.test_drill import account, drill_page; "
        "sys.stdout.write(drill_page(account()))"
    )
    pages = set()
    for seed in ("1", "2"):
        variables = {"PYTHONHASHSEED": seed, "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True, check=True
        )
        pages.add(done.stdout)
    assert pages == {drill_page(account())}


def test_every_scenario_says_how_a_drill_plays_it() -> None:
    for file in scenario_files():
        drill = load_scenario(file.stem)[0].drill
        assert drill.feeds
        if drill.short is not None:
            begin, end = drill.short.window
            assert 0 <= begin < end <= drill.days * 86_400
            assert set(drill.short.feeds) <= set(drill.feeds)


def test_a_drill_is_played_on_days_that_are_over() -> None:
    summer, tax = (prepared(name, HowToDrill(), NOW).cast[0].order for name in ("chemical-spill", "year-end-tax"))
    assert (summer.first, tax.first) == (date(2026, 7, 8), date(2025, 12, 15))


def test_the_lane_of_a_drill_is_one_of_an_exercise() -> None:
    assert prepared("quiet-day", HowToDrill(), NOW).lane == "exercise:quiet-day-20261127t040000z"
    assert prepared("quiet-day", HowToDrill(lane="exercise:mine"), NOW).lane == "exercise:mine"
    for lane in ("live", "replay:x", "whatif:x"):
        with pytest.raises(LaneRefused):
            prepared("quiet-day", HowToDrill(lane=lane), NOW)


def test_an_unknown_scenario_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SimulatorError, match="there is no scenario 'flood'; there are algal-bloom"):
        prepared("flood", HowToDrill(), NOW)


def test_a_window_is_heard_from_its_first_minute_and_numbers_begin_at_0() -> None:
    scenario = load_for("chemical-spill", WORLD)
    order = Order(7, date(2026, 7, 8), 1, "exercise:x", feeds=(Feed.WATER,), window=(9 * 3_600, 11 * 3_600))
    lines = [each for part in WorldRun(WORLD, scenario, order).parts(60) for each in part.lines[Feed.WATER]]
    assert order.begin <= lines[0][0]
    assert lines[-1][0] < order.end
    assert b'"seq":0,' in lines[0][1]
    with pytest.raises(ValueError, match="no whole number of parts"):
        next(WorldRun(WORLD, scenario, replace(order, window=(0, 90))).parts(60))


class Stage:
    """Hears what a play sends."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    async def turn(self, readings: int) -> None: ...
    async def drain(self) -> None: ...
    def flush(self) -> None: ...

    def tick(self, feed: Feed, at: datetime, *, closes: bool = False) -> None:
        self.said.append(("tick", feed, at.timestamp(), closes))

    async def publish(self, topic: str, _payload: bytes, key: tuple[str, int], boot_id: str | None = None) -> None:
        self.said.append(("reading", topic, key, boot_id))

    async def publish_other(self, topic: str, payload: bytes) -> None:
        self.said.append(("garbage", topic, payload))


async def test_all_feeds_are_played_in_step_with_the_lane_s_clock_before_each_minute() -> None:
    window = (9 * 3_600, 9 * 3_600 + 1_800)
    scenario = load_for("sensor-vandalism", WORLD)
    cast = [
        Cast(feed, WORLD, Order(7, date(2026, 7, 8), 1, "exercise:x", feeds=(feed,), window=window))
        for feed in (Feed.WATER, Feed.PARKING)
    ]
    play, stage, times = Play(scenario, cast), Stage(), []
    await play.perform(stage, speed=None, on_time=times.append)  # type: ignore[arg-type]
    ticks = [each for each in stage.said if each[0] == "tick"]
    assert [each[2] for each in ticks if each[1] is Feed.WATER] == [play.begin + 60.0 * n for n in range(-1, 31)]
    assert stage.said[0][0] == "tick"
    assert times[-1] == play.end
    readings = [each for each in stage.said if each[0] == "reading"]
    assert play.sent.messages == len(readings) + len([each for each in stage.said if each[0] == "garbage"])
    assert {each[1].split("/")[1] for each in readings} == {"water", "parking"}
    assert {key[0] for key in play.sent.keys} == {Feed.WATER, Feed.PARKING}


async def test_repeats_and_what_is_no_reading_are_counted_apart() -> None:
    window = (9 * 3_600, 12 * 3_600)
    scenario = load_for("sensor-vandalism", WORLD)
    play = Play(
        scenario, [Cast(Feed.EV, WORLD, Order(7, date(2026, 7, 8), 1, "exercise:x", feeds=(Feed.EV,), window=window))]
    )
    stage = Stage()
    await play.perform(stage, speed=None, on_time=lambda _: None)  # type: ignore[arg-type]
    truth = play.truth(Feed.EV)
    assert play.sent.garbage[Feed.EV] == sum(each.readings or 0 for each in truth if each.what == "garbage") > 0
    assert play.sent.repeats[Feed.EV] > 0
    assert play.sent.readings[Feed.EV] == len(play.sent.keys)
    assert {each[1] for each in stage.said if each[0] == "garbage"} == {"jianghan/ev/unreadable/unreadable/relay"}
