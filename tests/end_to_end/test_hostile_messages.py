"""1,000 hostile messages: none crashes anything, each is in the dead letters with its reason, good readings flow."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.end_to_end.harness import ROOT, District, wait_until

SERVICES = (
    "ingest_bridge",
    "timescale_sink",
    *(f"processor-{name}" for name in ("ev", "water", "parking", "emergency", "tax", "lanes")),
)


@pytest.mark.slow
def test_hostile_messages_are_kept_and_explained_while_good_ones_flow(district: District) -> None:
    before = {name: district.pid(name) for name in SERVICES}
    known = district.number("SELECT count(*) FROM v_dead_letters")
    load = district.start_load("--rate", "500", "--seconds", "10", "--devices", "20")
    sent = subprocess.run(
        [sys.executable, "-m", "simulators.load.hostile", "--json"],
        cwd=ROOT,
        env=district.role("operator"),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    expected: dict[str, int] = json.loads(sent.stdout)["expected"]
    assert sum(expected.values()) >= 1_000

    def reasons() -> dict[str, int] | None:
        rows = district.sql(
            "SELECT reason, count(*) AS n FROM"
            f" (SELECT reason FROM v_dead_letters ORDER BY received_at OFFSET {known}) d GROUP BY reason"
        )
        found = {row["reason"]: int(row["n"]) for row in rows}
        return found if sum(found.values()) >= sum(expected.values()) else None

    found = wait_until(reasons, "every hostile message to be in the dead letters", 90, every=1.0)
    assert found == expected

    report = json.loads(load.communicate(timeout=120)[0])
    boots = ",".join(f"'{boot}'" for boot in {key["boot_id"] for key in report["keys"]})
    union = " UNION ALL ".join(
        f"SELECT 1 FROM v_{feed}_readings WHERE boot_id IN ({boots})"
        for feed in ("ev", "water", "parking", "emergency", "tax")
    )
    wait_until(
        lambda: district.number(f"SELECT count(*) FROM ({union}) r") == report["sent"] or None,
        "the good readings to be stored",
        60,
        every=1.0,
    )
    assert {name: district.pid(name) for name in SERVICES} == before
