"""The disks of Kafka and of the database are full under load: with room again everything goes on, nothing is lost.

0 s        load starts: 300 readings/s, the devices keep them until their receipt
5 s        both disks are full
later      the operator has been told, and there is room again
then       readings sent = stored + dead-lettered, no key twice; all is well
"""

from __future__ import annotations

import json
import time

import pytest

from tests.end_to_end.harness import District, all_running, running_district, wait_until
from tests.full_disk import fill

RATE, SECONDS = 300, 25
FULL_AFTER, FULL_FOR = 5, 8
DRAIN_SECONDS = 150
FEEDS = ("ev", "water", "parking", "emergency", "tax")


def stored(district: District, boots: list[str]) -> tuple[int, int]:
    """How many readings are stored, and how many different ones are stored or dead-lettered."""
    listed = ",".join(f"'{boot}'" for boot in boots)
    keys = " UNION ALL ".join(
        f"SELECT device_id, boot_id, seq FROM v_{feed}_readings WHERE boot_id IN ({listed})" for feed in FEEDS
    )
    letters = f"SELECT DISTINCT device_id, boot_id, seq FROM v_dead_letters WHERE boot_id IN ({listed})"
    (row,) = district.sql(
        f"SELECT (SELECT count(*) FROM ({keys}) k) AS stored, "
        f"(SELECT count(*) FROM ({keys} UNION {letters}) k) AS known"
    )
    return int(row["stored"]), int(row["known"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_and_all_goes_on_by_itself() -> None:
    with running_district(disk_megabytes={"kafka": 300, "postgres": 400}) as district:
        options = ("--rate", str(RATE), "--seconds", str(SECONDS), "--devices", "50", "--receipts")
        load = district.start_load(*options)
        time.sleep(FULL_AFTER)
        fillers = [fill(district.state / name) for name in ("kafka", "postgres")]
        wait_until(
            lambda: True if "disk I: The disk of kafka" in district.run("status", check=False).stdout else None,
            "the operator to be told",
            60,
        )
        time.sleep(FULL_FOR)
        for filler in fillers:
            filler.unlink()
        said, _ = load.communicate(timeout=SECONDS + DRAIN_SECONDS)
        report = json.loads(said)
        boots, sent = sorted({key["boot_id"] for key in report["keys"]}), report["sent"]
        assert sent > 0
        wait_until(
            lambda: True if stored(district, boots)[1] >= sent else None, "the books to balance", DRAIN_SECONDS, every=1
        )
        in_tables, known = stored(district, boots)
        assert known == sent
        assert in_tables <= sent, "no key twice"
        wait_until(lambda: all_running(district), "all to be well again", DRAIN_SECONDS, every=1)
        assert "disk I" not in district.run("status").stdout
        journal = (district.state / "logs" / "supervisor.log").read_text()
        assert "kafka: waiting" in journal, "Kafka ended on its full disk"
        for log in (district.state / "logs").glob("*.log"):
            if log.stem not in {"kafka", "postgres", "supervisor"}:
                assert len(log.read_bytes().splitlines()) < 1_000, f"{log.name} says too much of an outage"
