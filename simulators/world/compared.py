"""The simulated district against real measurements: what both have, as samples.

The real files are public measurements that are no part of the project; they are read where they lie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from csv import DictReader
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from schemas.fields import Quality
from simulators.errors import SourceRefused
from simulators.replay.files import read_recording
from simulators.world.charging import ChargingModel
from simulators.world.district import LotKind, SiteKind
from simulators.world.emergency import EmergencyModel
from simulators.world.events import DAY, HOUR, LOCAL, Conditions, begin_of, local_hour
from simulators.world.parking import ParkingModel
from simulators.world.places import World
from simulators.world.said import Model, Said
from simulators.world.shapes import Shape
from simulators.world.water import WaterModel

SESSIONS: Final = "ev/workplace_charging_sessions_2014_2015.csv"
STATIONS: Final = "ev/st_evcdp_shenzhen_stations.csv"
LOTS: Final = "parking/german_lots_2020-10-29.csv"
RESPONSES: Final = "emergency/sffd_calls_unit_responses_2020-04_a.csv"
LAKES: Final = "water/cnemc_4hourly_2021-04-01_05_displayed.csv"
KINDS: Final = "water/section_kind.csv"
FILES: Final = (SESSIONS, STATIONS, LOTS, RESPONSES, LAKES, KINDS)
SEED: Final = 1
_MONDAY: Final = date(2026, 4, 13)
_GERMAN: Final = 1
"""Hours that local time was ahead of UTC on the day of the car parks, in the last week of October."""


def compare(world: World, folder: Path) -> list[Shape]:
    """Every comparison; takes about a minute at full size.

    Args:
        folder: Where the real files are.

    Raises:
        SourceRefused: a file is missing or another one.
    """
    for name in FILES:
        if not (folder / name).is_file():
            raise SourceRefused(f"there is no {name} in {folder}; the folder of the real measurements has it")
    return [*_charging(world, folder), *_parking(world, folder), *_emergency(world, folder), *_water(world, folder)]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from DictReader(lines)


def _said(model: Model, begin: int, days: int, warm_up: int = DAY) -> Iterator[Said]:
    """What a model says on some days, after it has run itself in."""
    model.advance(begin + warm_up)
    for hour in range(days * 24):
        yield from model.advance(begin + warm_up + (hour + 1) * HOUR)


def _charging(world: World, folder: Path) -> Iterator[Shape]:
    real_hours, real_stays = [], []
    for row in _rows(folder / SESSIONS):
        created = datetime.strptime(f"20{row['created'][2:]}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        real_hours.append(created.hour + created.minute / 60)
        real_stays.append(float(row["chargeTimeHrs"]))
    begin = begin_of(_MONDAY) - DAY
    kinds = {site.id: (site.kind, site.rated_power_kw) for site in world.district.site}
    hours, stays = [], []
    begun: dict[str, tuple[int, bool]] = {}
    for at, device, fields in _said(ChargingModel(world, Conditions(()), SEED, begin, 240, breaks=False), begin, 5):
        kind, power = kinds[fields["group_id"]]
        if kind is not SiteKind.OFFICE:
            continue
        if fields["context"] == "transaction_begin":
            hours.append(local_hour(at))
            begun[device] = (at, power < 20)
        elif fields["context"] == "status" and device in begun:
            since, is_slow = begun.pop(device)
            if is_slow:
                stays.append((at - since) / HOUR)
    yield Shape("ev_begin", "begin of charging at work", "h", "workplace sessions", 0, 24, real_hours, hours)
    yield Shape("ev_stay", "time plugged at work, slow chargers", "h", "workplace sessions", 0, 8, real_stays, stays)
    sizes = [float(row["count"]) for row in _rows(folder / STATIONS) if float(row["count"]) > 0]
    own = [float(site.connectors) for site in world.district.site]
    relative = [[size / (sum(each) / len(each)) for size in each] for each in (sizes, own)]
    yield Shape("ev_size", "connectors of a site", "times the mean", "Shenzhen stations", 0, 5, *relative)


def _parking(world: World, folder: Path) -> Iterator[Shape]:
    """When car parks of a city's centre are full: each vehicle seen there counts for its hour."""
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for reading in read_recording(folder / LOTS).readings:
        spaces, free = reading.fields["total_spaces"], reading.fields["free_spaces"]
        if isinstance(spaces, int) and isinstance(free, int) and spaces >= 20 and 0 <= free <= spaces and reading.at:
            found[reading.device_id, (reading.at.hour + _GERMAN) % 24].append(1 - free / spaces)
    real = _by_hour(found)
    kinds = {lot.id: lot.kind for lot in world.district.lot}
    begin = begin_of(_MONDAY) - 2 * DAY
    own: dict[tuple[str, int], list[float]] = defaultdict(list)
    for at, device, fields in _said(ParkingModel(world, Conditions(()), SEED, begin, 300), begin, 5, 2 * DAY):
        if kinds[device] is not LotKind.RESIDENTIAL:
            own[device, int(local_hour(at))].append(1 - fields["free_spaces"] / fields["total_spaces"])
    yield Shape("parking_hour", "when public car parks are used", "h", "German car parks", 0, 24, real, _by_hour(own))


