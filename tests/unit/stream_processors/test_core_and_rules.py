"""The core with the rules of real feeds: versions that come back, late ends of a replay, hours without an owner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from schemas.emergency import EmergencyReading, Step
from schemas.fields import Feed
from schemas.parking import ParkingReading
from schemas.plan.policy import PolicyDocument
from services.stream_processors.engine.events import Fate
from services.stream_processors.engine.worker import Worker
from services.stream_processors.plan.files import load_document
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.recorded import Item, Record, Result, item, log_of, publication, run, tick

PLAN = Path(__file__).resolve().parents[3] / "deploy" / "plan"
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LANE = "replay:day"


def judge(feed: Feed) -> Any:
    (found,) = build_judges([feed.value], ProcessorSettings())
    return found


def lot(minute: float, free: int, name: str = "lot-1", lane: str = "live") -> Item:
    return item(
        ParkingReading(
            feed=Feed.PARKING,
            device_id=name,
            group_id="zone",
            boot_id="b",
            seq=int(minute * 60),
            observed_at=NOON + minute * MINUTE,
            lane=lane,
            total_spaces=100,
            free_spaces=free,
        )
    )


def nearly_full_at(share: float, version: str) -> PolicyDocument:
    document = load_document(PLAN / "policies" / "parking.toml", PolicyDocument)
    limits = tuple(
        limit.model_copy(update={"value": share}) if limit.id == "parking.nearly_full" else limit
        for limit in document.limit
    )
    head = document.policy.model_copy(update={"version": version})
    return document.model_copy(update={"policy": head, "limit": limits})


# occupancy 94 %: over the limit under A (0.93; the alert ends below 0.92), not under B (0.99)
def test_a_limit_published_again_is_judged_by_again() -> None:
    a, b = nearly_full_at(0.93, "2"), nearly_full_at(0.99, "3")
    log = [tick(NOON), *(one for m in range(1, 30) for one in (lot(m, 6), tick(NOON + m * MINUTE)))]

    def standing(*documents: PolicyDocument) -> set[str]:
        found = run(judge(Feed.PARKING), log_of([*log, *map(publication, documents)]))
        return {alert["rule"] for alert in found.standing().values()}

    assert standing(a) == {"parking.lot_full"}
    assert standing(a, b) == set()
    assert standing(a, b, a) == {"parking.lot_full"}


def test_what_comes_behind_the_last_clock_message_of_a_replay_is_judged_when_it_closes() -> None:
    order = [lot(m, 40 + m % 5, lane=LANE) for m in range(100)]
    full = [lot(m, 0, "lot-2", LANE) for m in range(100)]
    opening = tick(NOON - MINUTE, LANE)
    end, close = tick(NOON + 100 * MINUTE, LANE), tick(NOON + 100 * MINUTE, LANE, closes=True)
    expected = run(judge(Feed.PARKING), log_of([opening, *order, *full, end, close]))
    overtaken = run(judge(Feed.PARKING), log_of([opening, *order, end, *full, close]))
    assert "parking.lot_full" in {alert["rule"] for alert in expected.standing().values()}
    assert overtaken.standing() == expected.standing()
    assert overtaken.figures() == expected.figures()


def test_an_hour_without_an_owner_is_judged_in_its_order() -> None:
    def judged(*, owner: bool) -> Result:
        records: list[Record] = []

        def put(at: datetime, one: Item) -> None:
            records.append(Record(len(records), *one, timestamp=int(at.timestamp() * 1_000)))

        put(NOON - MINUTE, tick(NOON - MINUTE))
        for minute in range(60):
            now = NOON + minute * MINUTE
            for number in range(30):
                free = 0 if number == 29 and 40 <= minute < 58 else 40 + (minute + number) % 7
                put(now + timedelta(seconds=1), lot(minute + number / 60_000, free, f"lot-{number}"))
            if owner:
                put(now + MINUTE / 2, tick(now + MINUTE / 2))
        for minute in (60, 61, 180):
            put(NOON + minute * MINUTE, tick(NOON + minute * MINUTE))
        return run(judge(Feed.PARKING), records, batch=200)

    expected, found = judged(owner=True), judged(owner=False)
    assert found.fates.keys() <= {Fate.IN_ORDER, Fate.LATE}
    assert "parking.lot_full" in {alert["rule"] for alert in found.standing().values()}
    assert found.standing() == expected.standing()
    assert found.figures() == expected.figures()


def test_a_time_that_no_calendar_has_room_for_keeps_no_other_call_from_being_judged() -> None:
    def step(second: int, call: str, step: Step, **times: datetime) -> Item:
        return item(
            EmergencyReading(
                feed=Feed.EMERGENCY,
                device_id="desk",
                group_id="jianghan",
                boot_id="b",
                seq=second,
                observed_at=NOON + timedelta(seconds=second),
                incident_id=call,
                unit_id="u1",
                step=step,
                **times,
            )
        )

    near_too = {"call_received_at": NOON, "on_scene_at": NOON}
    value, headers = step(0, "far", Step.ON_SCENE, **near_too)
    far = orjson.dumps({**orjson.loads(value), **dict.fromkeys(near_too, "9999-12-31T20:00:00Z")}), headers
    near = step(1, "near", Step.CALL_RECEIVED, call_received_at=NOON)
    worker = Worker(judge(Feed.EMERGENCY), "t", 0)
    result = Result()
    outputs, refused = worker.judge(log_of([far, near, tick(NOON + 30 * MINUTE)]))
    result.take(outputs)
    assert [one.coordinates.offset for one in refused] == [0]
    assert "emergency.response_breach near raised" in result.events()
