"""The private prefix: every server, the Java runtime and Maven in one folder of the cache.

Its name carries a hash of the recipe (packages, pins, this code), so two checkouts with different recipes live side
by side. It is built where it will stay, because a program's loader can only be named by its absolute path; it counts
as complete only once its stamp is there, which is written last, after each server has run. A build that was
interrupted has no stamp and is made again; downloads that were complete are kept for it.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from deploy.local import apt, maven, relocate, truststore
from deploy.local.commands import last_words, run
from deploy.local.errors import PrefixBroken, PrerequisiteMissing
from deploy.local.paths import cache_dir
from deploy.local.progress import shown

RECIPE_VERSION = 1
STAMP = "complete.json"
PREREQUISITES = {"apt-get": "apt", "dpkg": "dpkg", "setpriv": "util-linux"}


@dataclass(frozen=True, slots=True)
class Prefix:
    """The programs in a complete prefix."""

    root: Path

    @property
    def mosquitto(self) -> Path:
        """The MQTT broker."""
        return self.root / "usr/sbin/mosquitto"

    @property
    def mosquitto_accounts(self) -> Path:
        """Its plugin that keeps accounts and access rules while it runs."""
        return self.root / f"usr/lib/{relocate.this_machine().triplet}/mosquitto_dynamic_security.so"

    @property
    def java(self) -> Path:
        """The Java runtime."""
        return java_home(self.root) / "bin/java"

    @property
    def kafka_libs(self) -> Path:
        """The folder of Kafka's jars."""
        return self.root / "kafka"

    def postgres(self, program: str) -> Path:
        """Return a program of PostgreSQL, such as `initdb`."""
        return self.root / "usr/lib/postgresql/17/bin" / program

    def versions(self) -> dict[str, str]:
        """Return the package versions that were taken."""
        packages: dict[str, str] = json.loads((self.root / STAMP).read_text())["packages"]
        return packages


def recipe_hash() -> str:
    """Hash what decides the prefix's content."""
    recipe = [str(RECIPE_VERSION), apt.SUITE, *apt.ROOT_PACKAGES, maven.POM.read_text(), maven.PINS.read_text()]
    return hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:12]


def java_home(root: Path) -> Path:
    """Find the Java runtime's folder in a prefix.

    Raises:
        PrefixBroken: there is none.
    """
    found = next(iter(sorted((root / "usr/lib/jvm").glob("java-21-openjdk-*"))), None)
    if found is None:
        raise PrefixBroken(f"No Java 21 under {root}/usr/lib/jvm.")
    return found


def missing_prerequisites() -> dict[str, str]:
    """Name each program that this machine lacks, with the command that gets it."""
    return {
        program: f"apt-get install {package}" for program, package in PREREQUISITES.items() if not shutil.which(program)
    }


def plain_location() -> Path:
    """Return where the first prefix of this recipe is or will be."""
    return cache_dir() / f"prefix-{recipe_hash()}"


def location() -> Path:
    """Return where the prefix of this recipe is or will be: where an upgrade has put it, else under its plain name."""
    plain = plain_location()
    try:
        chosen = _pointer(plain).read_text().strip()
    except FileNotFoundError:
        return plain
    return plain.with_name(chosen) if chosen.startswith(f"{plain.name}-") and "/" not in chosen else plain


def beside() -> Path:
    """Return a name for a newer prefix of the same recipe that no folder has."""
    plain = plain_location()
    return next(path for number in count(2) if not (path := plain.with_name(f"{plain.name}-{number}")).exists())


def switch(root: Path) -> None:
    """Make a complete prefix the one that is used from the next start on; what runs goes on with its own."""
    pointer = _pointer(plain_location())
    unfinished = pointer.with_suffix(".part")
    unfinished.write_text(f"{root.name}\n")
    unfinished.replace(pointer)


def _pointer(plain: Path) -> Path:
    return plain.with_name(f"{plain.name}.current")


def build_beside() -> Prefix:
    """Build a newer prefix beside the one that is used, which stays as it is.

    Raises:
        DownloadFailed: a package or a jar could not be fetched.
        PrefixBroken: what was fetched does not run or is not what was pinned.
    """
    with _building_alone():
        root = beside()
        try:
            _build(root)
        except BaseException:
            shutil.rmtree(root, ignore_errors=True)
            raise
    return Prefix(root)


