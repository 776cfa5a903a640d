"""The district as data: streets, lakes, zones, sites, lots, posts, buildings; and the devices that follow from it."""

from __future__ import annotations

from schemas.device_register import DeviceIdentity
from simulators.world.district import District, load_district

__all__ = ["District", "device_ids", "devices", "load_district"]


def device_ids() -> list[str]:
    """Return the ids of all simulated devices, sorted; each needs an account at the MQTT broker.

    Raises:
        WorldDamaged: the district file is not what it should be.
    """
    return sorted(load_district().device_ids())


def devices() -> list[DeviceIdentity]:
    """Return all simulated devices with feed and group, for the register.

    Raises:
        WorldDamaged: the district file is not what it should be.
    """
    return sorted(load_district().devices())
