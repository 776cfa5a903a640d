"""The rules of each feed through the engine: any order, any delay inside the bound, repeats, crashes: the same end."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.emergency import EmergencyReading, Step, UnitState
from schemas.envelope import Envelope
from schemas.ev import ConnectorState, ErrorCode, EvContext, EvReading
from schemas.fields import Feed, Quality
from schemas.parking import ParkingReading
from schemas.tax import TaxEntry, TaxKind, TaxReading
from schemas.water import WaterBody, WaterReading
from services.stream_processors.registry import RULES, build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.recorded import Item, Result, item, log_of, run, tick

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""An hour before local midnight."""
Make = Callable[[random.Random, int, datetime], Envelope]


def head(feed: Feed, device: str, group: str, seq: int, at: datetime) -> dict[str, Any]:
    return {"feed": feed, "device_id": device, "group_id": group, "boot_id": "b", "seq": seq, "observed_at": at}


def parking(dice: random.Random, seq: int, at: datetime) -> Envelope:
    return ParkingReading(
        **head(Feed.PARKING, dice.choice(["l1", "l2", "l3"]), "cbd", seq, at),
        total_spaces=100,
        free_spaces=dice.choice([0, 0, 2, 40, -3, 120]),
        entries_total=dice.choice([None, seq * 3]),
    )


def water(dice: random.Random, seq: int, at: datetime) -> Envelope:
    return WaterReading(
        **head(Feed.WATER, dice.choice(["p1", "p2"]), "beihu", seq, at),
        water_body=WaterBody.LAKE,
        quality=dice.choice([Quality.GOOD] * 9 + [Quality.MAINTENANCE]),
        ph=dice.choice([7.5, 7.6, 9.5]),
        do_mg_l=dice.choice([8.0, 4.0, 1.0]),
        codmn_mg_l=3.0,
        nh3n_mg_l=0.2,
        tp_mg_l=dice.choice([0.03, 0.08, 0.3]),
        tn_mg_l=dice.choice([None, 1.0]),
    )


def ev(dice: random.Random, seq: int, at: datetime) -> Envelope:
    status = dice.choice([*ConnectorState, ConnectorState.FAULT])
    return EvReading(
        **head(Feed.EV, dice.choice(["c1", "c2", "c3"]), "site-1", seq, at),
        context=EvContext.PERIODIC,
        status=status,
        error_code=dice.choice([ErrorCode.NO_ERROR, ErrorCode.GROUND_FAILURE]),
        rated_power_kw=60.0,
        power_kw=dice.choice([0.0, 40.5, 90.0]),
        energy_register_kwh=dice.choice([None, 100.0 + seq, 50.0]),
    )


def emergency(dice: random.Random, seq: int, at: datetime) -> Envelope:
    unit = f"u{dice.randrange(3)}"
    if dice.random() < 0.4:
        return EmergencyReading(
            **head(Feed.EMERGENCY, unit, "jianghan", seq, at),
            unit_id=unit,
            unit_type="ambulance",
            unit_state=dice.choice(list(UnitState)),
            longitude=114.25 + dice.random() / 50,
            latitude=30.59 + dice.random() / 50,
        )
    received = at - timedelta(seconds=dice.choice([0, 300, 599, 600, 601, 1_500]))
    return EmergencyReading(
        **head(Feed.EMERGENCY, unit, "jianghan", seq, at),
        incident_id=f"call-{dice.randrange(6)}",
        unit_id=unit,
        unit_type="ambulance",
        step=dice.choice([Step.CALL_RECEIVED, Step.ON_SCENE]),
        street=dice.choice([None, "wansong"]),
        call_received_at=received,
        on_scene_at=dice.choice([None, at]),
        available_at=dice.choice([None, None, at]),
    )


def tax(dice: random.Random, seq: int, at: datetime) -> Envelope:
    entry = dice.choice(list(TaxEntry))
    amount = Decimal(dice.choice([60_000_000, 99_999_999, 40_000_000, 100_000_000]))
    return TaxReading(
        **head(Feed.TAX, "office", "jianghan", seq, at),
        building_id=dice.choice(["b1", "b2", "b3"]),
        receipt_id=f"r{seq}",
        entry=entry,
        tax_kind=TaxKind.VALUE_ADDED,
        tax_period="2026-11",
        amount_cny=amount if entry is TaxEntry.PAYMENT else -amount,
    )


MAKERS: dict[Feed, tuple[Make, timedelta, timedelta]] = {
    Feed.PARKING: (parking, timedelta(hours=2), timedelta(minutes=50)),
    Feed.WATER: (water, timedelta(hours=30), timedelta(hours=10)),
    Feed.EV: (ev, timedelta(hours=2), timedelta(minutes=20)),
    Feed.EMERGENCY: (emergency, timedelta(hours=2), timedelta(minutes=50)),
    Feed.TAX: (tax, timedelta(days=12), timedelta(days=5)),
}
"""How to make a reading; over which time; how late it may come."""


def readings(feed: Feed, dice: random.Random) -> list[Envelope]:
    make, span, _ = MAKERS[feed]
    count = dice.randrange(2, 60)
    bunches = [START + span * dice.random() for _ in range(dice.randrange(1, 12))]
    found = []
    for seq in range(count):
        at = dice.choice(bunches) + timedelta(seconds=dice.randrange(0, 120))
        found.append(make(dice, seq, at.replace(microsecond=0)))
    return found


def judged(feed: Feed, log: list[Item], crashes: list[int] | None = None) -> Result:
    (judge,) = build_judges([feed.value], ProcessorSettings())
    return run(judge, log_of(log), crashes=crashes or [], batch=7)


def close(feed: Feed) -> Item:
    _, span, late = MAKERS[feed]
    return tick(START + span + late + timedelta(minutes=5))


@pytest.mark.parametrize("feed", sorted(RULES))
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(dice=st.randoms(use_true_random=False))
def test_any_order_any_delay_and_any_crash_end_in_the_same(feed: Feed, dice: random.Random) -> None:
    found = readings(feed, dice)
    in_order = sorted(found, key=lambda one: (one.observed_at, one.device_id, one.seq))
    plain = judged(feed, [*(item(one) for one in in_order), close(feed)])

    late = MAKERS[feed][2]
    repeated = [*found, *(dice.choice(found) for _ in range(5))]
    arrivals = sorted(
        (
            (one.observed_at + late * dice.random() * dice.choice([0, 1, 1]), number)
            for number, one in enumerate(repeated)
        )
    )
    log: list[Item] = []
    spare = dice.choice([0, 5, 1_000_000])
    for at, number in arrivals:
        if dice.random() < 0.3:
            log.append(tick(at, spare=spare))
        log.append(item(repeated[number]))
    log.append(close(feed))
    whole = judged(feed, log)
    assert whole.standing() == plain.standing()
    assert whole.figures() == plain.figures()

    broken = judged(feed, log, [dice.randrange(1, len(log)) for _ in range(3)])
    assert broken.standing() == whole.standing()
    assert {a.event_id: a for a in broken.alerts} == {a.event_id: a for a in whole.alerts}
    assert broken.figures() == whole.figures()
