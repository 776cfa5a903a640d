"""The mark that a state folder bears from a restore's first file to its last, and what no backup holds."""

from pathlib import Path

from deploy.local.errors import RestoreUnfinished
from deploy.local.users import FILE_NAME as USERS

MARKER = "restoring"
OF_A_RUN = frozenset({"logs", "code", "grafana", "environment.json", USERS, "run.json", "lock", MARKER})
"""What of a state folder belongs to one run on one machine: no backup holds it."""


def begin_again(state: Path) -> None:
    """Give a state folder's data up: nothing starts with them, and the next restore takes them away."""
    (state / MARKER).touch(mode=0o600)


def finish(state: Path) -> None:
    """Take a state folder's data for good."""
    (state / MARKER).unlink()


def check_finished(state: Path) -> None:
    """See that no restore into a state folder was cut short.

    Raises:
        RestoreUnfinished: one was.
    """
    if (state / MARKER).exists():
        raise RestoreUnfinished(f"State folder: {state}.")
