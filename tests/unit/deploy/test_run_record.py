"""The record of a run on a full disk."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local import run_record
from deploy.local.disks import Room, alert_of
from deploy.local.processes import Identity
from deploy.local.run_record import BLOCK_BYTES, ProcessRecord, RunRecord
from schemas.alert import Severity
from tests.full_disk import fill

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(processes: int, restarts: int = 0) -> RunRecord:
    one = ProcessRecord(
        kind="service",
        state="ready",
        since=NOW,
        pid=1,
        identity=Identity(1, 2, "boot"),
        restarts=restarts,
        last_exit=None,
        endpoint="",
        metrics_port=1,
    )
    alert = alert_of(Severity.RED, ("kafka",), "/data", Room(0, 1), None)
    return RunRecord(
        supervisor=Identity(1, 2, "boot"),
        started_at=NOW,
        processes={f"p{number}": one for number in range(processes)},
        alerts=(alert,),
    )


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    run_record.write(tmp_path, record(3))
    assert run_record.read(tmp_path) == record(3)
    assert (tmp_path / run_record.RECORD).stat().st_size == BLOCK_BYTES


def test_a_full_disk_takes_every_later_record_of_a_run(small_disk: Path) -> None:
    run_record.write(small_disk, record(3))
    filler = fill(small_disk)
    for restarts in (1, 20, 300):
        run_record.write(small_disk, record(20, restarts))
        assert run_record.read(small_disk) == record(20, restarts)
    filler.unlink()
    run_record.write(small_disk, record(4))
    assert run_record.read(small_disk) == record(4)
    assert [path.name for path in small_disk.iterdir()] == [run_record.RECORD]


def test_a_first_record_on_a_full_disk_is_an_error(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(OSError, match=r"No space left|No such file"):
        run_record.write(small_disk, record(1))


def test_a_record_of_a_release_before_is_read(tmp_path: Path) -> None:
    text = record(1).model_dump_json(exclude={"alerts": True, "processes": {"p0": {"trouble"}}})
    (tmp_path / run_record.RECORD).write_text(text)
    found = run_record.read(tmp_path)
    assert found is not None
    assert (found.alerts, found.processes["p0"].trouble) == ((), None)
