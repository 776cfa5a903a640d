"""A recorded log of each feed, for states of released versions: plain readings, alerts open in the middle.

Nothing here is drawn by chance. A log is cut where something is under way (late readings wait, a count has fallen).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from schemas.emergency import EmergencyReading, Step, UnitState
from schemas.envelope import Envelope
from schemas.ev import ConnectorState, ErrorCode, EvContext, EvReading
from schemas.fields import Feed
from schemas.parking import ParkingReading
from schemas.tax import TaxEntry, TaxKind, TaxReading
from schemas.water import WaterBody, WaterReading
from tests.unit.stream_processors.recorded import Item, item, tick

NOON: Final = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
YEAR: Final = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3_600, 86_400))
LANE: Final = "replay:day"


class Log(NamedTuple):
    """Records before the state and after it."""

    before: list[Item]
    rest: list[Item]


class Numbers:
    """Sequence numbers by device and lane."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, str], int] = {}

    def head(self, feed: Feed, device: str, group: str, at: datetime, lane: str = "live") -> dict[str, Any]:
        seq = self._next.get((device, lane), 0)
        self._next[device, lane] = seq + 1
        return {
            "feed": feed,
            "device_id": device,
            "group_id": group,
            "boot_id": "b",
            "seq": seq,
            "observed_at": at,
            "lane": lane,
        }


def parking() -> Log:
    """Five lots of a zone: one full for half an hour, one full to the end, one silent; cut while late ones wait."""
    numbers, log, cut = Numbers(), [], 0

    def lot(name: str, minute: float, free: int, lane: str = "live") -> Item:
        head = numbers.head(Feed.PARKING, name, "cbd", NOON + minute * MINUTE, lane)
        entries = None if name == "lot-3" else int(minute) * 3
        return item(ParkingReading(**head, total_spaces=100, free_spaces=free, entries_total=entries))

    for minute in range(300):
        for number in range(5):
            if number == 4 and minute >= 230:
                continue
            full = (number == 1 and 60 <= minute < 90) or (number == 2 and minute >= 120)
            below = number == 3 and minute in {140, 280}
            free = 0 if full else -3 if below else 30 + (minute * (number + 2)) % 40
            log.append(lot(f"lot-{number}", minute, free))
        if minute in {149, 250}:
            log += [lot("lot-0", minute - late + 0.5, 2) for late in (40, 39, 38, 3)]
            log.append(lot("lot-1", minute + 20.5, 5))
            cut = cut or len(log)
        if minute % 5 == 0 and minute >= 100:
            log.append(lot("lot-1", minute - 100, 0 if minute < 200 else 60, LANE))
            log.append(tick(NOON + (minute - 99) * MINUTE, LANE))
        if minute != 149:
            log.append(tick(NOON + minute * MINUTE + 30 * SECOND))
    log += [tick(NOON + minutes * MINUTE) for minutes in (301, 360, 720)]
    return Log(log[:cut], log[cut:])


def water() -> Log:
    """Two lakes of two points over a week; one lake is worse than its target, one point falls silent."""
    numbers, log = Numbers(), []
    for hour in range(24 * 7):
        log.append(tick(NOON + hour * HOUR))
        for lake, number in (("beihu", 0), ("beihu", 1), ("houxianghe", 0), ("houxianghe", 1)):
            if lake == "houxianghe" and number == 1 and hour > 120:
                continue
            bad = lake == "beihu" and (30 <= hour < 60 or hour >= 70)
            reading = WaterReading(
                **numbers.head(Feed.WATER, f"{lake}-p{number}", lake, NOON + hour * HOUR + number * MINUTE),
                water_body=WaterBody.LAKE,
                ph=round(7.5 + hour % 7 / 100, 2),
                do_mg_l=round(8.0 + hour % 11 / 100, 2),
                codmn_mg_l=round(3.0 + hour % 5 / 10, 1),
                nh3n_mg_l=round(0.2 + hour % 3 / 100, 2),
                tp_mg_l=round((0.3 if bad else 0.03) + hour % 13 / 1_000, 3),
                tn_mg_l=round(0.8 + hour % 4 / 100, 2),
                water_temp_c=round(18 + hour % 24 / 10, 1),
            )
            log.append(item(reading))
        log.append(tick(NOON + hour * HOUR + 5 * MINUTE))
    cut = len(log) * 3 // 5
    return Log(log[:cut], [*log[cut:], tick(NOON + 7 * DAY), tick(NOON + 8 * DAY)])


def ev() -> Log:
    """Four connectors of a site: one with two faults, the second lasts; one falls silent."""
    numbers, log = Numbers(), []
    for step in range(240):
        at = NOON + step * 2 * MINUTE
        for number in range(4):
            if number == 3 and step > 90:
                continue
            fault = number == 1 and (20 <= step < 40 or step >= 100)
            busy = not fault and step // (10 + number) % 2 == 1
            idle = ConnectorState.CHARGING if busy else ConnectorState.IDLE
            reading = EvReading(
                **numbers.head(Feed.EV, f"c{number}", "site-1", at + number * SECOND),
                context=EvContext.PERIODIC,
                status=ConnectorState.FAULT if fault else idle,
                error_code=ErrorCode.GROUND_FAILURE if fault else ErrorCode.NO_ERROR,
                rated_power_kw=60.0,
                power_kw=40.0 if busy else 0.0,
                energy_register_kwh=100.0 + step,
            )
            log.append(item(reading))
        log.append(tick(at + 30 * SECOND))
    cut = len(log) * 31 // 50
    return Log(log[:cut], [*log[cut:], tick(NOON + 8 * HOUR + 5 * MINUTE), tick(NOON + DAY)])


