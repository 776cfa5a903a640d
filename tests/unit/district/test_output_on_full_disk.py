"""What `make run > file` does when the file's disk is full."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.district.outputs import Lines
from tests.full_disk import fill


def test_lines_go_on_when_there_is_room_again(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = small_disk / "screen.txt"
    with screen.open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        lines = Lines()
        lines.event("before")
        filler = fill(small_disk)
        for number in range(2000):
            lines.event(f"while it is full {number}")
        filler.unlink()
        lines.event("after")
    said = screen.read_text().splitlines()
    assert said[0] == "before"
    assert said[-1] == "after"
