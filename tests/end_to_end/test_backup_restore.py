"""A backup of a district that runs under load, restored on a bare machine: the same figures, and it goes on.

load A     in real life, then in a lane of its own with alerts, closed; its figures are noted
load B     begins; the backup is taken in its middle; it ends, all stored
restore    into an empty folder; a second district goes on from it
           A is the same to the last figure, B is there from its first reading to some point without a hole
load C     into the restored district, all stored
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.paths import cache_dir
from tests.end_to_end.harness import DISTRICT, ROOT, District, running_district, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FEEDS = ("ev", "water", "parking", "emergency", "tax")
SETTLE_SECONDS = 180
IN_ONE = " UNION ALL ".join(
    f"SELECT '{feed}' AS feed, lane, device_id, boot_id, seq, observed_at, stored_at FROM v_{feed}_readings"
    for feed in FEEDS
)


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """Where the backup goes, and the state folder that it is restored into."""
    names = [cache_dir() / "tests" / f"{uuid.uuid4().hex[:12]}-{what}" for what in ("backup", "restored")]
    yield names[0], names[1]
    for folder in names:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_restored_district_has_the_same_figures_and_goes_on(district: District, folders: tuple[Path, Path]) -> None:
    backup, state = folders
    _load_through(district, "live")
    boot, sent = _load_through(district, "exercise:before", "--troubled")
    noted = wait_until(lambda: _figures(district, boot, sent), "the figures of load A", SETTLE_SECONDS, every=2)
    assert noted["alerts"]
    live_before = wait_until(lambda: _said_in_live(district), "figures of real life", SETTLE_SECONDS, every=2)

    load = district.start_load(
        "--rate", "400", "--seconds", "7", "--devices", "40", "--lane", "exercise:during", "--json"
    )
    time.sleep(2)
    said = district.run("backup", str(backup)).stdout
    assert "while the district ran" in said
    during, sent_during = _ended(load)
    # It stopped nothing: the load ended well and is all stored.
    wait_until(lambda: _is_stored(district, during, sent_during), "load B to be stored", SETTLE_SECONDS, every=2)

    restored = _run(district, state, "restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    with running_district(state) as other:
        _close_lanes(other)
        wait_until(lambda: _has_caught_up(other), "the restored district to catch up", SETTLE_SECONDS, every=2)
        assert wait_until(lambda: _figures(other, boot, sent), "its figures", SETTLE_SECONDS, every=2) == noted
        assert live_before <= (_said_in_live(other) or set())
        _is_whole_up_to_some_point(other, during, sent_during)
        again, sent_again = _load_through(other, "exercise:after", "--troubled")
        wait_until(lambda: _is_stored(other, again, sent_again), "load C to be stored", SETTLE_SECONDS, every=2)
        assert {(row["difference"], row["in_flight"]) for row in other.sql("SELECT * FROM v_ledger")} == {(0, 0)}
        # What is there already is never overwritten.
        refused = _run(district, state, "restore", str(backup))
        assert refused.returncode != 0
        assert "already running" in refused.stderr


def _load_through(district: District, lane: str, *options: str) -> tuple[str, int]:
    return _ended(district.start_load("--rate", "400", "--seconds", "3", "--devices", "40", "--lane", lane, *options))


def _ended(load: subprocess.Popen[str]) -> tuple[str, int]:
    text, _ = load.communicate(timeout=SETTLE_SECONDS)
    report = json.loads(text)
    assert load.returncode == 0, report
    (boot,) = {key["boot_id"] for key in report["keys"]}
    return boot, report["sent"]


def _run(district: District, state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = district.environment | {"DISTRICT_STATE": str(state)}
    return subprocess.run(
        [DISTRICT, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def _is_stored(district: District, boot: str, sent: int) -> bool | None:
    query = f"SELECT count(*) FROM (SELECT DISTINCT feed, device_id, seq FROM ({IN_ONE}) r WHERE boot_id = '{boot}') d"
    return district.number(query) == sent or None


def _figures(district: District, boot: str, sent: int) -> dict[str, Any] | None:
    """What the commands say of load A when all of it is stored and judged, its lane closed; None before."""
    if not _is_stored(district, boot, sent) or not _is_at_rest(district):
        return None
    lane = "exercise:before"
    listed = ("alerts", "indicators")
    answers = {
        what: json.loads(district.run(what, "--lane", lane, "--limit", "100000", "--json").stdout) for what in listed
    }
    readings = (
        f"SELECT feed, count(*) AS n, md5(string_agg(r::text, ',' ORDER BY r::text)) AS content"
        f" FROM ({IN_ONE}) r WHERE boot_id = '{boot}' GROUP BY feed ORDER BY feed"
    )
    events = f"SELECT * FROM v_alert_events WHERE lane = '{lane}' ORDER BY event_id"
    return answers | {"readings": district.sql(readings), "events": district.sql(events)}


def _is_at_rest(district: District) -> bool:
    """Say that lanes other than live are judged and stored to their end."""
    lag = {group: behind for group, behind in district.status()["lag"].items() if group.endswith(".lanes")}
    return set(lag.values()) == {0} and not json.loads(district.run("lane", "list", "--json").stdout)


def _said_in_live(district: District) -> set[str] | None:
    """Every event of an alert, and every revision of a figure, of real life; None before there is a figure."""
    figures = district.sql("SELECT * FROM v_indicator_history WHERE lane = 'live'")
    events = district.sql("SELECT event_id, data FROM v_alert_events WHERE lane = 'live'")
    return {json.dumps(row, sort_keys=True) for row in (*figures, *events)} if figures else None


def _close_lanes(district: District) -> None:
    """Load B may have been on its way when its lane's log was copied: who drove the lane does not come back."""
    for lane in json.loads(district.run("lane", "list", "--json").stdout):
        district.run("lane", "close", lane["feed"], lane["lane"])


def _has_caught_up(district: District) -> bool | None:
    ledger = district.sql("SELECT difference, in_flight FROM v_ledger")
    is_settled = {(row["difference"], row["in_flight"]) for row in ledger} == {(0, 0)}
    return True if is_settled and _is_at_rest(district) else None


def _is_whole_up_to_some_point(district: District, boot: str, sent: int) -> None:
    """See that of each device everything is there until the backup and nothing twice."""
    rows = district.sql(
        "SELECT feed, device_id, count(*) AS n, count(DISTINCT seq) AS distinct_n, min(seq) AS first, max(seq) AS last"
        f" FROM ({IN_ONE}) r WHERE boot_id = '{boot}' GROUP BY 1, 2"
    )
    assert 0 < sum(row["n"] for row in rows) <= sent
    for row in rows:
        assert (row["first"], row["n"]) == (0, row["distinct_n"]), row
        assert row["last"] == row["n"] - 1, row
