"""What processes say: bounded files, rotated while they run, through full disks."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.log_files import LogKeeper, RotatingLog
from tests.full_disk import fill

SECONDS = 20.0


def all_of(folder: Path, name: str) -> list[Path]:
    """The files of a log, the oldest first."""
    old = sorted(folder.glob(f"{name}.log.*"), key=lambda path: -int(path.suffix[1:]))
    return [*old, folder / f"{name}.log"]


def run(keeper: LogKeeper, name: str, program: str) -> None:
    pipe = keeper.open(name)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=pipe.writer, stderr=pipe.writer)
    os.close(pipe.writer)
    assert process.wait(SECONDS) == 0
    assert pipe.ended.wait(SECONDS)


def test_a_log_is_set_aside_while_its_process_runs_and_nothing_within_the_bound_is_lost(tmp_path: Path) -> None:
    with LogKeeper(tmp_path, max_bytes=4000, files=3) as keeper:
        run(keeper, "talker", "for i in range(3000): print(f'line {i:05}', flush=i % 7 == 0)")
    files = all_of(tmp_path, "talker")
    assert [path.name for path in files] == ["talker.log.3", "talker.log.2", "talker.log.1", "talker.log"]
    assert all(path.stat().st_size <= 4000 for path in files)
    assert all(path.read_bytes().endswith(b"\n") for path in files), "no line is torn"
    lines = b"".join(path.read_bytes() for path in files).splitlines()
    assert lines == [f"line {i:05}".encode() for i in range(3000 - len(lines), 3000)]


def test_many_lines_never_take_more_than_the_bound(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "a.log", max_bytes=1000, files=2)
    for number in range(500):
        log.write(f"{number:09}\n".encode())
    log.close()
    files = all_of(tmp_path, "a")
    assert len(files) == 3
    assert all(path.stat().st_size <= 1000 for path in files)
    assert b"".join(path.read_bytes() for path in files).splitlines()[-1] == b"000000499"
    again = RotatingLog(tmp_path / "a.log", max_bytes=1000, files=2)
    again.write(b"x" * 900 + b"\n")
    again.close()
    assert (tmp_path / "a.log").read_bytes() == b"x" * 900 + b"\n", "the size of a log of an earlier run counts"


def test_last_words_without_an_end_of_line_are_kept(tmp_path: Path) -> None:
    with LogKeeper(tmp_path, max_bytes=10_000, files=1) as keeper:
        run(keeper, "short", "import sys; sys.stdout.write('no newline')")
        run(keeper, "short", "print('the next run')")
    assert (tmp_path / "short.log").read_text() == "no newline\nthe next run\n"


def test_a_log_that_cannot_be_set_aside_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "a.log.1").mkdir()
    (tmp_path / "a.log.1" / "in the way").touch()
    log = RotatingLog(tmp_path / "a.log", max_bytes=100, files=1)
    for number in range(100):
        log.write(f"{number:09}\n".encode())
    log.close()
    assert (tmp_path / "a.log").stat().st_size <= 100
    assert (tmp_path / "a.log").read_text().splitlines()[-1] == "000000099"


def test_a_full_disk_neither_stops_the_process_nor_goes_unsaid(small_disk: Path) -> None:
    filler = fill(small_disk)
    with LogKeeper(small_disk, max_bytes=200_000, files=1) as keeper:
        run(keeper, "talker", "for i in range(20_000): print('lost', i)")
        filler.unlink()
        run(keeper, "talker", "print('kept')")
    said = (small_disk / "talker.log").read_text().splitlines()
    assert said[-1] == "kept"
    assert "bytes of this log are lost: No space left on device" in said[-2]


def test_a_process_that_talks_does_not_wait_for_the_supervisor(tmp_path: Path) -> None:
    """The loop of the supervisor may be busy; the pipe is read by a thread of its own."""
    with LogKeeper(tmp_path, max_bytes=10_000_000, files=1) as keeper:
        run(keeper, "talker", "print('x' * 1000, flush=True); [print('y' * 1000) for _ in range(1000)]")
    assert (tmp_path / "talker.log").stat().st_size == 1001 * 1001


def test_closing_does_not_wait_for_who_still_holds_a_pipe(tmp_path: Path) -> None:
    with LogKeeper(tmp_path, max_bytes=10_000, files=1) as keeper:
        pipe = keeper.open("holder")
        os.write(pipe.writer, b"said before\nhalf")
        began = time.monotonic()
    assert time.monotonic() - began < SECONDS
    assert (tmp_path / "holder.log").read_text() == "said before\nhalf\n"
    assert pipe.ended.is_set()
    with pytest.raises(BrokenPipeError):
        os.write(pipe.writer, b"into nothing")
    os.close(pipe.writer)
