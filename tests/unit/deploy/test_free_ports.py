"""Ports that are chosen for servers which listen only later: two programs never choose the same one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.local import ports
from deploy.local.errors import PortTaken
from deploy.local.paths import CHECKOUT

CHOOSE = """
import sys
from deploy.local import ports
ports.FREE_RANGE = range(int(sys.argv[1]), int(sys.argv[1]) + 1)
print(ports.pick_free(), flush=True)
sys.stdin.read()
"""


def test_a_port_that_another_program_has_chosen_is_not_chosen_again_until_that_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = ports.pick_free()
    ports._RESERVED.pop(port).close()
    monkeypatch.setattr(ports, "FREE_RANGE", range(port, port + 1))
    other = subprocess.Popen(
        [sys.executable, "-c", CHOOSE, str(port)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert other.stdout is not None
        assert int(other.stdout.readline()) == port
        with pytest.raises(PortTaken, match=f"from {port} to {port}"):
            ports.pick_free()
    finally:
        other.communicate("", timeout=20)
    assert ports.pick_free() == port
    assert ports.pick_free() == port, "one's own choice is no obstacle"
