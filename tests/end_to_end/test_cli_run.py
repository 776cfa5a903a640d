"""`district run` from its first server to its last: all five feeds stored, then nothing left behind.

The commands are run as an operator runs them, in processes of their own, against a district of this test alone.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from deploy.local.paths import cache_dir
from tests.end_to_end.harness import DISTRICT, ROOT, START_SECONDS, District, wait_until

pytestmark = pytest.mark.slow

FEEDS = {"ev", "water", "parking", "emergency", "tax"}
SERVERS = {"mosquitto", "kafka", "postgres"}
PROCESSORS = {f"processor-{name}" for name in (*FEEDS, "lanes")}
SERVICES = {
    "ingest_bridge",
    "timescale_sink",
    "alert_delivery",
    "operations_api",
    "simulators",
    "citybrain",
    *PROCESSORS,
}
EXIT_ANOTHER_RUNS = 3
EXIT_NOTHING_RUNS = 4


@pytest.fixture(scope="module")
def simulated() -> Iterator[District]:
    """A whole district with its simulators."""
    state = cache_dir() / "tests" / uuid.uuid4().hex[:12]
    state.mkdir(parents=True)
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("KAFKA_", "MQTT_", "DATABASE_", "DISTRICT_"))
    }
    ports = ("MQTT", "KAFKA", "KAFKA_CONTROLLER", "POSTGRES", "API")
    environment |= {f"DISTRICT_{port}_PORT": "0" for port in ports} | {"DISTRICT_STATE": str(state)}
    if chosen := os.environ.get("DISTRICT_CACHE"):
        environment["DISTRICT_CACHE"] = chosen
    output = state / "screen.txt"
    with output.open("wb") as screen:
        process = subprocess.Popen(
            [DISTRICT, "run"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield District(state, process, output, environment)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(state, ignore_errors=True)


def said(district: District) -> str:
    return district.output.read_text(encoding="utf-8", errors="replace")


def all_feeds_stored(district: District) -> dict[str, Any] | None:
    if district.process.poll() is not None:
        pytest.fail(f"district run ended:\n{said(district)[-4000:]}")
    status = district.status()
    feeds = status.get("feeds", {})
    return status if feeds and all((feed["stored"] or 0) > 0 for feed in feeds.values()) else None


@pytest.fixture(scope="module")
def live(simulated: District) -> dict[str, Any]:
    """The status of the district once each feed has readings in the database."""
    return wait_until(lambda: all_feeds_stored(simulated), "all five feeds to be stored", START_SECONDS, every=1.0)


def test_all_five_feeds_arrive_in_the_database(live: dict[str, Any]) -> None:
    assert set(live) == {"servers", "services", "feeds", "lag", "open_alerts"}
    assert live["servers"] == dict.fromkeys(SERVERS, "running")
    assert live["services"] == dict.fromkeys(SERVICES, "running")
    assert set(live["feeds"]) == FEEDS
    for feed in live["feeds"].values():
        assert set(feed) == {"devices", "received", "stored", "dead_lettered"}
        assert feed["devices"] > 0
        assert feed["received"] >= feed["stored"] + feed["dead_lettered"]
    assert {"sink", "processor.water"} <= set(live["lag"])
    assert all(lag is None or isinstance(lag, int) for lag in live["lag"].values()), "None: Kafka did not say in time"
    assert isinstance(live["open_alerts"], list)


def test_the_simulated_city_brain_receives_what_is_raised(simulated: District, live: dict[str, Any]) -> None:
    assert live["services"]["citybrain"] == "running"
    says_how_many = re.compile(r"citybrain +running +[1-9][0-9,]* e")
    wait_until(
        lambda: says_how_many.search(simulated.run("status").stdout), "an event with the city brain", 120, every=1.0
    )
    (subscriber,) = json.loads(simulated.run("subscriber", "list", "--json").stdout)
    assert (subscriber["id"], subscriber["state"]) == ("citybrain-simulator", "active")

    def confirmed() -> int | None:
        (row,) = json.loads(simulated.run("deliveries", "--json").stdout)["subscribers"]
        return int(row["receipts"]) or None

    wait_until(confirmed, "the simulated city brain to send a receipt", 60, every=2)


def test_without_a_terminal_the_screen_is_plain_lines(simulated: District, live: dict[str, Any]) -> None:
    assert live
    lines = wait_until(
        lambda: [line for line in said(simulated).splitlines() if " | lag " in line] or None, "a status line", 30
    )
    assert "readings/s" in lines[0]
    assert "open alerts" in lines[0]
    assert "\x1b" not in said(simulated)
    assert "kafka: ready" in said(simulated)


def test_the_table_is_printed_once_for_people(simulated: District, live: dict[str, Any]) -> None:
    assert live
    table = simulated.run("status").stdout
    services = {*(SERVICES - PROCESSORS), f"{len(PROCESSORS)} processors"}
    for word in (*FEEDS, *SERVERS, *services, "readings/s", "Kafka lag", "Dead letters by reason", "Open alerts"):
        assert word in table


def test_a_second_run_says_that_one_is_running(simulated: District, live: dict[str, Any]) -> None:
    assert live
    second = simulated.run("run", "--plain", check=False, seconds=30)
    assert second.returncode == EXIT_ANOTHER_RUNS
    assert "already running" in second.stderr
    assert str(simulated.process.pid) in second.stderr
    assert str(simulated.state) in second.stderr
    assert "make stop" in second.stderr
    assert "Traceback" not in second.stderr


def test_sql_answers_in_csv_and_json(simulated: District, live: dict[str, Any]) -> None:
    assert live
    query = "SELECT feed, stored, NULL AS nothing, now() AS at FROM v_feed_totals ORDER BY feed"
    header, *rows = csv.reader(io.StringIO(simulated.run("sql", query).stdout))
    assert header == ["feed", "stored", "nothing", "at"]
    assert {row[0] for row in rows} == FEEDS
    assert all(int(row[1]) > 0 and row[2] == "" and row[3].endswith("Z") for row in rows)
    objects = json.loads(simulated.run("sql", query, "--json").stdout)
    assert {each["feed"] for each in objects} == FEEDS
    assert all(each["stored"] > 0 and each["nothing"] is None for each in objects)


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("DELETE FROM water_readings", "only reads"),
        ("CREATE TABLE intruder (n int)", "only reads"),
        ("INSERT INTO sink_progress SELECT * FROM sink_progress", "only reads"),
        ("SELECT 1; DELETE FROM water_readings", "one at a time"),
        ("DELETE FROM water_readings RETURNING *", "only reads"),
        ("COMMIT", "ask with SELECT"),
        ("SELECT nonsense FROM v_feed_totals", "at character 8"),
    ],
)
def test_sql_refuses_what_is_no_query(simulated: District, live: dict[str, Any], query: str, complaint: str) -> None:
    assert live
    refused = simulated.run("sql", query, check=False)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert complaint in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_service_that_dies_is_started_again_and_the_operator_is_told(
    simulated: District, live: dict[str, Any]
) -> None:
    assert live
    old = simulated.kill("processor-water")
    simulated.wait_restarted("processor-water", old)
    assert "processor-water: killed: signal SIGKILL" in said(simulated)


def test_logs_of_each_process_can_be_read(simulated: District, live: dict[str, Any]) -> None:
    assert live
    assert simulated.run("logs", "ingest_bridge", "--lines", "5").stdout.count("\n") <= 5
    unknown = simulated.run("logs", "nobody", check=False)
    assert unknown.returncode == 1
    assert "timescale_sink" in unknown.stderr


def test_stop_leaves_no_process_and_no_port(simulated: District, live: dict[str, Any]) -> None:
    assert live
    record = json.loads((simulated.state / "run.json").read_text(encoding="utf-8"))
    leaders = [process["pid"] for process in record["processes"].values()]
    endpoints = [process["endpoint"] for process in record["processes"].values() if process["endpoint"]]
    family = [child for pid in leaders for child in (psutil.Process(pid), *psutil.Process(pid).children(True))]
    assert len(endpoints) == len(SERVERS) + 1, "the servers, and the operations API"

    assert "Stopped" in simulated.run("stop", seconds=120).stdout

    assert not [process for process in family if process.is_running()]
    for endpoint in endpoints:
        host, _, port = endpoint.removeprefix("http://").rpartition(":")
        with socket.socket() as probe:
            assert probe.connect_ex((host, int(port))) != 0, f"somebody listens on {endpoint}"
    assert simulated.process.wait(10) == 0
    nothing = simulated.run("status", "--json", check=False)
    assert nothing.returncode == EXIT_NOTHING_RUNS
    assert set(json.loads(nothing.stdout)["servers"].values()) == {"down"}
    assert simulated.run("stop").returncode == 0
