"""`district load`: everything that was sent is accounted for and timed; a limit that cannot be kept is missed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.end_to_end.harness import District

RATE, SECONDS = 60, 5


def load(district: District, *options: str) -> tuple[int, dict[str, Any]]:
    steady = ("--rate", str(RATE), "--duration", str(SECONDS), "--devices", "30", "--connections", "3", "--json")
    done = district.run("load", *steady, *options, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_all_that_was_sent_is_accounted_for_and_timed(district: District) -> None:
    status, found = load(district, "--feeds", "water,parking", "--lane", "exercise:load-e2e", "--alerts")
    sent = RATE * SECONDS
    assert found["account"] == {"sent": sent, "stored": sent, "dead_lettered": 0, "lost": 0, "losses": []}
    assert status == found["exit_status"]
    assert status in {0, 5}, found
    counts = {name: each["count"] for name, each in found["latency"].items()}
    assert (counts["acknowledged"], counts["stored"], counts["alert"] > 0) == (sent, sent, True)
    assert counts["judged"] >= sent // 2, "each sample of water has at least one indicator"
    assert found["unknown"] == {}
    for name, each in found["latency"].items():
        assert 0 < each["p50_ms"] <= each["p99_ms"] <= each["max_ms"], name


@pytest.mark.slow
def test_a_limit_that_is_missed_is_said(district: District) -> None:
    options = ("--feeds", "ev", "--lane", "exercise:load-limit", "--settle", "20", "--p99-stored-ms", "0.001")
    status, found = load(district, *options, "--p99-judged-ms", "1000")
    assert status in {1, 5}
    stored, judged = found["missed"]
    assert stored.startswith("stored p99 ")
    assert judged == "judged p99 is not known, 1000 ms allowed"
    assert found["latency"]["judged"] is None
    assert "water" in found["unknown"]["judged"]
