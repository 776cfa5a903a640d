"""What a load run says: losses by device, limits and exit status, whose lateness it was."""

from __future__ import annotations

import pytest

from services.district.load_verdict import (
    EXIT_GENERATOR,
    EXIT_MISSED,
    Limits,
    Loss,
    Sent,
    account,
    exit_status,
    generator_trouble,
    missed,
)
from services.read_model.audit import AuditRow


def row(device: str, *, last: int, stored: int, refused: int = 0, missing: str = "{}") -> AuditRow:
    n = last + 1 - stored - refused
    return AuditRow("ev", device, "boot", 0, last, last + 1, stored, refused, 0, n, missing)


def test_what_is_stored_or_dead_lettered_is_not_lost() -> None:
    found = account([Sent("ev", "a", 10), Sent("ev", "idle", 0)], [row("a", last=9, stored=8, refused=2)])
    assert (found.sent, found.stored, found.dead_lettered, found.lost, found.losses) == (10, 8, 2, 0, ())


def test_holes_the_end_and_silent_devices_are_lost_by_number() -> None:
    found = account(
        [Sent("ev", "holes", 10), Sent("ev", "end", 10), Sent("ev", "silent", 4), Sent("ev", "one", 1)],
        [row("holes", last=8, stored=6, missing="{[2,4),[6,7)}"), row("end", last=6, stored=7)],
    )
    assert found.lost == 12
    assert found.losses == (
        Loss("ev", "holes", 4, "2-3, 6, 9"),
        Loss("ev", "end", 3, "7-9"),
        Loss("ev", "silent", 4, "0-3"),
        Loss("ev", "one", 1, "0"),
    )


@pytest.mark.parametrize(
    ("late_p99_ms", "waited_seconds", "cpu_share", "trouble"),
    [
        (1.0, 0.0, 0.3, False),
        (80.0, 0.0, 0.3, True),
        (80.0, 2.0, 0.3, False),  # it waited for the broker: this is what was to be measured
        (1.0, 0.0, 0.95, True),
        (80.0, 2.0, 0.95, True),
    ],
)
def test_lateness_is_the_generators_unless_it_waited_for_the_broker(
    late_p99_ms: float, waited_seconds: float, cpu_share: float, trouble: bool
) -> None:
    said = generator_trouble(late_p99_ms=late_p99_ms, waited_seconds=waited_seconds, seconds=10, cpu_share=cpu_share)
    assert (said is not None) == trouble


def test_limits() -> None:
    p99 = {"stored": 100.0, "judged": 250.5, "alert": None}
    assert missed(Limits(), p99, 0) == []
    assert missed(Limits(stored_ms=100, judged_ms=251), p99, 0) == []
    assert missed(Limits(stored_ms=99, judged_ms=250, alert_ms=5, loss=2), p99, 3) == [
        "3 readings lost, 2 allowed",
        "stored p99 100.0 ms, 99 ms allowed",
        "judged p99 250.5 ms, 250 ms allowed",
        "alert p99 is not known, 5 ms allowed",
    ]
    assert missed(Limits(loss=3), p99, 3) == []
    assert missed(Limits(), p99, None) == []


@pytest.mark.parametrize(
    ("unfinished", "lost", "trouble", "limits_missed", "status"),
    [
        (0, 0, None, [], 0),
        (0, None, None, [], 0),
        (0, 0, None, ["p99"], EXIT_MISSED),
        (0, 0, "late", ["p99"], EXIT_GENERATOR),
        (0, 0, "late", [], EXIT_GENERATOR),
        (0, 1, "late", [], EXIT_MISSED),
        (3, 0, None, [], EXIT_MISSED),
    ],
)
def test_exit_status(
    unfinished: int, lost: int | None, trouble: str | None, limits_missed: list[str], status: int
) -> None:
    said = exit_status(unfinished=unfinished, lost=lost, allowed=0, trouble=trouble, missed=limits_missed)
    assert said == status
