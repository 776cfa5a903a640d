"""From a device's timestamp to a subscriber's webhook, and many alerts to many subscribers.

    python -m tests.benchmarks delivery [--rate 2000] [--seconds 60] [--alerts 10000] [--subscribers 50]

First the whole path: readings of all feeds of real life are due on a fixed schedule and carry the time they were due,
as in `alerts`; the age of an alert is the time at which the receiver has the whole request less the time of the reading
that raised or ended it. Then so many alerts are written to Kafka at once, and every subscriber is to get each: the time
is from the first write to the last request. The receiver is a bare HTTP server in this process, on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from schemas.alert import Alert, AlertEventType
from schemas.subscription import Filter, SubscriptionState
from schemas.topics import ALERTS
from services.district.subscriber_command import Subscribers
from services.runtime.settings import KafkaSettings
from tests.benchmarks.whole_path import FEEDS, kafka_fields, percentiles, usage
from tests.end_to_end.harness import District, running_district, wait_until
from tests.unit.alert_delivery.made import alert, subscription

RULE = "bench.delivery"
ASSETS = 500
IDLE_SECONDS = 10
NAME = "alert_delivery"
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass
class Sink:
    """What was received."""

    keep_bodies: bool
    count: int = 0
    bodies: list[tuple[float, bytes]] = field(default_factory=list)
    """With the time at which each was whole."""
    ids: dict[str, set[str]] = field(default_factory=dict)
    """Event ids by path."""
    last_at: float = 0.0


class _Connection(asyncio.Protocol):
    """Just enough of HTTP/1.1: requests with a length, one after the other."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            whole = end + 4 + length
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            sink = self._sink
            sink.count += 1
            sink.last_at = time.time()
            if sink.keep_bodies:
                sink.bodies.append((sink.last_at, body))
            else:
                path = head.split(b" ", 2)[1].decode()
                event = head.partition(b"webhook-id:")[2].split(b"\r\n", 1)[0].strip().decode()
                sink.ids.setdefault(path, set()).add(event)
            self._transport.write(_TAKEN)


@asynccontextmanager
async def _receiving(sink: Sink) -> Any:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(sink), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@contextmanager
def _subscribed(district: District, urls: dict[str, str], rule: str) -> Iterator[None]:
    known = Subscribers(district.state / "subscribers" / "subscribers.json")
    now = datetime.now(UTC).replace(microsecond=0)
    for name, url in urls.items():
        only = Filter(rules=(rule,))
        known.add(subscription(name, url, filter=only, private_networks=("127.0.0.0/8",), added_at=now))

    def begun() -> bool | None:
        return True if len(district.metric(NAME, "district_delivery_in_hand")) >= len(urls) else None

    wait_until(begun, f"{len(urls)} subscribers to be delivered to", 120)
    try:
        yield
    finally:
        for name in urls:
            known.set_state(name, SubscriptionState.ENDED, "")


def _ages_ms(sink: Sink) -> list[float]:
    ages = []
    for at, body in sink.bodies:
        event = Alert.model_validate_json(json.dumps(json.loads(body)["data"]))
        if event.event is AlertEventType.RAISED:
            ages.append((at - event.raised_at.timestamp()) * 1000)
        elif event.event is AlertEventType.RESOLVED and event.ended_at is not None:
            ages.append((at - event.ended_at.timestamp()) * 1000)
    return ages


async def _whole_path(district: District, rate: int, seconds: int) -> Sink:
    sink = Sink(keep_bodies=True)
    async with _receiving(sink) as port:
        url = f"http://127.0.0.1:{port}/alerts"
        loop = asyncio.get_running_loop()

        def load() -> None:
            with _subscribed(district, {f"bench-{rate}-{seconds}": url}, "parking.count_impossible"):
                what = ("--rate", str(rate), "--seconds", str(seconds), "--feeds", ",".join(FEEDS))
                process = district.start_load(*what, "--troubled", "--lane", "live")
                try:
                    report = json.loads(process.communicate(timeout=seconds + 120)[0])
                finally:
                    process.kill()
                if report["unfinished"]:
                    raise SystemExit(f"{report['unfinished']} readings were not acknowledged")
                time.sleep(5)

        await loop.run_in_executor(None, load)
    return sink


async def _write(kafka: KafkaSettings, number: int) -> float:
    now = datetime.now(UTC).replace(microsecond=0)
    events = [
        alert(
            f"lot-{at % ASSETS}",
            at // ASSETS,
            AlertEventType.UPDATED if at >= ASSETS else AlertEventType.RAISED,
            rule=RULE,
            raised_at=now,
        )
        for at in range(number)
    ]
    async with AIOKafkaProducer(**kafka.client_options("bench"), acks="all", linger_ms=5) as producer:
        began = time.time()
        sent = [
            await producer.send(
                ALERTS, value=each.model_dump_json().encode(), key=each.kafka_key(), headers=each.to_headers()
            )
            for each in events
        ]
        await asyncio.gather(*sent)
    return began


async def _fan_out(district: District, number: int, subscribers: int, seconds: float) -> tuple[Sink, float]:
    sink = Sink(keep_bodies=False)
    kafka = KafkaSettings.model_validate(kafka_fields(district))
    async with _receiving(sink) as port:
        urls = {f"brain-{each}": f"http://127.0.0.1:{port}/{each}" for each in range(subscribers)}
        subscribed = _subscribed(district, urls, RULE)
        await asyncio.to_thread(subscribed.__enter__)
        await asyncio.sleep(10)  # every group has its partitions
        pid = district.pid(NAME)
        if pid is None:
            raise SystemExit(f"{NAME} does not run; see `district logs {NAME}`")
        idle = usage(pid)
        await asyncio.sleep(IDLE_SECONDS)
        before = usage(pid)
        began = await _write(kafka, number)
        async with asyncio.timeout(seconds):
            while sum(map(len, sink.ids.values())) < number * subscribers:  # noqa: ASYNC110 - looked at now and then
                await asyncio.sleep(0.5)
        after = usage(pid)
        await asyncio.to_thread(subscribed.__exit__, None, None, None)
    resting = (before.cpu_seconds - idle.cpu_seconds) / IDLE_SECONDS
    each = (after.cpu_seconds - before.cpu_seconds) / number / subscribers
    print(
        f"  {NAME} with {subscribers} subscribers: {after.resident_mb:.0f} MB, {resting:.1%} of a core at rest,"
        f" {each * 1e6:.0f} µs of CPU a delivery"
    )
    return sink, began


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--subscribers", type=int, default=50)
    parser.add_argument("--only", choices=("path", "fan-out"))
    arguments = parser.parse_args()
    rate, seconds = arguments.rate, arguments.seconds
    with running_district() as district:
        if arguments.only != "fan-out":
            asyncio.run(_whole_path(district, rate, 15))  # a Java broker is slow in its first seconds
            ages = _ages_ms(asyncio.run(_whole_path(district, rate, seconds)))
            p50, p95, p99 = percentiles(ages)
            print(
                f"webhooks at {rate} readings/s: {len(ages)} alert events, from the device's timestamp to the receiver"
                f" p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms",
                flush=True,
            )
        if arguments.only != "path":
            number, subscribers = arguments.alerts, arguments.subscribers
            sink, began = asyncio.run(_fan_out(district, number, subscribers, 3_600))
            took, expected = sink.last_at - began, number * subscribers
            print(
                f"{number} alerts to {subscribers} subscribers: {took:.0f} s, {expected / took:.0f} deliveries/s,"
                f" {sink.count - expected} sent again"
            )


if __name__ == "__main__":
    main()