def emergency() -> Log:
    """Sixty calls, some over their ten minutes, some never reached; six units that report where they are."""
    numbers = Numbers()
    log: list[Item] = []
    clock = NOON - 10 * SECOND
    for at, make in sorted([*_calls(), *_reports()], key=lambda one: one[0]):
        while clock < at:
            log.append(tick(clock))
            clock += 150 * SECOND
        log.append(item(make(numbers)))
    cut = len(log) * 11 // 20
    return Log(log[:cut], [*log[cut:], tick(NOON + 6 * HOUR), tick(NOON + 13 * HOUR)])


_Event = tuple[datetime, Callable[[Numbers], Envelope]]


def _calls() -> list[_Event]:
    found: list[_Event] = []

    def add(at: datetime, call: str, unit: str | None, step: Step, **times: datetime) -> None:
        def make(numbers: Numbers) -> Envelope:
            head = numbers.head(Feed.EMERGENCY, unit or "desk", "jianghan", at)
            kind = "ambulance" if unit else None
            return EmergencyReading(
                **head, incident_id=call, unit_id=unit, unit_type=kind, step=step, street="wansong", **times
            )

        found.append((at, make))

    for number in range(60):
        received = NOON + number * 5 * MINUTE
        call, unit, sent = f"call-{number}", f"u{number % 6}", received + MINUTE
        add(received, call, None, Step.CALL_RECEIVED, call_received_at=received)
        known = {"call_received_at": received, "dispatched_at": sent}
        add(sent, call, unit, Step.DISPATCHED, **known)
        if number % 10 == 9:
            continue
        there = received + (12 * MINUTE if number % 7 == 3 else timedelta(minutes=6, seconds=number % 50))
        add(there, call, unit, Step.ON_SCENE, **known, on_scene_at=there)
        free = there + 10 * MINUTE
        add(free, call, unit, Step.AVAILABLE, **known, on_scene_at=there, available_at=free)
    return found


def _reports() -> list[_Event]:
    found: list[_Event] = []

    def add(at: datetime, unit: str, longitude: float, latitude: float) -> None:
        def make(numbers: Numbers) -> Envelope:
            return EmergencyReading(
                **numbers.head(Feed.EMERGENCY, f"{unit}-gps", "jianghan", at),
                unit_id=unit,
                unit_type="ambulance",
                unit_state=UnitState.AVAILABLE,
                longitude=longitude,
                latitude=latitude,
            )

        found.append((at, make))

    for minute in range(0, 330, 5):
        for number in range(6):
            east = 114.2574 + number * 0.004 + minute % 15 / 5_000
            add(NOON + minute * MINUTE + (number + 1) * SECOND, f"u{number}", east, 30.6057 - number * 0.003)
    return found


def tax() -> Log:
    """A year of 24 buildings, one at 114 million in November, one that has fallen below its 100 million just now."""
    numbers = Numbers()
    entries = [
        (
            (YEAR + timedelta(days=30.3 * month + 1 + number * 0.9, hours=9 + number % 7)).replace(microsecond=0),
            f"b{number}",
            f"r-{month}-{number}",
            9_500_000 if number == 0 else 10_363_636 if number == 1 else 1_500_000 + number * 330_001,
            TaxEntry.PAYMENT,
            month,
        )
        for month in range(12)
        for number in range(24)
    ]
    entries.append((YEAR + 331 * DAY, "b0", "back-1", -6_000_000, TaxEntry.REFUND, 10))
    entries.append((YEAR + 290 * DAY, "b5", "back-2", -1_000_000, TaxEntry.CORRECTION, 8))
    entries.append((YEAR + 300 * DAY, "b7", "wrong-1", -50_000, TaxEntry.PAYMENT, 9))
    log: list[Item] = []
    clock, cut = YEAR + DAY, 0
    for at, building, receipt, amount, entry, month in sorted(entries):
        while clock < at:
            log.append(tick(clock + SECOND))
            clock += DAY
        reading = TaxReading(
            **numbers.head(Feed.TAX, "office", "jianghan", at),
            building_id=building,
            building_name=f"大厦{building}",
            receipt_id=receipt,
            entry=entry,
            tax_kind=TaxKind.VALUE_ADDED,
            tax_period=f"2026-{month + 1:02}",
            amount_cny=Decimal(amount),
        )
        log += [tick(at), item(reading)]
        if receipt == "back-1":
            cut = len(log) + 3
    return Log(log[:cut], [*log[cut:], *(tick(YEAR + days * DAY + SECOND) for days in (360, 364, 365, 366, 370))])


LOGS: Final[MappingProxyType[str, Callable[[], Log]]] = MappingProxyType(
    {"parking": parking, "water": water, "ev": ev, "emergency": emergency, "tax": tax}
)
"""By feed."""
