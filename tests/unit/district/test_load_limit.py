"""Finding the highest rate, what was saturated, and the pages of a load; no server."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.fields import Feed
from services.district import load_limit
from services.district.load_cpu import saturated, shares
from services.district.load_limit import PROBE_SECONDS, find_limit
from services.district.load_page import limit_page, load_page
from services.district.load_running import Result, as_data
from services.district.load_search import Search
from services.district.load_verdict import Account, Limits, Loss, missed, too_slow
from simulators.load.generator import LoadPlan
from simulators.load.latency import Latency
from simulators.load.schedule import Schedule, Shape


def plan(**changes: Any) -> LoadPlan:
    asked: dict[str, Any] = {
        "rate": 1_000.0, "seconds": 60.0, "devices": 300, "batch": 1, "feeds": tuple(Feed), "lane": "exercise:load",
        "boot_id": "load-1", "receipts": False, "troubled": False, "connections": 4, "window": 20_000,
        "drain_seconds": 90.0,
    }  # fmt: skip
    return LoadPlan(**asked | changes)


def result(of: LoadPlan, *, stored_ms: float = 100.0, lost: int = 0, drained: float = 1.0, **changes: Any) -> Result:
    latency = Latency()
    latency.add([stored_ms / 1_000] * 100)
    sent = round(of.rate * of.seconds)
    losses = (Loss("ev", "load-ev-<1>", lost, "7-9"),) if lost else ()
    known: dict[str, Any] = {
        "plan": of,
        "sending": {"sent": sent, "seconds": of.seconds, "late_p99_ms": 1.0, "cpu_share": 0.2, "unfinished": 0},
        "latency": {"acknowledged": latency, "stored": latency, "judged": None, "alert": None},
        "unknown": {"judged": "no Kafka is named", "alert": "no Kafka is named"},
        "account": Account(sent, sent - lost, 0, losses),
        "drained_seconds": drained,
        "trouble": None,
        "missed": missed(Limits(stored_ms=1_000), {"stored": stored_ms}, lost),
        "too_slow": too_slow(Limits(stored_ms=1_000), {"stored": stored_ms}),
        "status": 1 if lost else 0,
        "water_judged": None,
        "cpu": {"postgres": 0.9, "kafka": 0.6, "load generator": 0.2},
    }
    return Result(**known | changes)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_limit, "PAUSE_SECONDS", 0.0)


async def test_the_best_rate_that_was_probed_is_held_for_the_whole_time() -> None:
    tried: list[tuple[float, float]] = []

    async def run(one: LoadPlan) -> Result:
        tried.append((one.rate, one.seconds))
        return result(one, stored_ms=100.0 if one.rate <= 5_300 else 3_000.0)

    found = await find_limit(plan(), Search(1_000, 100_000, 0.05), run)
    assert [rate for rate, seconds in tried if seconds == PROBE_SECONDS][:4] == [1_000, 2_000, 4_000, 8_000]
    assert found.held is not None
    assert found.held.is_long
    assert 5_000 <= found.held.result.plan.rate <= 5_300
    assert tried[-1] == (found.held.result.plan.rate, 60.0)
    refused = found.first_not_held
    assert refused is not None
    assert 5_300 < refused.result.plan.rate <= 5_600
    assert refused.why_not == ("stored p99 3000.0 ms, 1000 ms allowed",)


async def test_what_is_not_held_for_long_gives_way_to_the_next_lower_rate() -> None:
    async def run(one: LoadPlan) -> Result:
        return result(
            one, drained=6.0 if one.seconds > PROBE_SECONDS and one.rate > 2_000 else 1.0, lost=one.rate > 4_000
        )

    found = await find_limit(plan(), Search(1_000, 100_000, 0.3), run)
    assert found.held is not None
    assert found.held.result.plan.rate == 2_000
    longs = [one for one in found.probes if one.is_long]
    assert [one.is_held for one in longs] == [False] * (len(longs) - 1) + [True]


async def test_no_rate_is_held_when_even_the_first_is_lost_or_nobody_can_say() -> None:
    async def lossy(one: LoadPlan) -> Result:
        return result(one, lost=3)

    async def unknown(one: LoadPlan) -> Result:
        return result(one, account=None, drained_seconds=None)

    for run, why in (
        (lossy, "3 neither stored nor in dead letters"),
        (unknown, "no database is named, so nobody can say"),
    ):
        found = await find_limit(plan(), Search(100, 1_000, 0.5), run)
        assert found.held is None
        assert found.probes[0].why_not == (why,)


async def test_each_probe_of_an_exercise_has_a_lane_of_its_own_and_live_stays_live() -> None:
    lanes: list[str] = []

    async def run(one: LoadPlan) -> Result:
        lanes.append(one.lane)
        return result(one, lost=int(one.rate > 2_000))

    await find_limit(plan(), Search(1_000, 100_000, 0.5), run)
    assert len(set(lanes)) == len(lanes)
    assert all(lane.startswith("exercise:load-") for lane in lanes)
    lanes.clear()
    await find_limit(plan(lane="live"), Search(1_000, 100_000, 0.5), run)
    assert set(lanes) == {"live"}


def test_what_was_saturated_first() -> None:
    assert (
        saturated({"postgres": 0.9, "kafka": 0.8}, 2)
        == "the machine: 1.7 of 2 processors busy, most of it postgres with 90% of a processor"
    )
    assert saturated({"bridge": 0.95, "kafka": 0.1}, 8) == "bridge with 95% of a processor"
    assert saturated({"bridge": 0.2}, 8) == "no processor: 0.2 of 8 busy, most of it bridge with 20% of a processor"
    assert saturated({}, 8) == "not known: the servers do not run here"


def test_processors_are_those_between_two_looks_and_a_new_process_is_left_out() -> None:
    assert shares({"a": 10.0, "b": 5.0}, {"a": 11.0, "b": 9.0, "c": 3.0}, 2.0) == {"b": 2.0, "a": 0.5}
    assert shares({}, {"a": 1.0}, 2.0) == {}


@pytest.mark.parametrize("shape", list(Shape))
def test_messages_of_every_shape_are_due_in_order_and_within_the_time(shape: Shape) -> None:
    schedule = Schedule(100, 20, 2, shape)
    due = [schedule.due_at(message) for message in range(schedule.messages)]
    assert due == sorted(due)
    assert due[0] == 0
    assert due[-1] < 20
    for at in (0.0, 0.3, 5.5, 9.99, 10.0, 13.7, 19.999):
        by = schedule.due_by(at)
        assert due[by - 1] <= at + 1e-9
        assert by == schedule.messages or due[by] > at - 1e-9


def test_a_ramp_has_half_of_the_messages_and_a_burst_all_of_them_in_the_first_second_of_ten() -> None:
    assert Schedule(100, 20, 1, Shape.RAMP).messages == 1_000
    assert Schedule(100, 20, 1, Shape.BURST).messages == Schedule(100, 20, 1).messages == 2_000
    burst = Schedule(100, 20, 1, Shape.BURST)
    assert (burst.due_by(0.5), burst.due_by(1.0), burst.due_by(9.0), burst.due_by(11.0)) == (501, 1_000, 1_000, 2_000)
    assert burst.due_at(1_000) == 10.0


async def test_pages_have_both_languages_and_say_what_is_not_known() -> None:
    async def run(one: LoadPlan) -> Result:
        return result(one, lost=int(one.rate > 2_000))

    found = await find_limit(plan(), Search(1_000, 100_000, 0.5), run)
    one = load_page(result(plan(), lost=3), processors=2)
    assert one.count("<svg") == 2
    assert "no Kafka is named" in one
    assert "load-ev-&lt;1&gt;" in one
    assert "负载报告" in one
    limit = limit_page(found, processors=2)
    assert limit.count("<svg") == 4
    assert "What was saturated first" in limit
    assert limit == limit_page(found, processors=2)


def test_json_has_null_for_what_is_not_known() -> None:
    said = as_data(result(plan()))
    assert said["latency"]["judged"] is None
    assert said["unknown"]["judged"] == "no Kafka is named"
    assert said["cpu"]["postgres"] == 0.9
