"""A private apt root: packages of one Debian suite, taken from the mirror that the machine already uses.

Nothing of the system changes: lists, cache and the (empty) status file are ours, the mirror and its keyring are
those of the machine. apt verifies signatures and hashes itself and continues a broken download. A mirror of a
Debian suite moves and drops superseded versions, so exact versions cannot be pinned: the suite is pinned, and the
versions taken are recorded in the prefix.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import DownloadFailed, PackageSourceMissing
from deploy.local.progress import shown

SUITE = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ROOT_PACKAGES = ("postgresql-17-timescaledb", "mosquitto", "mosquitto-clients", "openjdk-21-jre-headless", "maven")
APT_FOLDER = Path("/etc/apt")
FAILURE_LINES = 12
OTHER_ARCHIVES = ("security", "backports", "debug", "ports")


@dataclass(frozen=True, slots=True)
class Source:
    """One archive that apt is told to use."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str | None


def parse_deb822(text: str) -> list[Source]:
    """Read the enabled binary archives of a `.sources` file."""
    found = []
    for stanza in re.split(r"\n\s*\n", _without_comments(text)):
        fields = _stanza_fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {"no", "false"}:
            continue
        signed_by = fields.get("signed-by", "").strip()
        found += [
            Source(
                uri=uri,
                suites=tuple(fields.get("suites", "").split()),
                components=tuple(fields.get("components", "").split()),
                signed_by=signed_by if signed_by.startswith("/") else None,
            )
            for uri in fields.get("uris", "").split()
        ]
    return found


def parse_one_line(text: str) -> list[Source]:
    """Read the binary archives of a `sources.list` file."""
    found = []
    for line in _without_comments(text).splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)$", line)
        if match is None:
            continue
        options = dict(option.split("=", 1) for option in (match[1] or "").split() if "=" in option)
        components = tuple(match[4].split("#")[0].split())
        found.append(Source(match[2], (match[3],), components, options.get("signed-by")))
    return found


def choose_debian_mirror(sources: Iterable[Source]) -> Source | None:
    """Pick the machine's main Debian archive: signed by Debian or named like it, and no security or backports one."""
    for source in sources:
        looks_debian = "debian-archive" in (source.signed_by or "") or re.search(r"/debian/?$", source.uri) is not None
        other = any(word in source.uri for word in OTHER_ARCHIVES)
        main_suite = any("-" not in suite and "/" not in suite for suite in source.suites)
        if looks_debian and not other and main_suite and "main" in source.components:
            return source
    return None


def machine_sources(folder: Path = APT_FOLDER) -> list[Source]:
    """Read every archive that apt on this machine is told to use."""
    parts = folder / "sources.list.d"
    found = [source for path in sorted(parts.glob("*.sources")) for source in parse_deb822(path.read_text())]
    for path in [folder / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.is_file():
            found += parse_one_line(path.read_text())
    return found


def source_line(mirror: Source, keyring: Path = KEYRING) -> str:
    """Write the one line of our private `sources.list`."""
    signed_by = mirror.signed_by or str(keyring)
    return f"deb [signed-by={signed_by}] {mirror.uri} {SUITE} main\n"


def configuration(root: Path) -> str:
    """Write the apt configuration that keeps everything inside `root`."""
    return "".join(
        f'{key} "{value}";\n'
        for key, value in {
            "Dir::State": root / "state",
            "Dir::State::lists": root / "lists",
            "Dir::State::status": root / "status",
            "Dir::Cache": root / "cache",
            "Dir::Etc::sourcelist": root / "sources.list",
            "Dir::Etc::sourceparts": root / "none",
            "Dir::Etc::preferences": root / "none/preferences",
            "Dir::Etc::preferencesparts": root / "none",
            "Dir::Log": root / "log",
            "APT::Sandbox::User": "",
            "APT::Install-Recommends": "false",
            "Acquire::Retries": "3",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        }.items()
    )


def fetch(root: Path, packages: Sequence[str] = ROOT_PACKAGES) -> list[Path]:
    """Download `packages` of the suite with all they depend on into `root`; return the package files.

    Raises:
        PackageSourceMissing: apt names no Debian mirror.
        DownloadFailed: the mirror could not be reached, or what came was refused.
    """
    mirror = choose_debian_mirror(machine_sources())
    if mirror is None:
        raise PackageSourceMissing(f"Add Debian's archive to {APT_FOLDER}/sources.list.d, then run this again.")
    environment = _make_root(root, source_line(mirror))
    with shown(f"Package lists of Debian {SUITE}"):
        _apt(["update"], environment)
    with shown("Servers, Java and Maven: download") as step:
        _apt(["-y", "--download-only", "install", *packages], environment, step.advance_to)
    return sorted((root / "cache/archives").glob("*.deb"))


def _make_root(root: Path, sources: str) -> Mapping[str, str]:
    for folder in ("state", "lists/partial", "cache/archives/partial", "none", "log"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "status").write_text("")
    (root / "sources.list").write_text(sources)
    (root / "apt.conf").write_text(configuration(root))
    return {**os.environ, "APT_CONFIG": str(root / "apt.conf"), "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _apt(
    arguments: Sequence[str], environment: Mapping[str, str], advance: Callable[[float], None] | None = None
) -> None:
    """Run apt-get with its words in a log file, reporting its download share to `advance`."""
    log = Path(environment["APT_CONFIG"]).parent / "log/apt-get.log"
    reading, writing = os.pipe()
    with log.open("w") as words:
        process = subprocess.Popen(  # noqa: S603 - the arguments are ours
            ["/usr/bin/apt-get", "-q", "-o", f"APT::Status-Fd={writing}", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
        )
        os.close(writing)
        with process, os.fdopen(reading, encoding="utf-8", errors="replace") as status:
            for line in status:
                share = download_share(line)
                if share is not None and advance is not None:
                    advance(share)
    said = log.read_text(errors="replace").splitlines()
    if process.returncode != 0 or any(line.startswith(("E:", "Err:", "W: Failed")) for line in said):
        raise DownloadFailed("apt-get said:\n" + "\n".join(said[-FAILURE_LINES:]))


def download_share(status_line: str) -> float | None:
    """Read the share (0 to 1) from a line of apt's status stream, `dlstatus:<n>:<percent>:<text>`."""
    kind, _, rest = status_line.partition(":")
    fields = rest.split(":")
    if kind != "dlstatus" or len(fields) < 2:
        return None
    return float(fields[1]) / 100


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def _stanza_fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1].isspace():
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields
