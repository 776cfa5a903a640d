"""Make the project's own virtual environment from the lock file. Standard library only, any Python from 3.11 on.

Run again it does nothing until the lock file, the project file or the Python changes. Where the machine's Python
comes without pip (Debian splits it off), pip is taken from Debian's own package without installing it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

# ruff: noqa: S603, T201 - it runs our own commands and speaks to the person at the terminal

CHECKOUT = Path(__file__).resolve().parents[2]
ENVIRONMENT = CHECKOUT / ".venv"
STAMP = ENVIRONMENT / "complete.sha256"
LOCK = CHECKOUT / "requirements.lock"
OLDEST = (3, 11)
PIP_PACKAGE = "python3-pip-whl"
ATTEMPTS = 3


class BootstrapError(Exception):
    """The virtual environment could not be made."""


def recipe() -> str:
    """Hash everything that decides what the environment holds."""
    import tomllib  # noqa: PLC0415 - an older Python must get as far as being told so

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return hashlib.sha256(b"\0".join([LOCK.read_bytes(), repr(project).encode(), str(CHECKOUT).encode()])).hexdigest()


def is_complete() -> bool:
    """Say whether the environment was finished from this very recipe."""
    try:
        return STAMP.read_text() == recipe() and (ENVIRONMENT / "bin/python").exists()
    except OSError:
        return False


def main() -> int:
    """Make the environment unless it is complete; return the exit status."""
    try:
        check_python()
        if not is_complete():
            make_environment()
    except BootstrapError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def check_python() -> None:
    """See that this Python is new enough.

    Raises:
        BootstrapError: it is older than the project needs.
    """
    if sys.version_info < OLDEST:
        version = ".".join(map(str, OLDEST))
        raise BootstrapError(f"Python {version} or later is needed: `make PYTHON=/path/to/python3 …`")


def make_environment() -> None:
    """Make the environment or bring it up to date: the locked packages, each checked against its hash.

    Raises:
        BootstrapError: a command failed; the message says which and what to do.
    """
    print(f"Making {ENVIRONMENT} …", file=sys.stderr, flush=True)
    STAMP.unlink(missing_ok=True)
    python = str(ENVIRONMENT / "bin/python")
    pip = [python, "-m", "pip"]
    if works([*pip, "--version"]):
        pass
    elif has_module("ensurepip"):
        run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], "the venv module failed")
    elif has_module("venv"):
        run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(ENVIRONMENT)], "the venv module failed")
        pip = [python, str(pip_wheel()) + "/pip"]
    else:
        raise BootstrapError("This Python cannot make virtual environments: `apt-get install python3-venv`.")
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    run([*install, "--require-hashes", "-r", str(LOCK)], "the locked packages could not be installed", ATTEMPTS)
    run([*install, "--no-deps", "--no-build-isolation", "-e", str(CHECKOUT)], "the project could not be installed")
    STAMP.write_text(recipe())


def has_module(name: str) -> bool:
    """Say whether this Python brings a module; Debian leaves some to packages of their own."""
    return works([sys.executable, "-c", f"import {name}"])


def works(argv: list[str]) -> bool:
    """Say whether a command can be run and succeeds."""
    try:
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def pip_wheel() -> Path:
    """Fetch pip's wheel out of Debian's package, verified by apt, without installing the package.

    Raises:
        BootstrapError: apt cannot get it; the message names the command that can.
    """
    advice = f"pip is missing and apt could not fetch {PIP_PACKAGE}: `apt-get update && apt-get install python3-venv`"
    folder = ENVIRONMENT / "pip-wheel"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    run(["apt-get", "-q", "download", PIP_PACKAGE], advice, directory=folder)
    run(["dpkg", "-x", str(next(folder.glob("*.deb"))), str(folder)], advice)
    return next(folder.rglob("pip-*.whl"))


def run(argv: list[str], failure: str, attempts: int = 1, directory: Path = CHECKOUT) -> None:
    """Run a command with its words on our terminal, again when a download may have broken off.

    Raises:
        BootstrapError: it failed at every attempt.
    """
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "PYTHONPATH"}}
    for _ in range(attempts):
        if subprocess.run(argv, cwd=directory, env=environment, check=False).returncode == 0:
            return
    raise BootstrapError(f"{failure} (command: {' '.join(argv)})")


if __name__ == "__main__":
    sys.exit(main())