def _by_hour(found: dict[tuple[str, int], list[float]]) -> list[float]:
    """Mean occupancy by hour as a sample of hours: of a thousand vehicles as many as are there at each."""
    means: dict[int, list[float]] = defaultdict(list)
    for (_, hour), values in found.items():
        means[hour].append(sum(values) / len(values))
    whole = {hour: sum(values) / len(values) for hour, values in means.items()}
    total = sum(whole.values())
    return [hour + 0.5 for hour, value in sorted(whole.items()) for _ in range(round(1_000 * value / total))]


_TIMES: Final = (
    "call_received_at",
    "dispatched_at",
    "responding_at",
    "on_scene_at",
    "transporting_at",
    "at_hospital_at",
)


def _emergency(world: World, folder: Path) -> Iterator[Shape]:
    real = _missions(
        (reading.fields["incident_id"], reading.fields)
        for reading in read_recording(folder / RESPONSES).readings
        if reading.fields.get("unit_type") in {"MEDIC", "PRIVATE"} and "incident_id" in reading.fields
    )
    begin = begin_of(_MONDAY) - DAY
    model = EmergencyModel(world, Conditions(()), SEED, begin, DAY)
    own = _missions(
        (fields["incident_id"], fields) for _, _, fields in _said(model, begin, 75) if "incident_id" in fields
    )
    zone = timedelta(hours=-7)  # San Francisco in April

    def hours(missions: Iterable[dict[str, datetime]], ahead: timedelta) -> list[float]:
        local = [each["call_received_at"] + ahead for each in missions if "call_received_at" in each]
        return [at.hour + at.minute / 60 for at in local]

    name = "San Francisco responses"
    yield Shape(
        "calls_hour", "hour of a call", "h", name, 0, 24, hours(real, zone), hours(own, timedelta(seconds=LOCAL))
    )
    for key, title, since, until, high in (
        ("response", "call to arrival", "call_received_at", "on_scene_at", 30),
        ("turnout", "dispatch to wheels rolling", "dispatched_at", "responding_at", 6),
        ("on_scene", "time on scene", "on_scene_at", "transporting_at", 45),
        ("to_hospital", "way to the hospital", "transporting_at", "at_hospital_at", 30),
    ):
        yield Shape(key, title, "min", name, 0, high, _minutes(real, since, until), _minutes(own, since, until))


def _missions(found: Iterable[tuple[str, Any]]) -> list[dict[str, datetime]]:
    """The longest timeline of each call."""
    best: dict[str, dict[str, datetime]] = {}
    for incident, fields in found:
        known = {name: datetime.fromisoformat(fields[name]) for name in _TIMES if name in fields}
        if len(known) > len(best.get(incident, {})):
            best[incident] = known
    return list(best.values())


def _minutes(missions: Iterable[dict[str, datetime]], since: str, until: str) -> list[float]:
    both = [(each[since], each[until]) for each in missions if since in each and until in each]
    return [(later - before).total_seconds() / 60 for before, later in both if later >= before]


def _water(world: World, folder: Path) -> Iterator[Shape]:
    recording = read_recording(folder / LAKES, folder / KINDS)
    lakes = [each.fields for each in recording.readings if each.fields.get("water_body") == "lake"]
    good = [each for each in lakes if each.get("quality", Quality.GOOD) == Quality.GOOD]
    begin = begin_of(date(2026, 4, 1)) - 5 * DAY
    own = [fields for _, _, fields in _said(WaterModel(world, Conditions(()), SEED, begin, 900), begin, 5, 5 * DAY)]
    name = "lakes of the national network"
    oxygen = [_saturation(good), _saturation(own)]
    yield Shape("do_share", "oxygen as a share of saturation, April", "share", name, 0.4, 1.6, *oxygen)
    yield Shape("ph", "pH, April", "pH", name, 6, 9.5, *(_values(each, "ph") for each in (good, own)))


def _saturation(readings: Iterable[Any]) -> list[float]:
    both = [(each.get("do_mg_l"), each.get("water_temp_c")) for each in readings]
    return [
        oxygen / (468 / (31.6 + warmth))
        for oxygen, warmth in both
        if isinstance(oxygen, float) and isinstance(warmth, float)
    ]


def _values(readings: Iterable[Any], item: str) -> list[float]:
    return [value for each in readings if isinstance(value := each.get(item), float)]
