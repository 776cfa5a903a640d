"""A consumer that is away for half an hour, others with bad habits, and a database that answers nothing meanwhile.

    python -m tests.benchmarks outage [--minutes 30] [--database-minutes 5] [--rate 100]

Devices send readings of which some raise an alert. One subscriber takes everything; beside it one is away for so many
minutes, one answers slowly, one fails now and then, one asks for rest, one cuts its answers, one redirects, one ends
its subscription. In the middle the database is frozen (the supervisor may kill it and start it again: that one is
frozen too), and an operator looks every second for an open alert and acknowledges it. At the end each subscriber must
have every event that Kafka has, an alert's revisions in order; no action may be lost or doubled; tables and ledger must
be complete. Exit code 1 says that one of these does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy.local.ports import pick_free
from schemas.alert import Alert, AlertEventType
from schemas.topics import ALERTS
from services.runtime.settings import KafkaSettings
from tests.benchmarks.whole_path import kafka_fields, percentiles
from tests.cloudevents_reading import parse_structured
from tests.end_to_end.harness import District, frozen, running_district, wait_until
from tests.integration.webhook_receiver import Habit, Receiver, Reply, receiving
from tests.kafka_reading import values_of

RULE = "parking.count_impossible"
STEADY, AWAY = "steady", "away"
HABITS: dict[str, Habit] = {
    STEADY: lambda _request, _count: Reply(),
    "slow": lambda _request, _count: Reply(seconds=0.2),
    "fails": lambda _request, count: Reply(500 if count % 50 < 3 else 200),
    "rests": lambda _request, count: Reply(429, {"Retry-After": "5"}) if count % 200 == 3 else Reply(),
    "cuts": lambda _request, count: Reply(200, body=b"x" * 100, cut_after=60 if count % 40 == 0 else None),
}
"""Of those that must have everything at the end, beside the one that is away."""
REFUSING: dict[str, Habit] = {
    "redirects": lambda _request, _count: Reply(302, {"Location": "http://127.0.0.1:9/"}),
    "ends": lambda _request, _count: Reply(410),
}
ACT_EVERY_SECONDS = 1.0
CATCH_UP_SECONDS = 900.0
LATENCY_MS = 1_000.0


@dataclass
class Operator:
    """Takes the newest alert that nobody has, again and again."""

    address: str
    key: str
    done: list[str] = field(default_factory=list)
    """Alert ids that were answered with 201."""
    refused: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Act until it is over."""
        while not self.over.wait(ACT_EVERY_SECONDS):
            began = time.monotonic()
            try:
                found = self._ask("alerts?standing=open&limit=1")["items"]
                if not found:
                    continue
                (newest,) = found
                self._ask(f"alerts/{newest['alert_id']}/actions", {"kind": "acknowledge", "seen": newest["seen"]})
            except (ValueError, OSError) as error:
                self.refused[repr(error)[:120]] += 1
            else:
                self.done.append(newest["alert_id"])
                self.slowest = max(self.slowest, time.monotonic() - began)

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", data=data, headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)


@contextmanager
def acting(district: District) -> Iterator[Operator]:
    """An operator at work in a thread."""
    address = district.run("map", "login").stdout.strip().splitlines()[0].split("/map/")[0]
    made = json.loads(district.run("keys", "add", "drill", "operator", "--name", "Drill", "--json").stdout)
    operator = Operator(address, str(made["key"]))
    thread = threading.Thread(target=operator.run, name="operator")
    thread.start()
    try:
        yield operator
    finally:
        operator.over.set()
        thread.join(60)


def freeze_database(district: District, seconds: float) -> int:
    """Let the database answer nothing for so long; returns how often the supervisor had started it again."""
    end, seen = time.monotonic() + seconds, set()
    while time.monotonic() < end:
        pid = district.pid("postgres")
        if pid is None or pid in seen:
            time.sleep(0.5)
            continue
        seen.add(pid)
        with frozen(pid):
            while time.monotonic() < end and district.pid("postgres") == pid:
                time.sleep(0.5)
    return len(seen) - 1


def subscribe(district: District, name: str, url: str) -> None:
    """As an operator adds a subscriber."""
    district.run("subscriber", "add", name, url, "--rule", RULE, "--allow-network", "127.0.0.0/8")


def alerts_of(receiver: Receiver, path: str) -> Iterator[tuple[float, Alert]]:
    """The processors' events at their first receipt; what people did is among what was received and is left out."""
    known = set()
    for request in receiver.of(path):
        if request.event_id not in known:
            known.add(request.event_id)
            event = parse_structured(request.body).data
            if isinstance(event, Alert):
                yield request.at, event


def ages_ms(receiver: Receiver, path: str, since: float, until: float) -> list[float]:
    """From an alert's raising to its receipt, of what was received between two times of the monotonic clock."""
    offset = time.time() - time.monotonic()
    return [
        (at + offset - event.raised_at.timestamp()) * 1000
        for at, event in alerts_of(receiver, path)
        if since <= at < until and event.event is AlertEventType.RAISED
    ]


def out_of_order(receiver: Receiver, path: str) -> int:
    """Events that were first received behind a later revision of their alert."""
    last: dict[str, int] = {}
    wrong = 0
    for _, event in alerts_of(receiver, path):
        newest = last.get(event.alert_id, -1)
        wrong += event.revision < newest
        last[event.alert_id] = max(event.revision, newest)
    return wrong


