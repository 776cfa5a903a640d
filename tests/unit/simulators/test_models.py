"""The models: same seed, same data; every reading they make is a valid one; credible by the hour of day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schemas.emergency import EmergencyReading, Step
from schemas.ev import EvReading
from schemas.fields import Feed
from schemas.readings import ANY_READING, Reading
from schemas.tax import TaxEntry
from simulators.emergency.model import EmergencyModel
from simulators.ev.model import EvModel
from simulators.ev.sessions import DAY_SECONDS, OutageKind, day_plan
from simulators.parking.model import ParkingModel
from simulators.reading import reading_bytes
from simulators.tax.model import TaxModel
from simulators.water.model import WaterModel, episode
from simulators.world import device_ids, load_district
from simulators.world.district import DISTRICT_FILE, District, SiteKind
from simulators.world.district import load_district as load

SEED = 7
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
"""Noon in Wuhan."""


@pytest.fixture(scope="module")
def district() -> District:
    return load_district()


def validated(fields: dict[str, Any], at: datetime, seq: int = 0) -> Reading:
    return ANY_READING.validate_json(reading_bytes(fields, boot_id="boot", seq=seq, at=at))


def hours(count: int, step: timedelta = timedelta(hours=1)) -> list[datetime]:
    return [NOON + step * n for n in range(count)]


def test_the_district_has_about_three_hundred_devices_each_with_an_id_of_its_own(district: District) -> None:
    ids = device_ids()
    assert 280 <= len(ids) == len(set(ids)) <= 320
    assert sum(site.connectors for site in district.site) == 150
    assert [len(lake.points) for lake in district.lake] == [3] * 6
    assert len(district.street) == 13
    assert len(district.lot) == 60


def test_everything_lies_in_the_district(district: District) -> None:
    places = [*district.street, *district.zone, *district.lake, *district.site, *district.lot, *district.post]
    places += district.building
    assert all(114.21 < place.longitude < 114.31 and 30.56 < place.latitude < 30.65 for place in places)


def test_a_damaged_district_file_is_named_with_the_place(tmp_path: Any) -> None:
    damaged = tmp_path / "district.toml"
    damaged.write_text(
        DISTRICT_FILE.read_text(encoding="utf-8").replace("spaces = ", "spaces = -", 1), encoding="utf-8"
    )
    with pytest.raises(Exception, match=r"lot\[0\]\.spaces"):
        load(damaged)


def test_water_is_valid_repeatable_and_mostly_within_its_class(district: District) -> None:
    for lake in district.lake:
        for point in lake.points:
            model = WaterModel(SEED, lake, point)
            for at in hours(48, timedelta(minutes=31)):
                fields = model.observe(at)
                assert fields == WaterModel(SEED, lake, point).observe(at)
                assert validated(fields, at).feed is Feed.WATER


def test_oxygen_and_ph_are_higher_in_the_afternoon_than_before_dawn(district: District) -> None:
    lake = district.lake[0]
    model = WaterModel(SEED, lake, lake.points[0], pace=1.0)
    afternoon = [model.observe(NOON + timedelta(days=d, hours=2)) for d in range(20)]
    dawn = [model.observe(NOON + timedelta(days=d, hours=-7)) for d in range(20)]
    for item in ("do_mg_l", "ph"):
        assert sum(r[item] for r in afternoon) > sum(r[item] for r in dawn)


def test_pollution_comes_and_goes() -> None:
    strengths = [episode(SEED, "houxiang", n * 600.0) for n in range(2_000)]
    polluted = sum(s > 0 for s in strengths) / len(strengths)
    assert 0.05 < polluted < 0.3
    assert max(strengths) > 0.5


def test_connectors_are_valid_and_speak_the_words_of_their_vocabulary(district: District) -> None:
    statuses: Counter[str] = Counter()
    for site in district.site:
        for connector in site.connector_ids()[:3]:
            model = EvModel(SEED, site, connector)
            for at in hours(60, timedelta(minutes=25)):
                fields = model.observe(at, at - timedelta(seconds=5))
                if fields is None:
                    continue
                reading = validated(fields, at)
                assert isinstance(reading, EvReading)
                assert reading.doubts() == ()
                statuses[reading.status] += 1
    assert statuses["idle"] > 100
    assert statuses["charging"] > 100


def test_the_meter_never_runs_backwards_and_matches_the_sessions(district: District) -> None:
    site = district.site[0]
    model = EvModel(SEED, site, "ev-cbd-east-01")
    fresh = EvModel(SEED, site, "ev-cbd-east-01")
    last = 0.0
    for at in hours(4 * 72, timedelta(minutes=15)):
        fields = model.observe(at, at - timedelta(seconds=5))
        if fields is None:
            continue
        assert fields["energy_register_kwh"] >= last
        last = fields["energy_register_kwh"]
        assert fields["power_kw"] <= site.rated_power_kw
    at = hours(4 * 72, timedelta(minutes=15))[-1]
    again = fresh.observe(at, at - timedelta(seconds=5))
    assert again is None or again["energy_register_kwh"] == pytest.approx(last, abs=0.01)


@pytest.mark.parametrize("kind", list(SiteKind))
def test_sessions_are_plausible_and_do_not_overlap(kind: SiteKind) -> None:
    outages = Counter()
    for number in range(200):
        plan = day_plan(SEED, f"c{number}", kind, 7 if kind is SiteKind.HOME else 60, date(2026, 11, 24))
        ends = 0.0
        for session in plan.sessions:
            assert ends <= session.begin < session.charged < session.end <= DAY_SECONDS
            assert 0 < session.energy_kwh(DAY_SECONDS) <= session.capacity_kwh
            assert session.power(session.begin) >= session.power(session.charged - 1) > 0
            assert session.energy_kwh(session.charged) == pytest.approx(session.energy_kwh(DAY_SECONDS), abs=0.01)
            ends = session.end
        if plan.outage:
            outages[plan.outage.kind] += 1
    assert set(outages) <= set(OutageKind)
    assert sum(outages.values()) < 20


def test_office_chargers_are_used_by_day_and_homes_by_night() -> None:
    def charging(kind: SiteKind, hour_from_four: float) -> int:
        plans = [day_plan(SEED, f"c{n}", kind, 7, date(2026, 11, 24)) for n in range(150)]
        return sum(any(s.power(hour_from_four * 3600) > 0 for s in plan.sessions) for plan in plans)

    assert charging(SiteKind.OFFICE, 7) > 2 * charging(SiteKind.OFFICE, 19)
    assert charging(SiteKind.HOME, 18) > 2 * charging(SiteKind.HOME, 7)


def test_car_parks_count_consistently_and_only_a_drifting_one_goes_below_zero(district: District) -> None:
    negative = set()
    for lot in district.lot:
        model = ParkingModel(SEED, lot)
        state = model.begin(NOON)
        before = state
        for at in hours(36, timedelta(minutes=20)):
            state = model.advance(state, at)
            assert state.entries >= before.entries
            assert state.exits >= before.exits
            assert 0 <= state.vehicles <= lot.spaces
            fields = model.observe(state)
            reading = validated(fields, at)
            if reading.doubts():
                negative.add(lot.id)
            before = state
    assert negative <= {lot.id for lot in district.lot if lot.drift}
    assert ParkingModel(SEED, district.lot[0]).advance(ParkingModel(SEED, district.lot[0]).begin(NOON), at).entries > 0


def test_offices_fill_in_the_morning_and_homes_at_night(district: District) -> None:
    def free_share(kind: str, at: datetime) -> float:
        lots = [lot for lot in district.lot if lot.kind == kind]
        return sum(ParkingModel(SEED, lot).begin(at).begun_with / lot.spaces for lot in lots) / len(lots)

    midnight = NOON + timedelta(hours=12)
    assert free_share("office", NOON) > 0.6
    assert free_share("office", midnight) < 0.3
    assert free_share("residential", midnight) > 0.85 > free_share("residential", NOON)


def test_emergency_steps_are_valid_in_order_and_repeatable(district: District) -> None:
    def play() -> list[tuple[str, datetime, dict[str, Any]]]:
        model = EmergencyModel(SEED, district, NOON)
        found = []
        for minute in range(0, 180, 3):
            found += [(h.device_id, h.at, h.fields) for h in model.advance(NOON + timedelta(minutes=minute))]
        return found

    happened = play()
    assert happened == play()
    assert [at for _, at, _ in happened] == sorted(at for _, at, _ in happened)
    steps: Counter[Step | None] = Counter()
    for _, at, fields in happened:
        reading = validated(fields, at)
        assert isinstance(reading, EmergencyReading)
        assert reading.doubts() == ()
        steps[reading.step] += 1
    assert steps[Step.CALL_RECEIVED] >= steps[Step.DISPATCHED] >= steps[Step.ON_SCENE] >= steps[Step.AVAILABLE] > 10


def test_ambulances_drive_and_one_call_has_one_unit(district: District) -> None:
    model = EmergencyModel(SEED, district, NOON)
    units: dict[str, set[str]] = {}
    places: dict[str, set[tuple[float, float]]] = {}
    for minute in range(90):
        at = NOON + timedelta(minutes=minute)
        for happened in model.advance(at):
            if "unit_id" in happened.fields:
                units.setdefault(happened.fields["incident_id"], set()).add(happened.device_id)
        for happened in model.positions(at):
            validated(happened.fields, at)
            places.setdefault(happened.device_id, set()).add(
                (happened.fields["longitude"], happened.fields["latitude"])
            )
    assert all(len(found) == 1 for found in units.values())
    assert max(len(found) for found in places.values()) > 10


def test_some_thirty_buildings_reach_a_hundred_million_a_year(district: District) -> None:
    reached, refunds = 0, 0
    for building in district.building:
        model = TaxModel(SEED, building, "jianghan")
        entries = [entry for month in range(1, 13) for entry in model.month(2026, month)]
        assert [entry.at for entry in model.month(2026, 3)] == sorted(entry.at for entry in model.month(2026, 3))
        assert len({entry.fields["receipt_id"] for entry in entries}) == len(entries)
        reached += sum(Decimal(entry.fields["amount_cny"]) for entry in entries) >= 100_000_000
        refunds += sum(entry.fields["entry"] is TaxEntry.REFUND for entry in entries)
    assert 28 <= reached <= 35
    assert refunds > 20


def test_tax_entries_are_valid_and_repeatable(district: District) -> None:
    model = TaxModel(SEED, district.building[3], "jianghan")
    entries = model.month(2026, 4)
    assert entries == model.month(2026, 4)
    for seq, entry in enumerate(entries):
        assert validated(entry.fields, entry.at, seq).doubts() == ()
