"""The whole district, from a device to a subscriber's webhook: also while the database is down."""

from __future__ import annotations

import json

from tests.end_to_end.harness import District, frozen, wait_until
from tests.integration.webhook_receiver import receiving

SUBSCRIBER = "end-to-end"
RULE = "parking.count_impossible"


def load(district: District, seconds: int) -> None:
    """A few hundred readings of which some raise an alert."""
    what = ("--rate", "100", "--seconds", str(seconds), "--devices", "20", "--feeds", "parking")
    process = district.start_load(*what, "--troubled", "--lane", "live")
    try:
        assert json.loads(process.communicate(timeout=120)[0])["unfinished"] == 0
    finally:
        process.kill()


def log_of(district: District) -> str:
    return (district.state / "logs" / "alert_delivery.log").read_text(encoding="utf-8")


def lag(district: District) -> int | None:
    """Records that the subscriber is not through with, as the operator is told."""
    found: dict[str, int | None] = json.loads(district.run("status", "--json").stdout)["lag"]
    return found.get(f"delivery-{SUBSCRIBER}")


def test_webhooks_flow_while_the_database_answers_nothing(district: District) -> None:
    with receiving() as receiver:

        def received(more_than: int) -> bool | None:
            return True if len(receiver.of("/alerts")) > more_than else None

        url = receiver.url("/alerts")
        district.run("subscriber", "add", SUBSCRIBER, url, "--rule", RULE, "--allow-network", "127.0.0.0/8")
        wait_until(lambda: True if SUBSCRIBER in log_of(district) else None, "the subscriber to be delivered to", 30)
        load(district, 5)
        wait_until(lambda: received(0), "a webhook while all is well", 60)
        wait_until(lambda: True if lag(district) == 0 else None, "nothing to wait for the subscriber", 60, every=2)
        database = district.pid("postgres")
        assert database is not None
        with frozen(database):
            before = len(receiver.of("/alerts"))
            load(district, 5)
            wait_until(lambda: received(before + 3), "webhooks without a database", 60)
            told = json.loads(district.run("deliveries", "--subscriber", SUBSCRIBER, "--json").stdout)
        assert told["subscribers"][0]["outcomes"]["delivered"] > before
        assert told["subscribers"][0]["state"] == "active"
        district.run("subscriber", "end", SUBSCRIBER)
        assert lag(district) is None
