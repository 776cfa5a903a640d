"""`district stop`: stop the district that runs in another terminal, and wait until nothing of it is left."""

from __future__ import annotations

from deploy.local.errors import NotRunning
from deploy.local.paths import state_dir
from deploy.local.stop import stop_running
from services.district.terminal import say


def stop() -> None:
    """Stop the district that runs and wait until it is gone."""
    state = state_dir()
    say("Stopping …")
    try:
        ended = stop_running(state)
    except NotRunning:
        say(f"Nothing to stop: the district is not running (state folder {state}).")
        return
    if ended:
        say(f"Its supervisor was gone or did not answer; ended by force: {', '.join(map(str, ended))}")
    say("Stopped: no process and no port is left.")
