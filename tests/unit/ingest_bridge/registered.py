"""A register of devices for tests of the bridge."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.device_register import DeviceIdentity, DeviceRegister
from schemas.fields import Feed
from services.ingest_bridge.admission import Admission, Limits

ADDED = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = Limits(
    readings_per_second=200, readings_at_once=50_000, readings_of_a_moment=10_000, payload_bytes=1024 * 1024
)
EV_1 = DeviceIdentity("ev-1", Feed.EV, "site-1")
OFFICE = DeviceIdentity("office", Feed.TAX, "jianghan")


def register(*identities: DeviceIdentity) -> DeviceRegister:
    found = DeviceRegister()
    for identity in identities:
        found = found.with_device(identity, ADDED)
    return found


def admission(*identities: DeviceIdentity, limits: Limits = LIMITS) -> Admission:
    """What the bridge goes by: `ev-1` and a tax office, unless others are named."""
    return Admission(register(*(identities or (EV_1, OFFICE))), limits)
