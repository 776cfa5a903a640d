"""`plan check` asks the processors: what they refuse it says, in their words; where they do not answer it says that."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.plan.book import Document
from schemas.plan.publication import effective_from
from schemas.plan.toml import parse_any
from services.district import plan_judging
from services.district.errors import CheckSilent
from services.district.plan_command import plan
from services.district.plan_files import PLAN_FOLDER, default_files

PARKING = (PLAN_FOLDER / "policies" / "parking.toml").read_text(encoding="utf-8")
WATER = (PLAN_FOLDER / "policies" / "water.toml").read_text(encoding="utf-8")
SILENT_AFTER = "value = 1800"


def document(text: str) -> Document:
    return parse_any(text, file="a.toml")


def checked(*files: Path) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(plan, ["check", "--json", *map(str, files)])
    return done.exit_code, json.loads(done.stdout)


def test_what_ships_is_what_the_processors_take() -> None:
    files = [str(path) for path in (*default_files(), PLAN_FOLDER / "policies" / "water-local.toml")]
    assert plan_judging.refused_files(files) == []


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("lateness_seconds = 7200", "lateness_seconds = 10_000_000_000_000", "window.lateness_seconds"),
        (SILENT_AFTER, "value = -1800", "limit[5].value"),
        (SILENT_AFTER, "value = 0", "parking.silence"),
        ("pace_seconds = 60", "pace_seconds = -60", "settings.pace_seconds"),
        ("pace_seconds = 60", "pace_seconds = 61", "settings"),
        ("share_max = 0.5", "share_max = 1.5", "settings.guidance.share_max"),
        ("busy_from_hour = 7", "", "settings.stuck.busy_from_hour"),
        ('id = "parking.counter_stuck"', 'id = "parking.counter_still"', "rule"),
    ],
)
def test_a_policy_that_its_feed_cannot_use_is_refused(tmp_path: Path, old: str, new: str, key: str) -> None:
    file = tmp_path / "parking.toml"
    assert old in PARKING
    file.write_text(PARKING.replace(old, new, 1), encoding="utf-8")
    status, said = checked(file)
    assert status == 1
    assert said["ok"] is False
    faults = said["faults"]
    assert isinstance(faults, list)
    assert [(fault["file"], fault["key"]) for fault in faults] == [(str(file), key)]


def test_files_without_a_fault_leave_no_word(tmp_path: Path) -> None:
    file = tmp_path / "parking.toml"
    file.write_text(PARKING.replace(SILENT_AFTER, "value = 1900", 1), encoding="utf-8")
    assert checked(file) == (0, {
        "ok": True, "documents": [{"file": str(file), "key": "policy/parking-operations/1"}], "faults": []
    })  # fmt: skip


def test_a_document_is_checked_after_what_was_published_before_it() -> None:
    day = date(2024, 7, 1)
    moved = effective_from(document(PARKING.replace('version = "1"', 'version = "2"', 1)), day)
    assert plan_judging.refused_document(moved, [], file="p") == []
    bad = document(WATER.replace("settle_seconds = 3600", "settle_seconds = 172801", 1))
    faults = plan_judging.refused_document(bad, [moved, document(WATER)], file="w")
    assert [(fault.file, fault.key) for fault in faults] == [("w", "settings.rounds.settle_seconds")]
    assert plan_judging.refused_document(moved, [bad], file="p") == [], "a processor passes over what it refuses"


@pytest.mark.parametrize("program", ["import sys; sys.exit('no such grid')", "print('nothing')", "1 / 0"])
def test_a_check_without_an_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(plan_judging, "CHECK", (sys.executable, "-c", program))
    with pytest.raises(CheckSilent, match="The processors' check of documents does not answer: "):
        plan_judging.refused_files(["a.toml"])
