"""Payloads of load devices as byte templates: valid readings of each feed in which only number and time are open. Pure.

Both places have a fixed width (a JSON reader skips the blanks before a number), so that the length of a packet is
known before it is filled and a message costs one formatting operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from schemas.fields import Feed
from schemas.mqtt import DeviceTopic, Message
from simulators import wire

VARIANTS: Final = 8
"""Different values that a device cycles through."""
DEVICES_A_GROUP: Final = 5
FEWEST_GROUPS: Final = 12
"""Of a feed, so that every partition has some."""
_SEQ: Final = 987_654_321_012_345
_TIME: Final = "@time@"
_TROUBLE: Final = {"free_spaces": -1}
_LATITUDE, _LONGITUDE = 30.606, 114.254


def _water(device: int, variant: int) -> dict[str, Any]:
    return {
        "water_body": "lake",
        "station_name": f"负载 {device}",
        "water_temp_c": 21.4 + variant / 10,
        "ph": 7.8 + variant / 100,
        "do_mg_l": 6.1 + variant / 50,
        "conductivity_us_cm": 412.5 + variant,
        "turbidity_ntu": 12.3,
        "codmn_mg_l": 4.2 + variant / 20,
        "nh3n_mg_l": 0.31 + variant / 100,
        "tp_mg_l": 0.041 + variant / 1000,
        "tn_mg_l": 1.12,
        "chla_ug_l": 14.2,
    }


def _ev(device: int, variant: int) -> dict[str, Any]:
    return {
        "context": "sample_periodic",
        "status": "charging",
        "status_vocabulary": "ocpp1.6",
        "status_word": "Charging",
        "error_code": "NoError",
        "rated_power_kw": 60.0,
        "power_kw": 41.5 + variant / 2,
        "energy_register_kwh": 18_231.4 + device,
        "session_id": f"load-{device:05d}",
        "session_energy_kwh": 11.2 + variant,
        "soc_percent": 40.0 + variant,
    }


def _parking(device: int, variant: int) -> dict[str, Any]:
    return {
        "lot_name": f"负载 {device}",
        "total_spaces": 320,
        "free_spaces": 120 + variant,
        "entries_total": 400 + variant,
        "exits_total": 380 + 2 * variant,
    }


def _emergency(device: int, variant: int) -> dict[str, Any]:
    return {
        "unit_id": f"load-unit-{device}",
        "unit_type": "ambulance",
        "unit_state": "available",
        "longitude": round(_LONGITUDE + variant / 1000, 5),
        "latitude": round(_LATITUDE - variant / 1000, 5),
    }


def _tax(device: int, variant: int) -> dict[str, Any]:
    return {
        "building_id": f"load-building-{device}",
        "receipt_id": f"load-{device}-{variant}",
        "entry": "payment",
        "tax_kind": "value_added",
        "tax_period": "2026-01",
        "amount_cny": f"{1000 + variant}.50",
    }


FIELDS: Final = {
    Feed.WATER: _water,
    Feed.EV: _ev,
    Feed.PARKING: _parking,
    Feed.EMERGENCY: _emergency,
    Feed.TAX: _tax,
}
"""The fields of a feed for (device number, variant)."""


@dataclass(frozen=True, slots=True)
class Template:
    """One message of a device: PUBLISH up to the packet id, and the rest with the open places."""

    head: bytes
    body: bytes

    def fill(self, first_seq: int, times: Sequence[bytes]) -> bytes:
        """Return the body for as many readings as there are times (27 characters each, in `schemas`' form)."""
        if len(times) == 1:
            return self.body % (first_seq, times[0])
        places: list[int | bytes] = [b""] * (2 * len(times))
        places[0::2] = range(first_seq, first_seq + len(times))
        places[1::2] = times
        return self.body % tuple(places)


@dataclass(frozen=True, slots=True)
class LoadDevice:
    """A device of the load generator."""

    topic: DeviceTopic
    templates: tuple[Template, ...]


def groups_of(devices: int) -> int:
    """Groups of a feed when so many devices speak for all five: sites, lakes and zones grow in number, not in size."""
    return max(FEWEST_GROUPS, devices // (DEVICES_A_GROUP * len(Feed)))


def load_device(
    feed: Feed,
    number: int,
    *,
    boot_id: str,
    lane: str,
    batch: int,
    groups: int = FEWEST_GROUPS,
    troubled: bool = False,
) -> LoadDevice:
    """Make the device with that number: where it publishes and what.

    Args:
        groups: Of its feed.
        troubled: Every last variant of a car park's counter is a count that cannot be, so that it raises an alert.
    """
    topic = DeviceTopic(
        feed, f"load-{feed}-{number // DEVICES_A_GROUP % groups}", f"load-{feed}-{number}", Message.RELAY
    )
    readings = [
        _open(
            {
                "feed": feed,
                "device_id": topic.device_id,
                "group_id": topic.group_id,
                "boot_id": boot_id,
                "seq": _SEQ,
                "observed_at": _TIME,
                "lane": lane,
                **FIELDS[feed](number, variant),
                **(_TROUBLE if troubled and feed is Feed.PARKING and variant == VARIANTS - 1 else {}),
            }
        )
        for variant in range(VARIANTS)
    ]
    return LoadDevice(topic, tuple(_template(str(topic), readings, first, batch) for first in range(VARIANTS)))


def _open(reading: dict[str, Any]) -> bytes:
    text = orjson.dumps(reading).replace(b"%", b"%%")
    return text.replace(str(_SEQ).encode(), b"%12d").replace(f'"{_TIME}"'.encode(), b'"%b"')


def _template(topic: str, readings: list[bytes], first: int, batch: int) -> Template:
    texts = [readings[(first + index) % VARIANTS] for index in range(batch)]
    payload = texts[0] if batch == 1 else b"[" + b",".join(texts) + b"]"
    sample = payload % ((0, b"0" * 27) * batch)
    return Template(wire.publish_head(topic, len(sample)), wire.publish_body(payload))
