"""The register of devices: who is in it, who may speak, what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from schemas.device_register import DeviceIdentity, DeviceRefused, DeviceRegister, Origin
from schemas.fields import Feed
from schemas.mqtt import BRIDGE_CLIENT_ID

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ONE = DeviceIdentity("ev-1", Feed.EV, "site-1")
TWO = DeviceIdentity("ev-2", Feed.EV, "site-1")


def test_a_device_comes_is_given_a_new_credential_and_goes() -> None:
    register = DeviceRegister().with_device(TWO, NOW).with_device(ONE, NOW, name="一号")
    assert [each.device_id for each in register.devices] == ["ev-1", "ev-2"]
    rotated = register.with_rotation("ev-1", LATER)
    assert rotated.active()["ev-1"].rotated_at == LATER
    gone = rotated.without_device("ev-1", LATER)
    assert list(gone.active()) == ["ev-2"]
    assert gone.without_device("ev-1", LATER + timedelta(days=1)) == gone
    back = gone.with_device(DeviceIdentity("ev-1", Feed.EV, "site-9"), LATER)
    assert back.active()["ev-1"].group_id == "site-9"
    assert back.active()["ev-1"].rotated_at is None
    assert DeviceRegister.model_validate_json(back.model_dump_json()) == back


def test_what_cannot_be_is_refused_with_what_to_do() -> None:
    register = DeviceRegister().with_device(ONE, NOW)
    with pytest.raises(DeviceRefused, match=r"registered already, for ev/site-1.*rotate"):
        register.with_device(DeviceIdentity("ev-1", Feed.TAX, "jianghan"), NOW)
    with pytest.raises(DeviceRefused, match="device ev-9 is not registered"):
        register.with_rotation("ev-9", NOW)
    with pytest.raises(DeviceRefused, match="device ev-9 is not registered"):
        register.without_device("ev-9", NOW)
    with pytest.raises(DeviceRefused, match="revoked since"):
        register.without_device("ev-1", NOW).with_rotation("ev-1", LATER)


@pytest.mark.parametrize("name", ["bridge", "operator", BRIDGE_CLIENT_ID])
def test_no_device_has_a_name_of_the_platform(name: str) -> None:
    """A device called like the bridge's session could connect with its client id and take it over."""
    with pytest.raises(DeviceRefused, match="name of the platform"):
        DeviceRegister().with_device(DeviceIdentity(name, Feed.EV, "site-1"), NOW)
    device = {"device_id": name, "feed": "ev", "group_id": "s", "added_at": NOW.isoformat()}
    with pytest.raises(ValidationError):
        DeviceRegister.model_validate_json('{"devices": [' + str(device).replace("'", '"') + "]}")


@pytest.mark.parametrize(
    ("device", "group"), [("ev 1", "site-1"), ("ev-1", "+"), ("ev-1", "clock"), ("#", "s"), ("", "s")]
)
def test_a_name_that_fits_no_topic_is_refused(device: str, group: str) -> None:
    with pytest.raises(DeviceRefused):
        DeviceRegister().with_device(DeviceIdentity(device, Feed.EV, group), NOW)


def test_a_device_stands_in_the_register_once() -> None:
    known = DeviceRegister().with_device(ONE, NOW).devices
    with pytest.raises(ValidationError, match="twice"):
        DeviceRegister(devices=known + known)


def test_the_simulators_devices_follow_their_district_but_not_what_the_operator_decided() -> None:
    three = DeviceIdentity("ev-3", Feed.EV, "site-1")
    register = DeviceRegister().with_simulated([ONE, TWO], NOW).without_device("ev-2", NOW).with_device(three, NOW)
    moved = DeviceIdentity("ev-1", Feed.EV, "site-2")
    again = register.with_simulated([moved, TWO, three], LATER)
    assert {each.device_id: each.group_id for each in again.active().values()} == {"ev-1": "site-2", "ev-3": "site-1"}
    assert [each.origin for each in again.active().values()] == [Origin.SIMULATED, Origin.OPERATOR]
    none = again.with_simulated([], LATER)
    assert list(none.active()) == ["ev-3"]
