"""Chromium for tests: the machine's own, else Debian's, unpacked into a private folder of the cache with its fonts.

Nothing is installed into the system, no root is needed, and nothing but the machine's Debian archive is asked: the same
way as the servers (`deploy.local.prefix`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local import apt, relocate
from deploy.local.commands import run
from deploy.local.paths import cache_dir

PACKAGES: Final = ("chromium", "fonts-wqy-microhei", "fonts-dejavu-core")
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # Drawing without a graphics card, in the process that draws. With `--disable-gpu` each picture of the map would be
    # read back on the page's own thread.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
_RECIPE: Final = 3
_PROGRAMS: Final = ("chromium", "chrome_crashpad_handler")
_UNUSED: Final = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/icons")


@dataclass(frozen=True, slots=True)
class Chromium:
    """A browser that can be started."""

    executable: Path
    environment: dict[str, str]


def chromium() -> Chromium:
    """Find the machine's Chromium, or make one; the first time takes a download."""
    found = shutil.which("chromium")
    if found is not None and _has_chinese():
        return Chromium(Path(found), {})
    root = cache_dir() / f"chromium-{_recipe_hash()}"
    with _building_alone():
        if not (root / "complete").exists():
            _build(root)
    return Chromium(root / "usr/lib/chromium/chromium", {"FONTCONFIG_FILE": str(root / "fonts.conf")})


def _has_chinese() -> bool:
    fc_list = shutil.which("fc-list")
    return fc_list is not None and bool(run([fc_list, ":lang=zh"]).stdout.strip())


def _recipe_hash() -> str:
    return hashlib.sha256(repr((_RECIPE, apt.SUITE, PACKAGES)).encode()).hexdigest()[:12]


def _build(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    downloads = cache_dir() / "chromium-downloads"
    packages = apt.fetch(downloads, PACKAGES, "Chromium for tests")
    root.mkdir(parents=True, mode=0o755)
    refused = relocate.unpack(packages, root, "Chromium for tests")
    assert not refused, f"dpkg refuses {refused}"
    relocate.fix_links(root)
    for unused in _UNUSED:
        shutil.rmtree(root / unused, ignore_errors=True)
    folder = root / "usr/lib/chromium"
    programs = [folder / name for name in _PROGRAMS if (folder / name).exists()]
    libraries = [folder, root / "usr/lib" / relocate.this_machine().triplet]
    relocate.patch(programs, relocate.loader_of(root), libraries)
    _point_inside(root, libraries[-1])
    (root / "fonts.conf").write_text(_fonts(root), encoding="utf-8")
    (root / "complete").touch()
    shutil.rmtree(downloads)


def _point_inside(root: Path, folder: Path) -> None:
    """Libraries that name a folder of the system for their own parts (PulseAudio's) get the one in here."""
    for library in folder.glob("*.so*"):
        if library.is_symlink() or not library.is_file():
            continue
        named = run([relocate.patchelf(), "--print-rpath", library]).stdout.strip()
        if named.startswith("/usr/"):
            done = run([relocate.patchelf(), "--set-rpath", f"{root}{named}", library])
            assert done.returncode == 0, done.stderr


def _fonts(root: Path) -> str:
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        f"<dir>{root}/usr/share/fonts</dir>\n<cachedir>{root}/font-cache</cachedir>\n"
        + "".join(
            f'<match target="pattern"><test name="family"><string>{family}</string></test>'
            '<edit name="family" mode="assign" binding="strong"><string>DejaVu Sans</string>'
            "<string>WenQuanYi Micro Hei</string></edit></match>\n"
            for family in ("sans-serif", "system-ui", "serif")
        )
        + "</fontconfig>\n"
    )


@contextmanager
def _building_alone() -> Iterator[None]:
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "chromium.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
