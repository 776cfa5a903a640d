"""History from files: exact counts whatever interrupts it, refused lines explained, nothing twice."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from schemas.fields import Feed
from services.timescale_sink import history
from services.timescale_sink.errors import ImportRefused
from services.timescale_sink.history import parts_of, refused_file, take_part

FIRST = datetime(2021, 3, 1, tzinfo=UTC)
DISTRICT = Path(sys.executable).with_name("district")


def line(device: str, seq: int, *, free: int = 7) -> str:
    at = (FIRST + timedelta(minutes=37 * seq)).isoformat().replace("+00:00", "Z")
    return (
        f'{{"feed":"parking","device_id":"{device}","group_id":"cbd","boot_id":"history","seq":{seq},'
        f'"observed_at":"{at}","total_spaces":10,"free_spaces":{free}}}\n'
    )


def write(path: Path, device: str, lines: int, *, bad: tuple[int, ...] = ()) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for seq in range(lines):
            file.write("not a reading\n" if seq in bad else line(device, seq))
    return path


async def stored(stack: Stack, device: str) -> int:
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_READER_URL"])
    try:
        found: int = await connection.fetchval("SELECT count(*) FROM v_parking_readings WHERE device_id = $1", device)
        return found
    finally:
        await connection.close()


def run(stack: Stack, *arguments: str) -> Any:
    environment = {**os.environ, **stack.environment("operator")}
    return subprocess.run(
        [str(DISTRICT), "import", *arguments], env=environment, capture_output=True, text=True, check=False
    )


async def test_a_file_is_taken_over_once_and_its_faults_are_explained(stack: Stack, tmp_path: Path) -> None:
    file = write(tmp_path / "lots.jsonl", "import-1", 12_000, bad=(17, 9_000))
    said = run(stack, "parking", str(file))
    assert said.returncode == 0, said.stderr
    assert "12,000 lines: 11,998 stored, 0 were there already, 2 refused" in said.stdout
    assert await stored(stack, "import-1") == 11_998
    (part,) = parts_of(file, Feed.PARKING)
    refused = [json.loads(each) for each in refused_file(part).read_text(encoding="utf-8").splitlines()]
    assert [each["line"] for each in refused] == ["not a reading"] * 2
    assert all("JSON" in each["reason"] for each in refused)
    with file.open("rb") as read:
        read.seek(refused[0]["byte"])
        assert read.readline() == b"not a reading\n"
    # The same file again: it is done. The same lines in another file: they are there already.
    assert "12,000 lines: 11,998 stored" in run(stack, "parking", str(file)).stdout
    assert await stored(stack, "import-1") == 11_998
    again = write(tmp_path / "again.jsonl", "import-1", 100)
    assert "100 lines: 1 stored, 99 were there already, 0 refused" in run(stack, "parking", str(again)).stdout


async def test_a_mark_before_the_first_line_is_passed_over_and_what_lies_in_the_future_is_no_history(
    stack: Stack, tmp_path: Path
) -> None:
    file, future = tmp_path / "marked.jsonl", line("import-mark", 1).replace("2021-", "2099-")
    file.write_text(line("import-mark", 0) + future, encoding="utf-8-sig")
    said = run(stack, "parking", str(file))
    assert "2 lines: 1 stored, 0 were there already, 1 refused" in said.stdout, said.stderr
    (part,) = parts_of(file, Feed.PARKING)
    (refused,) = [json.loads(each) for each in refused_file(part).read_text(encoding="utf-8").splitlines()]
    assert "in the future" in refused["reason"]
    assert refused["line"] == future.strip()


async def test_a_killed_import_goes_on_and_counts_exactly(stack: Stack, tmp_path: Path) -> None:
    file = write(tmp_path / "killed.jsonl", "import-2", 60_000)
    environment = {**os.environ, **stack.environment("operator")}
    process = subprocess.Popen(  # noqa: ASYNC220 - it is to be killed from here
        [str(DISTRICT), "import", "parking", str(file)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while await stored(stack, "import-2") == 0 and time.monotonic() < deadline:
        time.sleep(0.02)  # noqa: ASYNC251 - the other process is what runs
    os.killpg(process.pid, 9)
    process.wait()
    before = await stored(stack, "import-2")
    assert 0 < before < 60_000
    said = run(stack, "parking", str(file))
    assert "60,000 lines: 60,000 stored, 0 were there already, 0 refused" in said.stdout, said.stderr
    assert await stored(stack, "import-2") == 60_000


def test_parts_meet_at_line_ends_and_cover_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "cut.jsonl", "d", 500)
    parts = parts_of(file, Feed.PARKING, part_bytes=1_000)
    assert len(parts) > 50
    assert parts[0].start == 0
    assert parts[-1].end == file.stat().st_size
    text = file.read_bytes()
    for one, other in pairwise(parts):
        assert one.end == other.start
        assert text[one.end - 1 : one.end] == b"\n"


async def test_parts_side_by_side_store_each_line_once(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "parts.jsonl", "import-3", 3_000)
    monkeypatch.setattr(history, "BATCH_LINES", 100)
    url = stack.environment("operator")["DATABASE_URL"]
    parts = reversed(parts_of(file, Feed.PARKING, part_bytes=50_000))
    counts = [await asyncio.to_thread(take_part, url, part, datetime.now(UTC)) for part in parts]
    assert sum(each.stored for each in counts) == 3_000
    assert await stored(stack, "import-3") == 3_000


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    packed = tmp_path / "packed.gz"
    packed.write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(ImportRefused, match="unpack it first"):
        parts_of(packed, Feed.EV)
    (tmp_path / "empty").touch()
    with pytest.raises(ImportRefused, match="has no lines"):
        parts_of(tmp_path / "empty", Feed.EV)
    with pytest.raises(ImportRefused, match="No such file"):
        parts_of(tmp_path / "nothing", Feed.EV)


async def test_a_file_of_another_feed_is_refused_line_by_line(stack: Stack, tmp_path: Path) -> None:
    file = write(tmp_path / "other.jsonl", "import-4", 5)
    said = run(stack, "ev", str(file))
    assert "5 lines: 0 stored, 0 were there already, 5 refused" in said.stdout
    assert await stored(stack, "import-4") == 0
