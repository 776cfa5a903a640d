"""A proxy swallows exactly seven messages of one device: the audit names those seven and no other."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.fields import Feed
from schemas.mqtt import DeviceTopic, Message
from simulators import wire
from simulators.endpoint import Endpoint, parse_endpoint
from simulators.gateway import Gateway
from tests.dropping_proxy import DroppingProxy
from tests.end_to_end.harness import District, wait_until

LOST = frozenset({0, 17, 18, 19, 77, 120, 198})
ZONE = "audit-quarter"
READINGS = 200
"""The last one arrives: what comes after it, nobody can know."""


def reading(device: str, boot: str, seq: int, begin: datetime) -> tuple[str, bytes]:
    at = (begin + timedelta(seconds=seq)).isoformat().replace("+00:00", "Z")
    fields = {
        "feed": "parking", "device_id": device, "group_id": ZONE, "boot_id": boot, "seq": seq, "observed_at": at,
        "total_spaces": 10, "free_spaces": 3,
    }  # fmt: skip
    return str(DeviceTopic(Feed.PARKING, ZONE, device, Message.READING)), json.dumps(fields).encode()


async def publish(endpoint: Endpoint, device: str, boot: str, numbers: Iterable[int], at: datetime) -> None:
    async with Gateway(endpoint, f"audit-{uuid.uuid4().hex[:8]}", window=50) as gateway:
        await gateway.wait_connected()
        for seq in numbers:
            topic, payload = reading(device, boot, seq, at)
            await gateway.wait_room()
            gateway.publish(wire.publish_head(topic, len(payload)), wire.publish_body(payload))
            gateway.flush()
        await gateway.drain()


def audit(district: District, *options: str) -> tuple[int, dict[str, Any]]:
    done = district.run("audit", "--json", *options, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_seven_swallowed_messages_are_named_and_no_other(district: District) -> None:
    endpoint = parse_endpoint(district.role("operator")["MQTT_URL"])
    device, neighbour = f"lot-audit-{uuid.uuid4().hex[:6]}", f"lot-audit-{uuid.uuid4().hex[:6]}"
    boot, begin = uuid.uuid4().hex, datetime.now(UTC) - timedelta(seconds=READINGS)
    for name in (device, neighbour):
        district.run("device", "add", "parking", ZONE, name, "--new-group", "--json")

    async def day() -> list[int]:
        async with DroppingProxy(endpoint.host, endpoint.port, LOST).running() as proxy:
            await asyncio.gather(
                publish(replace(endpoint, port=proxy.port), device, boot, range(READINGS), begin),
                publish(endpoint, neighbour, boot, range(READINGS), begin),
            )
            return proxy.dropped

    assert sorted(asyncio.run(day())) == sorted(LOST)
    stored = f"SELECT count(*) FROM v_parking_readings WHERE boot_id = '{boot}'"
    wait_until(lambda: district.number(stored) >= 2 * READINGS - len(LOST) or None, "the others to be stored", 60)

    status, found = audit(district, "--device", device)
    (book,) = [row for row in found["boots"] if row["boot_id"] == boot]
    assert (status, found["whole"]) == (1, False)
    assert {name: book[name] for name in ("first_seq", "last_seq", "sent", "stored", "missing", "difference")} == {
        "first_seq": 0, "last_seq": 199, "sent": 200, "stored": 193, "missing": 7, "difference": 0,
    }  # fmt: skip
    assert book["missing_numbers"] == "{[0,1),[17,20),[77,78),[120,121),[198,199)}"
    assert sum(hour["missing"] for hour in found["hours"]) == 7
    _, others = audit(district, "--feed", "parking")
    assert [row["device_id"] for row in others["boots"] if row["boot_id"] == boot and row["missing"]] == [device]
    said = district.run("audit", "--device", device, check=False).stdout
    assert "0, 17-19, 77, 120, 198" in said
    assert "7 never came" in said

    # The sink has noticed by itself; a device that sends what it still has closes the gap.
    # What came before the first number that is known is nobody's loss to it.
    missing = f"SELECT n FROM v_readings_missing WHERE boot_id = '{boot}' AND ended_at IS NULL"
    wait_until(lambda: [row["n"] for row in district.sql(missing)] == [6] or None, "the sink to look", 90, every=2.0)
    asyncio.run(publish(endpoint, device, boot, sorted(LOST), begin))
    wait_until(lambda: district.number(stored) == 2 * READINGS or None, "the seven to be stored", 60)
    status, found = audit(district, "--device", device)
    assert [row["missing"] for row in found["boots"] if row["boot_id"] == boot] == [0]
    wait_until(lambda: district.sql(missing) == [] or None, "the sink to look again", 90, every=2.0)
