"""What the register of devices adds to the assets of the district file, and what it takes from them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.device_register import DeviceIdentity, DeviceRegister
from schemas.fields import Feed
from services.timescale_sink.assets import groups_of, with_devices
from services.timescale_sink.errors import RegisterRefused
from services.timescale_sink.register import _devices, district_assets
from services.timescale_sink.settings import MigrationSettings
from simulators import world

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ASSETS = district_assets(MigrationSettings.model_fields["district_file"].default)


def test_the_simulators_devices_are_the_district_file_s() -> None:
    devices = {each.asset_id: each for each in ASSETS if each.is_device}
    assert {each.device_id: each.feed for each in world.devices()} == {
        name: each.feed for name, each in devices.items()
    }
    assert all(each.group_id in groups_of(ASSETS, each.feed) for each in world.devices())
    register = DeviceRegister().with_simulated(world.devices(), NOW)
    assert with_devices(ASSETS, register) == ASSETS


def test_a_device_stands_where_its_group_does_and_else_in_the_middle() -> None:
    register = DeviceRegister()
    register = register.with_device(DeviceIdentity("ev-new", Feed.EV, "site-cbd-east"), NOW, name="新桩")
    register = register.with_device(DeviceIdentity("park-new", Feed.PARKING, "zone-of-tomorrow"), NOW)
    found = {each.asset_id: each for each in with_devices(ASSETS, register)}
    places = {(each.kind, each.asset_id): each for each in ASSETS}
    site, district = places["site", "site-cbd-east"], places["district", "jianghan"]
    charger, lot = found["ev-new"], found["park-new"]
    assert (charger.kind, charger.name_zh, charger.parent_id) == ("connector", "新桩", "site-cbd-east")
    assert (charger.longitude, charger.latitude, charger.zone) == (site.longitude, site.latitude, site.zone)
    assert (lot.kind, lot.name_zh, lot.parent_kind, lot.longitude) == (
        "lot",
        "park-new",
        "district",
        district.longitude,
    )
    assert charger.is_device
    assert charger.approximate


def test_a_revoked_device_is_no_asset_and_one_that_is_back_is_one_again() -> None:
    gone = DeviceIdentity("lot-cbd-01", Feed.PARKING, "cbd")
    revoked = DeviceRegister().with_device(gone, NOW).without_device("lot-cbd-01", NOW)
    assert "lot-cbd-01" in {each.asset_id for each in ASSETS}
    assert "lot-cbd-01" not in {each.asset_id for each in with_devices(ASSETS, revoked)}
    assert with_devices(ASSETS, revoked.with_device(gone, NOW)) == ASSETS


def test_a_damaged_register_is_refused_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "register.json"
    file.write_text('{"devices": [1]}')
    with pytest.raises(RegisterRefused, match=r"register\.json"):
        _devices(file)
