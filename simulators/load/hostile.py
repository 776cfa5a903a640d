"""Publishes a thousand hostile messages and says what has to become of them.

`python -m simulators.load.hostile [--json]` publishes them under the operator's account (`MQTT_URL`) and prints how
many are expected by reason.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import orjson
import uvloop

from schemas.clock import Tick
from schemas.dead_letter import DeadLetterReason as Reason
from schemas.fields import Feed
from schemas.mqtt import ClockTopic
from simulators import wire
from simulators.endpoint import Endpoint, parse_endpoint
from simulators.errors import SettingRefused, SimulatorError
from simulators.gateway import Gateway
from simulators.load.hostile_messages import LANE, hostile_messages


async def publish(endpoint: Endpoint, boot_id: str, at: datetime) -> Counter[Reason]:
    """Publish all; return how many dead letters are expected by reason.

    Raises:
        GatewayUnreachable: no MQTT broker answers.
        GatewayRefused: the MQTT broker refuses us.
    """
    expected: Counter[Reason] = Counter()
    async with Gateway(endpoint, boot_id, window=50) as gateway:
        await gateway.wait_connected()
        _tick(gateway, Tick(lane=LANE, at=at))  # the good elements of its arrays are readings of a lane
        for message in hostile_messages(boot_id, at):
            await gateway.wait_room()
            gateway.publish(wire.publish_head(message.topic, len(message.payload)), wire.publish_body(message.payload))
            gateway.flush()
            expected[message.expected] += 1
        _tick(gateway, Tick(lane=LANE, at=at + timedelta(minutes=1), closes=True))
        await gateway.drain()
    return expected


def _tick(gateway: Gateway, tick: Tick) -> None:
    payload = tick.model_dump_json().encode()
    gateway.publish(wire.publish_head(str(ClockTopic(Feed.EV, LANE)), len(payload)), wire.publish_body(payload))
    gateway.flush()


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m simulators.load.hostile", description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    boot_id = f"hostile-{uuid.uuid4().hex[:12]}"
    try:
        url = os.environ.get("MQTT_URL")
        if not url:
            raise SettingRefused("set MQTT_URL to mqtt://user:password@host:port of the operator")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            expected = runner.run(publish(parse_endpoint(url), boot_id, datetime.now(UTC)))
    except SimulatorError as error:
        print(f"hostile: {error}", file=sys.stderr)  # noqa: T201 - a command line
        return 1
    words = {reason.value: n for reason, n in expected.items()}
    if as_json:
        print(orjson.dumps({"boot_id": boot_id, "lane": LANE, "expected": words}).decode())  # noqa: T201 - a command line
    else:
        print("\n".join(f"{n:>5} {reason}" for reason, n in words.items()))  # noqa: T201 - a command line
    return 0


if __name__ == "__main__":
    sys.exit(main())
