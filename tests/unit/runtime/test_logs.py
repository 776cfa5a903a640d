"""Logs are read in terminals: what devices and servers say in them is shown and not obeyed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from services.runtime.settings import LogFormat

HOSTILE = "东湖\x1b[2J\x9b1m\u202e\rforged\nforged"
SCRIPT = f"""
from services.runtime.logs import configure_logging
from services.runtime.settings import LogFormat
import sys
log, _ = configure_logging("x", LogFormat(sys.argv[1]))
log.warning({HOSTILE!r}, device={HOSTILE!r})
try:
    raise ValueError({HOSTILE!r})
except ValueError:
    log.error("fail", exc_info=True)
"""


@pytest.mark.parametrize("form", LogFormat)
def test_a_log_cannot_drive_the_terminal(form: LogFormat) -> None:
    """In a process of its own, since logging is set up once a process."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, form], capture_output=True, text=True, check=True)
    assert "东湖" in done.stderr
    assert [mark for mark in done.stderr if not mark.isprintable() and mark != "\n"] == []
    assert not any(line.startswith("forged") for line in done.stderr.splitlines())
    if form is LogFormat.JSON:
        first, _ = map(json.loads, done.stderr.splitlines())
        assert (first["event"], first["device"]) == (HOSTILE, HOSTILE), "JSON keeps every value"
