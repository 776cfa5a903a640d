"""What neighbours notice of a device that runs away, and what becomes of what it sends.

    python -m tests.benchmarks runaway [--rate 600] [--neighbours 500] [--seconds 60] [--feeds ev,water]

One district. Neighbours send readings of real life in all five feeds, turn by turn: calm, beside the runaway device,
calm. That device has an account of its own and sends single readings at its rate under its own topic, in the group
of some neighbours (one key, one partition, one process), from before the turn until behind it: first what it sends is
stored, then what is above its rate is refused. Latency is the neighbours', from the time in the reading to its row
and to its verdict (water readings). Exit code 1: a p99 beside it is more than twice that of the calm turns, something
of the neighbours is lost, or the device was not refused, not accounted for, or not reported.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import orjson
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from schemas.fields import LIVE, Feed
from schemas.mqtt import DeviceTopic, Message
from services.runtime.settings import KafkaSettings
from simulators.load.templates import FIELDS, VARIANTS
from tests.benchmarks.whole_path import (
    indicator_ends,
    judged_latency,
    kafka_fields,
    stored_count,
    stored_latency,
)
from tests.end_to_end.harness import District, running_district, wait_until

LEAD_SECONDS = 2.0
SETTLE_SECONDS = 60.0
REPORT_SECONDS = 120.0
RULE = "platform.device_too_fast"
FACTOR = 2.0
LEAST_MS = 5.0
"""Below this a p99 is as good as any other."""


@dataclass(frozen=True)
class Turn:
    """One turn of the neighbours."""

    lost: int
    stored_ms: tuple[float, float, float]
    judged_ms: tuple[float, float, float]


@dataclass
class Runaway:
    """A device that sends at a fixed rate, whatever it is told."""

    topic: DeviceTopic
    boot_id: str
    client: mqtt.Client
    rate: float
    sent: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Send what is due until it is over."""
        begun, topic = time.monotonic(), str(self.topic)
        while not self.over.wait(0.005):
            for number in range(self.sent, int((time.monotonic() - begun) * self.rate)):
                self.client.publish(topic, self._reading(number), qos=1)
                self.sent = number + 1

    def _reading(self, number: int) -> bytes:
        return orjson.dumps(
            {
                "feed": self.topic.feed,
                "device_id": self.topic.device_id,
                "group_id": self.topic.group_id,
                "boot_id": self.boot_id,
                "seq": number,
                "observed_at": datetime.now(UTC).isoformat(),
                "lane": LIVE,
                **FIELDS[self.topic.feed](0, number % VARIANTS),
            }
        )


@contextmanager
def running_away(district: District, feed: Feed, rate: float) -> Iterator[Runaway]:
    """A registered device beside the neighbours of a group, at its rate."""
    group, device = f"load-{feed}-0", f"runaway-{feed}-{uuid.uuid4().hex[:6]}"
    added = json.loads(district.run("device", "add", feed, group, device, "--new-group", "--json").stdout)
    broker = urlsplit(district.role("operator")["MQTT_URL"])
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=device, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(device, added["password"])
    client.max_inflight_messages_set(1_000)
    client.connect(broker.hostname or "127.0.0.1", broker.port or 1883)
    client.loop_start()
    topic = DeviceTopic(feed, group, device, Message.READING)
    runaway = Runaway(topic, f"runaway-{uuid.uuid4().hex[:8]}", client, rate)
    thread = threading.Thread(target=runaway.run, name="runaway")
    thread.start()
    try:
        yield runaway
    finally:
        runaway.over.set()
        thread.join(10)
        wait_until(lambda: None if client.want_write() else True, "the runaway device's last messages to leave", 10)
        time.sleep(1)
        client.disconnect()
        client.loop_stop()


def neighbours(district: District, rate: int, seconds: int) -> Turn:
    """A turn of the neighbours."""
    kafka = KafkaSettings.model_validate(kafka_fields(district))
    since = asyncio.run(indicator_ends(kafka))
    load = district.start_load("--rate", str(rate), "--seconds", str(seconds), "--devices", "300", "--lane", LIVE)
    try:
        told = json.loads(load.communicate(timeout=seconds + 120)[0])
    finally:
        load.kill()
    boot_ids = {key["boot_id"] for key in told["keys"]}
    boots = ",".join(f"'{boot}'" for boot in sorted(boot_ids))
    deadline, stored = time.monotonic() + SETTLE_SECONDS, 0
    while stored < told["sent"] and time.monotonic() < deadline:
        stored = stored_count(district, boots)
        time.sleep(0.5)
    return Turn(
        told["sent"] - stored, stored_latency(district, boots), asyncio.run(judged_latency(kafka, since, boot_ids))
    )


