"""A private apt root: packages of one Debian suite, taken from the archives that the machine already uses.

Nothing of the system changes: lists, cache and the (empty) status file are ours, the archives and their keyring are
those of the machine. apt verifies signatures and hashes itself and continues a broken download. A mirror of a
Debian suite moves and drops superseded versions, so exact versions cannot be pinned: the suite is pinned with its
updates and its security archive, apt takes the newest of them, and the versions taken are recorded in the prefix.
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
WHAT = "Servers, Java and Maven"
APT_FOLDER = Path("/etc/apt")
FAILURE_LINES = 12
OTHER_ARCHIVES = ("security", "backports", "debug", "ports")
SIMULATED = re.compile(r"Inst (?P<name>\S+) (?:\[\S+\] )?\((?P<version>\S+) ")
"""A package that apt would install, as its simulation says it."""


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
        other = any(word in source.uri for word in OTHER_ARCHIVES)
        main_suite = any("-" not in suite and "/" not in suite for suite in source.suites)
        if _looks_debian(source) and not other and main_suite and "main" in source.components:
            return source
    return None


def choose_security_archive(sources: Iterable[Source]) -> Source | None:
    """Pick Debian's security archive as this machine names it: by its address, or by its suite's name."""
    for source in sources:
        named = any(suite.endswith(("-security", "/updates")) for suite in source.suites)
        if _looks_debian(source) and named and "main" in source.components:
            return source
    return None


def _looks_debian(source: Source) -> bool:
    return "debian-archive" in (source.signed_by or "") or re.search(r"/debian(-security)?/?$", source.uri) is not None


def machine_sources(folder: Path = APT_FOLDER) -> list[Source]:
    """Read every archive that apt on this machine is told to use."""
    parts = folder / "sources.list.d"
    found = [source for path in sorted(parts.glob("*.sources")) for source in parse_deb822(path.read_text())]
    for path in [folder / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.is_file():
            found += parse_one_line(path.read_text())
    return found


def source_lines(sources: Sequence[Source], keyring: Path = KEYRING) -> str:
    """Write our private `sources.list`: the suite, its updates where the machine takes updates, its security archive.

    Raises:
        PackageSourceMissing: the machine names no Debian mirror.
    """
    mirror, security = choose_debian_mirror(sources), choose_security_archive(sources)
    if mirror is None:
        raise PackageSourceMissing(f"Add Debian's archive to {APT_FOLDER}/sources.list.d, then run this again.")
    has_updates = any(
        source.uri == mirror.uri and suite.endswith("-updates") for source in sources for suite in source.suites
    )
    wanted = [(mirror, SUITE)]
    wanted += [(mirror, f"{SUITE}-updates")] if has_updates else []
    wanted += [(security, f"{SUITE}-security")] if security is not None else []
    return "".join(f"deb [signed-by={each.signed_by or keyring}] {each.uri} {suite} main\n" for each, suite in wanted)


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


def fetch(root: Path, packages: Sequence[str] = ROOT_PACKAGES, what: str = WHAT) -> list[Path]:
    """Download `packages` of the suite with all they depend on into `root`; return the package files.

    Args:
        what: What is fetched, for whoever waits.

    Raises:
        PackageSourceMissing: apt names no Debian mirror.
        DownloadFailed: the mirror could not be reached, or what came was refused.
    """
    environment = _up_to_date(root)
    with shown(f"{what}: download") as step:
        _apt(["-y", "--download-only", "install", *packages], environment, step.advance_to)
    return sorted((root / "cache/archives").glob("*.deb"))


def candidates(root: Path, packages: Sequence[str] = ROOT_PACKAGES) -> dict[str, str]:
    """Ask which package versions `fetch` would take now; nothing but the lists is downloaded.

    Raises:
        PackageSourceMissing: apt names no Debian mirror.
        DownloadFailed: the mirror could not be reached, or what came was refused.
    """
    environment = _up_to_date(root)
    return simulated(_apt(["-s", "install", *packages], environment))


def simulated(said: Sequence[str]) -> dict[str, str]:
    """Read the versions from what apt's simulation says. Pure."""
    return {match["name"]: match["version"] for line in said if (match := SIMULATED.match(line)) is not None}


def _up_to_date(root: Path) -> Mapping[str, str]:
    """Make the private root and fetch the lists; return the environment that apt needs for it."""
    environment = _make_root(root, source_lines(machine_sources()))
    with shown(f"Package lists of Debian {SUITE}"):
        _apt(["update"], environment)
    return environment


def _make_root(root: Path, sources: str) -> Mapping[str, str]:
    for folder in ("state", "lists/partial", "cache/archives/partial", "none", "log"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "status").write_text("")
    (root / "sources.list").write_text(sources)
    (root / "apt.conf").write_text(configuration(root))
    return {**os.environ, "APT_CONFIG": str(root / "apt.conf"), "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _apt(
    arguments: Sequence[str], environment: Mapping[str, str], advance: Callable[[float], None] | None = None
) -> list[str]:
    """Run apt-get with its words in a log file, reporting its download share to `advance`; return its lines."""
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
    return said


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
