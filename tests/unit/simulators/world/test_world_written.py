"""A run on disk: the same bytes for the same arguments, and files that import and replay take."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.device_register import DeviceRegister
from schemas.fields import DISTRICT_ZONE, Feed
from services.timescale_sink.history import _batches, parts_of
from simulators.replay.files import read_recording
from simulators.replay.numbering import boot_id_of, outgoing
from simulators.world.__main__ import main
from simulators.world.district import simulated_district_of
from tests.unit.simulators.world.world_run import world

ROOT = Path(__file__).resolve().parents[4]
ARGUMENTS = ("write", "--scale", "0.1", "--from", "2026-07-08", "--days", "2", "--scenario", "sensor-vandalism")


def write(out: Path, *more: str) -> Path:
    assert main([*ARGUMENTS, "--seed", "7", "--out", str(out), *more]) == 0
    return out


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("world") / "run")


def in_another_process(out: Path, seed: int, hash_seed: str) -> dict[str, bytes]:
    subprocess.run(
        [sys.executable, "-m", "simulators.world", *ARGUMENTS, "--seed", str(seed), "--out", str(out)],
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return contents(out)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_is_the_same_bytes_in_every_process(written: Path, tmp_path: Path) -> None:
    here = contents(written)
    assert in_another_process(tmp_path / "b", 7, "4242") == here, "this one's hashes are seeded otherwise"
    other = in_another_process(tmp_path / "c", 8, "0")
    same = {name for name in here if other[name] == here[name]}
    assert same == {"district.toml", "register.json"}


def test_there_is_a_file_for_each_feed_and_local_day(written: Path) -> None:
    days = ("2026-07-08", "2026-07-09")
    names = {f"{feed}-{day}.jsonl" for feed in Feed for day in days}
    assert {path.name for path in written.iterdir()} == names | {
        "truth.jsonl",
        "district.toml",
        "register.json",
        "run.json",
    }
    for day in days:
        times = [
            datetime.fromisoformat(orjson.loads(line)["observed_at"]).astimezone(DISTRICT_ZONE)
            for line in (written / f"water-{day}.jsonl").read_bytes().splitlines()
        ]
        assert {f"{at:%Y-%m-%d}" for at in times} == {day}


def test_one_feed_alone_says_what_it_says_among_the_others(written: Path, tmp_path: Path) -> None:
    alone = write(tmp_path / "alone", "--feed", "water")
    assert sorted(path.name for path in alone.glob("*-2026*")) == ["water-2026-07-08.jsonl", "water-2026-07-09.jsonl"]
    for path in alone.glob("water-*"):
        assert path.read_bytes() == (written / path.name).read_bytes()


def test_a_longer_run_begins_with_the_same_readings_but_for_the_boot(written: Path, tmp_path: Path) -> None:
    out = tmp_path / "one"
    assert main([*ARGUMENTS[:-3], "1", *ARGUMENTS[-2:], "--seed", "7", "--out", str(out), "--feed", "parking"]) == 0

    def first(folder: Path) -> list[dict[str, Any]]:
        found = [orjson.loads(line) for line in (folder / "parking-2026-07-08.jsonl").read_bytes().splitlines()]
        return [{**each, "boot_id": ""} for each in found]

    assert first(out) == first(written)


def test_register_and_district_name_the_devices_that_speak(written: Path) -> None:
    register = DeviceRegister.model_validate_json((written / "register.json").read_bytes())
    district = simulated_district_of((written / "district.toml").read_text(encoding="utf-8"), file="district.toml")
    assert district == world().district
    assert {each.identity for each in register.devices} == set(district.devices())


def test_import_takes_each_line_and_refuses_the_garbage_alone(written: Path) -> None:
    latest = datetime(2027, 1, 1, tzinfo=UTC)
    refused = taken = 0
    for feed in Feed:
        for path in sorted(written.glob(f"{feed}-*.jsonl")):
            for part in parts_of(path, feed):
                for batch in _batches(part, part.start, latest):
                    refused, taken = refused + len(batch.refused), taken + len(batch.rows)
    truth = [orjson.loads(line) for line in (written / "truth.jsonl").read_bytes().splitlines()]
    garbage = sum(each["readings"] for each in truth if each["what"] == "garbage")
    lines = sum(orjson.loads((written / "run.json").read_bytes())["readings"].values())
    assert refused == garbage > 0
    assert taken == lines - garbage


def test_replay_takes_a_file_and_numbers_it_in_the_order_of_time(written: Path) -> None:
    recording = read_recording(written / "water-2026-07-08.jsonl")
    assert recording.format.feed is Feed.WATER
    boot = boot_id_of(Feed.WATER, recording.readings, "replay:x")
    sent = outgoing(Feed.WATER, recording.readings, "replay:x", boot)
    assert len(sent) == recording.rows == len((written / "water-2026-07-08.jsonl").read_bytes().splitlines())
    assert [each.at for each in sent] == sorted(each.at for each in sent)
    payload = orjson.loads(sent[0].payload)
    assert (payload["lane"], payload["boot_id"], payload["seq"]) == ("replay:x", boot, 0)


def test_the_truth_lies_within_the_days_and_says_what_where_when_and_how_much(written: Path) -> None:
    truth = [orjson.loads(line) for line in (written / "truth.jsonl").read_bytes().splitlines()]
    assert {each["kind"] for each in truth} <= {"fault", "event"}
    begin = datetime(2026, 7, 8, tzinfo=DISTRICT_ZONE)
    for each in truth:
        since, until = datetime.fromisoformat(each["from"]), datetime.fromisoformat(each["to"])
        assert since < until
        assert until > begin
        assert since < begin + timedelta(days=2)
        assert (each["size"] > 0, each["device"] != "") == (True, True)
    faults = Counter(each["what"] for each in truth if each["kind"] == "fault")
    assert len(faults) >= 13
    assert all(each["readings"] > 0 for each in truth if each["kind"] == "fault")


def test_a_folder_in_use_and_a_wrong_scenario_are_refused(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ARGUMENTS, "--out", str(written)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["write", "--from", "2026-07-08", "--scenario", "noisy", "--out", str(tmp_path / "x")]) == 2
    assert "there is no scenario 'noisy'" in capsys.readouterr().err
    assert main(["write", "--from", "2026-07-08", "--scale", "99", "--out", str(tmp_path / "x")]) == 2
    assert "the scale goes from" in capsys.readouterr().err


def test_more_devices_than_a_register_holds_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "large"
    assert main(["write", "--from", "2026-07-08", "--scale", "10", "--feed", "tax", "--out", str(out)]) == 0
    assert "no register.json" in capsys.readouterr().out
    assert not (out / "register.json").exists()
