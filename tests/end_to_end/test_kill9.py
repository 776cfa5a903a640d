"""kill -9 of anything at any moment: readings sent = stored + dead-lettered, no key twice, all of them judged.

Two ways: of a service with much in flight, 2,000 readings/s for 15 s, killed after 5 s; and of everything that runs,
one after the other, while devices with receipts send all the time (`kill_series`).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from dataclasses import dataclass

import pytest

from schemas.fields import Feed
from tests.end_to_end.harness import District, wait_until
from tests.end_to_end.kill_series import BALANCE_SECONDS, SUPERVISOR, Series, kill_everything, record_of

FEEDS = ("ev", "water", "parking", "emergency", "tax")
RATE = 2_000
SECONDS = 15
KILL_AFTER_SECONDS = 5
DRAIN_SECONDS = 120
SERVERS = {"mosquitto", "kafka", "postgres"}
OWN = {"ingest_bridge", "timescale_sink", "alert_delivery", "operations_api", "processor-lanes"} | {
    f"processor-{feed}" for feed in FEEDS
}
"""What has to be among the victims; what else runs is, too."""
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
@pytest.mark.parametrize("victim", ["ingest_bridge", "timescale_sink"])
def test_a_service_killed_with_much_in_flight_loses_nothing_and_counts_nothing_twice(
    district: District, victim: str
) -> None:
    books = _run_and_kill(district, victim)
    assert books.stored + books.dead_lettered == books.sent
    assert books.distinct == books.stored


@pytest.fixture(scope="module")
def series(district: District) -> Series:
    """Everything was killed, one after the other, the supervisor last."""
    return asyncio.run(kill_everything(district))


@pytest.mark.slow
def test_everything_that_runs_is_killed_and_the_ledger_balances_within_a_minute(series: Series) -> None:
    running = set(record_of(series.district).processes)
    assert {turn.victim for turn in series.turns} == running | {SUPERVISOR}
    assert len(running) >= len(SERVERS | OWN), "what a run is made of"
    assert running >= SERVERS | OWN
    assert {turn.victim: turn.wrong for turn in series.turns if turn.wrong} == {}
    assert max(turn.balance_seconds for turn in series.turns) <= BALANCE_SECONDS


@pytest.mark.slow
def test_what_is_killed_takes_nothing_else_with_it(series: Series) -> None:
    assert {turn.victim: turn.also_restarted for turn in series.turns if turn.also_restarted} == {}


@pytest.mark.slow
def test_in_the_end_each_device_s_readings_are_there_once_and_receipts_say_so(series: Series) -> None:
    for load, report in zip(series.loads, series.reports, strict=True):
        assert report["unfinished"] == 0, "each device has a receipt for its last reading"
        assert report["sent"] == sum(each.next_seq for each in load.sent()) > 0
    wrong = wait_until(
        lambda: [] if not asyncio.run(series.wrong_now()) else None,
        "the ledger of both lanes to balance",
        DRAIN_SECONDS,
    )
    assert wrong == []
    for load in series.loads:
        books = _books(series.district, [load.boot], sum(each.next_seq for each in load.sent()))
        assert (books.stored, books.distinct, books.dead_lettered) == (books.sent, books.sent, 0)


@pytest.mark.slow
def test_in_the_end_each_reading_is_judged_once_in_both_lanes(series: Series) -> None:
    """Water's figures name the reading that they are about, and the processors have nothing left to judge."""
    for load in series.loads:
        water = sum(each.next_seq for each in load.sent() if each.feed == Feed.WATER)
        query = (
            "SELECT count(DISTINCT (sample_device_id, sample_seq)) AS judged, count(*) AS figures,"
            " count(DISTINCT (id, sample_device_id, sample_seq)) AS kinds"
            f" FROM v_indicators WHERE sample_boot_id = '{load.boot}'"
        )
        row = wait_until(
            lambda: found[0] if (found := series.district.sql(query))[0]["judged"] >= water else None,  # noqa: B023
            f"the {water} readings of water in {load.lane} to be judged",
            DRAIN_SECONDS,
            every=1.0,
        )
        assert (row["judged"], row["figures"]) == (water, row["kinds"])
    for feed in FEEDS:
        for name in (f"processor.{feed}", f"processor.{feed}.lanes"):
            wait_until(
                lambda: True if series.district.status()["lag"].get(name, TICKS + 1) <= TICKS else None,  # noqa: B023
                f"the backlog of {name} to be judged",
                DRAIN_SECONDS,
                every=1.0,
            )


def test_the_sinks_own_books_balance_after_all_that(district: District) -> None:
    rows = district.sql("SELECT feed, readings, stored, duplicates, dead_lettered FROM v_feed_totals")
    assert rows
    for row in rows:
        assert row["readings"] == row["stored"] + row["duplicates"] + row["dead_lettered"], row
