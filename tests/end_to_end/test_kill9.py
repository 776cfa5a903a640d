"""kill -9 of any process under load: readings sent = stored + dead-lettered, no key twice.

0 s        load starts: 2,000 readings/s
5 s        kill -9 of the process, the supervisor starts it again
15 s       load ends
then       the books are compared until they balance
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass

import pytest

from tests.end_to_end.harness import District, wait_until

FEEDS = ("ev", "water", "parking", "emergency", "tax")
RATE = 2_000
SECONDS = 15
KILL_AFTER_SECONDS = 5
DRAIN_SECONDS = 120
TICKS = 30
"""So many clock messages may have come since offsets were committed last; they are all that is left."""


@dataclass(frozen=True)
class Books:
    """What is known about one run of the load generator."""

    sent: int
    stored: int
    distinct: int
    dead_lettered: int


def _sent(load: subprocess.Popen[str]) -> tuple[list[str], int]:
    """Boot ids used, and how many readings were sent."""
    text, _ = load.communicate(timeout=SECONDS + 120)
    report = json.loads(text)
    assert load.returncode == 0, report
    boots = sorted({key["boot_id"] for key in report["keys"]})
    assert sum(key["next_seq"] for key in report["keys"]) == report["sent"]
    return boots, report["sent"]


def _books(district: District, boots: list[str], sent: int) -> Books:
    listed = ",".join(f"'{boot}'" for boot in boots)
    union = " UNION ALL ".join(
        f"SELECT device_id, boot_id, seq FROM v_{feed}_readings WHERE boot_id IN ({listed})" for feed in FEEDS
    )
    (row,) = district.sql(
        f"SELECT count(*) AS stored, count(DISTINCT (device_id, boot_id, seq)) AS distinct_keys FROM ({union}) r"
    )
    dead = district.number(
        f"SELECT count(DISTINCT (device_id, boot_id, seq)) FROM v_dead_letters WHERE boot_id IN ({listed})"
    )
    return Books(sent, int(row["stored"]), int(row["distinct_keys"]), dead)


def _balanced(district: District, boots: list[str], sent: int) -> Books | None:
    books = _books(district, boots, sent)
    return books if books.stored + books.dead_lettered >= sent else None


def _run_and_kill(district: District, victim: str, *options: str) -> Books:
    load = district.start_load("--rate", str(RATE), "--seconds", str(SECONDS), "--devices", "100", *options)
    time.sleep(KILL_AFTER_SECONDS)
    old = district.kill(victim)
    district.wait_restarted(victim, old)
    boots, sent = _sent(load)
    assert sent == RATE * SECONDS
    return wait_until(
        lambda: _balanced(district, boots, sent),
        f"the books to balance after kill -9 of {victim}",
        DRAIN_SECONDS,
        every=1.0,
    )


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["ingest_bridge", "timescale_sink", "processor-lanes"])
def test_a_killed_service_loses_nothing_and_counts_nothing_twice(district: District, victim: str) -> None:
    books = _run_and_kill(district, victim)
    assert books.stored + books.dead_lettered == books.sent
    assert books.distinct == books.stored


@pytest.mark.slow
def test_a_killed_processor_of_real_life_judges_all_that_came_meanwhile(district: District) -> None:
    books = _run_and_kill(district, "processor-parking", "--lane", "live")
    assert books.stored + books.dead_lettered == books.sent
    wait_until(
        lambda: True if (district.status()["lag"].get("processor.parking") or TICKS + 1) <= TICKS else None,
        "the backlog of processor-parking to be judged",
        DRAIN_SECONDS,
        every=1.0,
    )


@pytest.mark.slow
def test_a_killed_broker_loses_nothing_of_devices_that_use_receipts(district: District) -> None:
    books = _run_and_kill(district, "mosquitto", "--receipts")
    assert books.stored + books.dead_lettered == books.sent
    assert books.distinct == books.stored


def test_the_sinks_own_books_balance_after_all_that(district: District) -> None:
    rows = district.sql("SELECT feed, readings, stored, duplicates, dead_lettered FROM v_feed_totals")
    assert rows
    for row in rows:
        assert row["readings"] == row["stored"] + row["duplicates"] + row["dead_lettered"], row
