"""When a disk is said to be full, or foretold to be."""

from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local.disk_watch import DiskWatch, room_of
from deploy.local.disks import GIB, MIB, Disk, DiskPolicy, Room, alert_of
from deploy.local.settings import LocalSettings
from schemas.alert import Severity
from tests.full_disk import fill

HOUR = 3600.0
POLICY = DiskPolicy()


def level(free: float, total: float, **files: int) -> Severity | None:
    return Disk(POLICY).look(Room(int(free), int(total), **files), 0.0)[0]


@pytest.mark.parametrize(
    ("free", "total", "expected"),
    [
        (100 * GIB, 1000 * GIB, None),
        (5 * GIB, 1000 * GIB, None),
        (5 * GIB - 1, 1000 * GIB, Severity.ORANGE),
        (2 * GIB, 20 * GIB, None),
        (2 * GIB - 1, 20 * GIB, Severity.ORANGE),
        (512 * MIB, 1000 * GIB, Severity.ORANGE),
        (512 * MIB - 1, 1000 * GIB, Severity.RED),
        (29, 1000, Severity.RED),
        (30, 1000, Severity.ORANGE),
        (0, 1000, Severity.RED),
    ],
)
def test_the_level_of_a_disk_follows_from_share_and_bytes(free: int, total: int, expected: Severity | None) -> None:
    assert level(free, total) == expected


def test_a_disk_that_can_hold_no_more_files_is_full_too() -> None:
    assert level(100 * GIB, 200 * GIB, free_files=1, total_files=1000) is Severity.RED
    assert level(100 * GIB, 200 * GIB, free_files=0, total_files=0) is None, "it does not count files"


def filling(free_gib: float, gib_an_hour: float, *, minutes: int) -> tuple[Severity | None, timedelta | None]:
    """What is said at the end of some minutes, in which a disk of 1,000 GiB fills down to `free_gib`."""
    disk, said = Disk(POLICY), (None, None)
    for minute in range(minutes + 1):
        free = free_gib + gib_an_hour * (minutes - minute) / 60
        said = disk.look(Room(int(free * GIB), 1000 * GIB), minute * 60.0)
    return said


def test_a_disk_that_fills_is_foretold_long_before_its_level_shows_it() -> None:
    severity, full_in = filling(200, 10, minutes=60)
    assert severity is Severity.YELLOW
    assert full_in is not None
    assert full_in.total_seconds() == pytest.approx(20 * HOUR, rel=0.01)
    assert filling(200, 60, minutes=60)[0] is Severity.ORANGE


def test_nothing_is_foretold_from_moments_from_little_or_from_a_disk_that_does_not_fill() -> None:
    assert filling(200, 1000, minutes=4) == (None, None)
    assert filling(200, 3, minutes=60) == (None, None)
    assert filling(200, -60, minutes=60) == (None, None)


def test_filling_of_long_ago_foretells_nothing() -> None:
    disk = Disk(POLICY)
    for minute in range(180):
        free = 200 - min(minute, 60)
        severity, full_in = disk.look(Room(free * GIB, 1000 * GIB), minute * 60.0)
    assert (severity, full_in) == (None, None)


def test_a_level_is_left_only_with_room_to_spare() -> None:
    disk = Disk(POLICY)
    said = [
        disk.look(Room(int(gib * GIB), 1000 * GIB), 0.0)[0] for gib in (5.1, 4.9, 5.1, 5.9, 6.1, 5.1, 0.4, 0.55, 0.7)
    ]
    orange, red = Severity.ORANGE, Severity.RED
    assert said == [None, orange, orange, orange, None, None, red, red, orange]


def test_the_alert_says_which_disk_how_much_when_what_stops_and_what_to_do() -> None:
    alert = alert_of(Severity.ORANGE, ("kafka", "state"), "/data/kafka", Room(3 * GIB, 50 * GIB), timedelta(hours=2))
    for words in ("kafka, state", "/data/kafka", "3.0 GiB", "50.0 GiB", "2.0 h", "Kafka ends", "Make room"):
        assert words in alert.text_en
    for words in ("kafka、state", "3.0 GiB", "2.0 小时", "Kafka 会退出", "请清理或扩容"):
        assert words in alert.text_zh


def test_what_the_operator_may_choose_is_read_from_plain_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("DISK_LOOK_SECONDS", "2.5"), ("LOG_FILES", "2"), ("LOG_BYTES", "1000")):
        monkeypatch.setenv(f"DISTRICT_{name}", value)
    settings = LocalSettings()
    assert (settings.disk_look_seconds, settings.log_files, settings.log_bytes) == (2.5, 2, 1000)


def test_a_real_disk_is_seen_to_fill_and_to_have_room_again(small_disk: Path, tmp_path: Path) -> None:
    said: list[tuple[str, bool]] = []
    folders = {"kafka": small_disk, "logs": small_disk, "postgres": tmp_path / "not there yet"}
    watch = DiskWatch(folders, lambda words, trouble: said.append((words, trouble)))
    watch._compare(watch.look())
    assert (watch.alerts, said) == ((), [])
    filler = fill(small_disk)
    assert room_of(small_disk).free_bytes == 0
    for _ in range(3):
        watch._compare(watch.look())
    (alert,) = watch.alerts
    assert (alert.severity, alert.folders, alert.free_bytes) == (Severity.RED, ("kafka", "logs"), 0)
    assert [trouble for _, trouble in said] == [True], "told once"
    filler.unlink()
    watch._compare(watch.look())
    assert watch.alerts == ()
    assert said[-1] == (f"{small_disk} has room again", False)
