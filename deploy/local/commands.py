"""Running one of the machine's or the prefix's programs to its end."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

OUTPUT_LINES = 12


def run(
    argv: Sequence[str | Path], *, directory: Path = Path("/"), environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program and return its status and what it said; a failure is the caller's to judge."""
    # Every caller's program and arguments are ours: a path in the prefix, or apt, dpkg and setpriv.
    return subprocess.run(  # noqa: S603
        [str(word) for word in argv],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def last_words(result: subprocess.CompletedProcess[str]) -> str:
    """Return the end of what a program said."""
    return "\n".join((result.stdout + result.stderr).splitlines()[-OUTPUT_LINES:])