def drill(district: District, seconds: float, database_seconds: float, rate: int) -> list[str]:
    """Run it; returns what does not hold."""
    wrong: list[str] = []
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        receiver.habits |= {f"/{name}": habit for name, habit in (HABITS | REFUSING).items()}
        for name in HABITS | REFUSING:
            subscribe(district, name, receiver.url(f"/{name}"))
        port = pick_free()
        subscribe(district, AWAY, f"http://127.0.0.1:{port}/{AWAY}")
        time.sleep(10)  # every group has its partitions
        load = district.start_load(
            *("--rate", str(rate), "--seconds", str(int(seconds)), "--devices", "20", "--feeds", "parking"),
            *("--troubled", "--lane", "live"),
        )
        stack.callback(load.kill)
        began = time.monotonic()
        with acting(district) as operator:
            time.sleep(max(0.0, (seconds - database_seconds) / 2))
            frozen_at = time.monotonic()
            restarts = freeze_database(district, database_seconds)
            thawed_at = time.monotonic()
            report = json.loads(load.communicate(timeout=seconds + 300)[0])
        if report["unfinished"]:
            wrong.append(f"{report['unfinished']} readings were not acknowledged")
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        back = stack.enter_context(receiving(port))
        back_at = time.monotonic()
        kafka = KafkaSettings.model_validate(kafka_fields(district))
        said = {each.event_id for each in asyncio.run(values_of(kafka, ALERTS, Alert, own=RULE))}
        wrong += _received(dict.fromkeys(HABITS, receiver) | {AWAY: back}, said, back_at)
        for name in REFUSING:
            print(f"  {name:9} {len(receiver.ids(f'/{name}'))} requests")
        wrong += _latency(receiver, {"in all": (began, back_at), "without database": (frozen_at, thawed_at)})
        print(f"  database frozen {thawed_at - frozen_at:.0f} s, started again {restarts} times by the supervisor")
        print(f"  {len(operator.done)} actions, slowest {operator.slowest:.1f} s; not done: {dict(operator.refused)}")
        wrong += _tables(district, len(said), operator.done)
    return wrong


def _received(places: Mapping[str, Receiver], said: set[str], back_at: float) -> list[str]:
    """Wait until each subscriber has everything; returns what one lacks."""
    wrong = []
    caught_up: dict[str, float] = {}
    while len(caught_up) < len(places) and time.monotonic() < back_at + CATCH_UP_SECONDS:
        for name, where in places.items():
            if name not in caught_up and said <= set(where.ids(f"/{name}")):
                caught_up[name] = time.monotonic() - back_at
        time.sleep(0.5)
    for name, where in places.items():
        ids = where.ids(f"/{name}")
        missing, late = len(said - set(ids)), out_of_order(where, f"/{name}")
        print(f"  {name:9} {len(set(ids))} of {len(said)} events, {len(ids) - len(set(ids))} more than once")
        if missing or late:
            wrong.append(f"{name}: {missing} events missing, {late} out of order")
    print(f"  {AWAY} had everything {caught_up.get(AWAY, float('nan')):.0f} s after it was back")
    return wrong


def _latency(receiver: Receiver, spans: Mapping[str, tuple[float, float]]) -> list[str]:
    """From the reading to the steady subscriber's webhook, by span; returns where it is above a second."""
    wrong = []
    for words, span in spans.items():
        ages = ages_ms(receiver, f"/{STEADY}", *span)
        p50, p95, p99 = percentiles(ages)
        print(f"  {STEADY} {words}: {len(ages)} raised, p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")
        if not p99 <= LATENCY_MS:
            wrong.append(f"p99 {words} is {p99:.0f} ms")
    return wrong


def _tables(district: District, events: int, acknowledged: list[str]) -> list[str]:
    """What the database lacks at the end."""
    wrong = []

    def stored() -> bool | None:
        count = district.number(f"SELECT count(*) FROM v_alert_events WHERE rule = '{RULE}' AND lane = 'live'")
        return True if count >= events else None

    wait_until(stored, "every alert event in the database", 300, every=2)
    rows = district.sql("SELECT alert_id, fate FROM v_alert_actions WHERE kind = 'acknowledge' AND by = 'drill'")
    found = Counter(row["alert_id"] for row in rows)
    if found != Counter(acknowledged):
        wrong.append(f"actions: {len(acknowledged)} done, {found.total()} in the database")
    if others := [row for row in rows if row["fate"] != "counts"]:
        wrong.append(f"{len(others)} actions do not count")
    ledger = district.sql("SELECT feed, received, stored, difference, in_flight, lost_records FROM v_ledger")
    wrong += [f"ledger: {row}" for row in ledger if row["difference"] or row["lost_records"]]
    print(f"  ledger: {[(row['feed'], row['received'], row['stored']) for row in ledger if row['received']]}")
    return wrong


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--database-minutes", type=float, default=5)
    parser.add_argument("--rate", type=int, default=100, help="readings a second")
    arguments = parser.parse_args()
    print(f"from {datetime.now(UTC):%H:%M:%S}, {arguments.minutes:g} minutes", flush=True)
    with running_district() as district:
        wrong = drill(district, arguments.minutes * 60, arguments.database_minutes * 60, arguments.rate)
    if wrong:
        sys.exit("\n".join(wrong))
    print("  nothing lost, nothing out of order, tables complete")


if __name__ == "__main__":
    main()
