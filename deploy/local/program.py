"""Our code and the Python that runs it, where an unprivileged user can read them.

When we are root, services run as users of their own, who may not be able to enter the checkout (under /root, or cloned
with a closed umask) or the Python behind its virtual environment. So one of them is asked to run it. If it cannot, the
code is copied into the state folder at each start, and Python with the libraries that services need into the cache
once for each lock file. A copy holds nothing secret.
"""

import hashlib
import importlib.metadata
import os
import re
import shutil
import signal
import sys
import sysconfig
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.commands import run
from deploy.local.files import ServerUser, make_folder
from deploy.local.paths import CHECKOUT, cache_dir
from deploy.local.processes import command_line
from deploy.local.progress import shown

PROJECT = "jianghan-district-platform"
LOCK = CHECKOUT / "requirements.lock"
PROBE = "import deploy, pydantic_core, schemas, services, simulators, sys; print(sys.base_prefix)"
FOLDERS = ("deploy", "schemas", "services", "simulators", "tests")
"""Of the checkout; a state folder or a secret may lie beside them."""
NEEDLESS = ("site-packages", "test", "tests", "idlelib", "tkinter", "ensurepip", "config-*")
"""Of Python's own library."""


@dataclass(frozen=True, slots=True)
class Program:
    """Where services find Python and our code."""

    python: Path = Path(sys.executable)
    code: Path = CHECKOUT
    environment: Mapping[str, str] = field(default_factory=dict)
    """What Python needs to be told there."""

    def word(self, word: str) -> str:
        """Return a word of a command line, or a variable's value, as it is meant there."""
        if word == sys.executable:
            return str(self.python)
        if word == str(CHECKOUT) or word.startswith(f"{CHECKOUT}/"):
            return f"{self.code}{word.removeprefix(str(CHECKOUT))}"
        return word


def for_user(user: ServerUser | None, state: Path) -> Program:
    """Return a program that `user` can run; None is us, who run the checkout as it is."""
    if user is None or can_run(user, Program()):
        return Program()
    return copied(state)


def can_run(user: ServerUser, program: Program) -> bool:
    """See whether a user can run our code, with the very Python that we have."""
    command = command_line([str(program.python), "-c", PROBE], user, signal.SIGKILL)
    environment = {"PATH": "/usr/bin:/bin", **program.environment}
    answer = run(command, directory=program.code, environment=environment)
    in_place = program.python == Path(sys.executable)
    return answer.returncode == 0 and (answer.stdout.strip() == sys.base_prefix or not in_place)


def copied(state: Path) -> Program:
    """Copy code and Python to where everybody can read them; only whoever holds the lock of `state` may."""
    code = state / "code"
    shutil.rmtree(code, ignore_errors=True)
    for name in FOLDERS:
        shutil.copytree(CHECKOUT / name, code / name)
    _open(code)
    root = _python()
    libraries = sorted((root / "lib").glob("libpython*.so*"))
    return Program(
        python=root / "bin" / Path(sys.executable).resolve().name,
        code=code,
        environment={"PYTHONPATH": f"{code}:{root}/site", "PYTHONNOUSERSITE": "1"}
        | ({"LD_LIBRARY_PATH": f"{root}/lib"} if libraries else {}),
    )


def _python() -> Path:
    """Return the copy of Python and of the libraries that the lock file names, making it once."""
    recipe = f"{sys.version}\0{sys.base_prefix}\0{LOCK.read_text()}"
    root = cache_dir() / f"python-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if root.exists():
        return root
    unfinished = make_folder(cache_dir()) / f".python-{uuid.uuid4().hex}"
    with shown("Python for unprivileged users: copy"):
        try:
            _copy_python(unfinished)
            _open(unfinished)
            unfinished.rename(root)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return root


def _copy_python(root: Path) -> None:
    executable, library = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
    (root / "bin").mkdir(parents=True)
    shutil.copy2(executable, root / "bin")
    # Symbolic links of a distribution's Python lead to files that are open to all.
    shutil.copytree(library, root / "lib" / library.name, symlinks=True, ignore=shutil.ignore_patterns(*NEEDLESS))
    for shared in (Path(sys.base_prefix) / "lib").glob("libpython*.so*"):
        shutil.copy2(shared, root / "lib")
    site = Path(sysconfig.get_path("purelib"))
    for name in sorted(needed_distributions(PROJECT)):
        for path in importlib.metadata.distribution(name).files or ():
            source = site / path
            if ".." not in path.parts and source.is_file():
                (root / "site" / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, root / "site" / path)


def needed_distributions(project: str) -> set[str]:
    """Return the installed distributions that a project needs, directly or through others, itself left out."""
    found: set[str] = set()
    waiting = [project]
    while waiting:
        for requirement in _requirements(waiting.pop()):
            if requirement not in found:
                found.add(requirement)
                waiting.append(requirement)
    return found


def _requirements(name: str) -> Iterator[str]:
    for line in importlib.metadata.requires(name) or ():
        if "extra ==" in line:
            continue
        required = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        try:
            importlib.metadata.distribution(required)
        except importlib.metadata.PackageNotFoundError:
            # Meant for another machine.
            continue
        yield re.sub(r"[-_.]+", "-", required).lower()


def _open(root: Path) -> None:
    """Let everybody read what was copied."""
    root.chmod(0o755)
    for folder, subfolders, files in os.walk(root):
        for name in subfolders:
            Path(folder, name).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) and path.stat().st_mode & 0o100 else 0o644)