def fate(district: District, runaway: Runaway) -> dict[str, int]:
    """What became of what the device sent."""
    boot, feed = runaway.boot_id, runaway.topic.feed

    def counted() -> dict[str, int] | None:
        stored = district.number(f"SELECT count(*) FROM v_{feed}_readings WHERE boot_id = '{boot}'")
        refused = district.number(
            f"SELECT count(*) FROM v_dead_letters WHERE boot_id = '{boot}' AND reason = 'too_fast'"
        )
        found = {"sent": runaway.sent, "stored": stored, "refused": refused}
        return found if stored + refused >= runaway.sent else None

    return wait_until(counted, "what the device sent to be stored or refused", SETTLE_SECONDS, every=1.0)


def reported(district: District, runaway: Runaway) -> float:
    """Seconds from the first refusal to the alert."""
    query = (
        "SELECT extract(epoch FROM raised_at - started_at) * 1000 AS ms FROM v_alerts"
        f" WHERE asset = '{runaway.topic.device_id}' AND rule = '{RULE}'"
    )

    def found() -> float | None:
        rows = district.sql(query)
        return float(rows[0]["ms"]) / 1000 if rows else None

    return wait_until(found, f"{RULE} about {runaway.topic.device_id}", REPORT_SECONDS, every=1.0)


def _row(name: str, turn: Turn) -> str:
    figures = "".join(f"{value:9.0f}" for value in (*turn.stored_ms, *turn.judged_ms))
    return f"    {name:<10}{figures}{turn.lost:8}"


def measure(district: District, feed: Feed, rate: int, neighbours_rate: int, seconds: int) -> list[str]:
    """Three turns, printed; what is wrong with them."""
    print(f"  {feed}: a device at {rate}/s beside neighbours at {neighbours_rate}/s", flush=True)
    print("    turn      stored p50      p95      p99 judged p50    p95      p99    lost", flush=True)
    calm = [neighbours(district, neighbours_rate, seconds)]
    print(_row("calm", calm[0]), flush=True)
    with running_away(district, feed, rate) as runaway:
        time.sleep(LEAD_SECONDS)
        beside = neighbours(district, neighbours_rate, seconds)
    print(_row("beside it", beside), flush=True)
    became, after = fate(district, runaway), reported(district, runaway)
    calm.append(neighbours(district, neighbours_rate, seconds))
    print(_row("calm", calm[1]), flush=True)
    print(f"    the device: {became}, reported {after:.0f} s after the first refusal", flush=True)
    wrong = [f"{turn.lost} readings of neighbours are lost" for turn in (*calm, beside) if turn.lost]
    for name in ("stored_ms", "judged_ms"):
        usual = max(LEAST_MS, *(getattr(turn, name)[2] for turn in calm))
        ratio = getattr(beside, name)[2] / usual
        print(f"    {name[:-3]} p99 beside it: x{ratio:.2f}", flush=True)
        if not ratio <= FACTOR:
            wrong.append(f"{name[:-3]} p99 of neighbours is {ratio:.1f} times that of calm turns")
    if not became["refused"]:
        wrong.append("nothing of the device was refused")
    return [f"{feed}: {each}" for each in wrong]


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=600, help="readings a second of the device")
    parser.add_argument("--neighbours", type=int, default=500, help="readings a second of all others together")
    parser.add_argument("--seconds", type=int, default=60, help="of each turn")
    parser.add_argument("--feeds", type=lambda text: [Feed(part) for part in text.split(",")], default="ev,water")
    given = parser.parse_args()
    wrong: list[str] = []
    with running_district() as district:
        neighbours(district, given.neighbours, 10)  # a Java broker is slow in its first seconds
        for feed in given.feeds:
            wrong += measure(district, feed, given.rate, given.neighbours, given.seconds)
    for each in wrong:
        print(f"  WRONG: {each}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