def newest_packages() -> dict[str, str]:
    """Ask which package versions a prefix would be built from now.

    Raises:
        DownloadFailed: the archives could not be reached.
    """
    with _building_alone():
        return apt.candidates(cache_dir() / "downloads")


def is_complete(root: Path) -> bool:
    """Say whether the prefix was finished and still has every file that its stamp lists with the same size."""
    try:
        files: dict[str, int] = json.loads((root / STAMP).read_text())["files"]
        return all((root / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, KeyError):
        return False


def ensure() -> Prefix:
    """Return the prefix, building it first when it is missing, incomplete or damaged.

    Raises:
        PrerequisiteMissing: a program of the machine is missing.
        DownloadFailed: a package or a jar could not be fetched.
        PrefixBroken: what was fetched does not run or is not what was pinned.
    """
    root = location()
    if is_complete(root):
        return Prefix(root)
    if missing := missing_prerequisites():
        raise PrerequisiteMissing("; ".join(f"{program}: `{command}`" for program, command in missing.items()))
    with _building_alone():
        if not is_complete(root):
            _build(root)
    return Prefix(root)


def _build(root: Path) -> None:
    if root.exists():
        shutil.rmtree(root)
    root.mkdir(parents=True, mode=0o755)
    downloads = cache_dir() / "downloads"
    packages = apt.fetch(downloads)
    if relocate.unpack(packages, root):
        # A package file that was damaged on the way is gone now, so it alone is fetched again.
        packages = apt.fetch(downloads)
        if refused := relocate.unpack(packages, root):
            raise PrefixBroken(f"dpkg refuses {', '.join(refused)} though fetched twice.")
    relocate.fix_links(root)
    relocate.patch_executables(root, java_home(root))
    trust_store = root / "trust-store.p12"
    truststore.write(trust_store, root)
    work = root / "maven-work"
    maven.fetch_kafka(root, Prefix(root).java, trust_store, work, Prefix(root).kafka_libs)
    shutil.rmtree(work)
    _check_runs(Prefix(root))
    _write_stamp(root, dict(map(_name_and_version, packages)))
    shutil.rmtree(downloads)


def _check_runs(prefix: Prefix) -> None:
    """Run each program once, so that a prefix that cannot work is never stamped."""
    commands: list[list[str | Path]] = [
        [prefix.postgres("postgres"), "--version"],
        [prefix.postgres("initdb"), "--version"],
        [prefix.mosquitto, "-h"],
        [prefix.java, "-cp", f"{prefix.kafka_libs}/*", "kafka.tools.StorageTool", "random-uuid"],
    ]
    with shown("Servers: check"):
        for command in commands:
            result = run(command)
            # Mosquitto answers a request for help with status 3.
            if result.returncode not in {0, 3} or not result.stdout.strip():
                raise PrefixBroken(f"{command[0]} does not run:\n{last_words(result)}")


def _write_stamp(root: Path, packages: dict[str, str]) -> None:
    programs = [
        Prefix(root).mosquitto,
        Prefix(root).mosquitto_accounts,
        Prefix(root).java,
        *(Prefix(root).postgres(name) for name in ("postgres", "initdb")),
    ]
    listed = [
        *programs,
        *Prefix(root).kafka_libs.glob("*.jar"),
        *(root / relocate.POSTGRES_LIB).glob("timescaledb*.so"),
    ]
    files = {str(path.relative_to(root)): path.stat().st_size for path in listed}
    unfinished = root / f"{STAMP}.part"
    unfinished.write_text(json.dumps({"packages": packages, "files": files}, indent=1, sort_keys=True))
    unfinished.rename(root / STAMP)


def _name_and_version(package: Path) -> tuple[str, str]:
    name, version, *_ = package.name.removesuffix(".deb").split("_")
    return name, version.replace("%3a", ":")


@contextmanager
def _building_alone() -> Iterator[None]:
    """Hold the cache's build lock, telling who waits."""
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "build.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with shown("Another run is building the servers: wait"):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
