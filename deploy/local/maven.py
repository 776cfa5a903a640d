"""Kafka's jars, fetched by the prefix's own Maven and pinned by content.

Maven reads the user's own `~/.m2/settings.xml` (mirrors, proxies, credentials), `MAVEN_OPTS` and the usual proxy
variables; its local repository is inside the prefix.
"""

import hashlib
import os
import shlex
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.commands import run
from deploy.local.errors import DownloadFailed, PrefixBroken
from deploy.local.paths import CHECKOUT
from deploy.local.progress import shown
from deploy.local.truststore import java_options

POM = CHECKOUT / "deploy/kafka/pom.xml"
PINS = CHECKOUT / "deploy/kafka/jars.sha256"
GOAL = "dependency:copy-dependencies"
ATTEMPTS = 3
PAUSE_SECONDS = 2.0
FAILURE_LINES = 12


def proxy_options(environment: Mapping[str, str]) -> list[str]:
    """Translate the usual proxy variables, which Java does not read, into JVM options."""
    options = []
    for scheme in ("http", "https"):
        value = environment.get(f"{scheme}_proxy") or environment.get(f"{scheme.upper()}_PROXY")
        proxy = urlsplit(value) if value else None
        if proxy is not None and proxy.hostname:
            options += [f"-D{scheme}.proxyHost={proxy.hostname}", f"-D{scheme}.proxyPort={proxy.port or 80}"]
    exempt = environment.get("no_proxy") or environment.get("NO_PROXY")
    if options and exempt:
        hosts = "|".join(f"*{host}" if host.startswith(".") else host for host in exempt.split(",") if host)
        options.append(f"-Dhttp.nonProxyHosts={hosts}")
    return options


def read_pins(text: str) -> dict[str, str]:
    """Read `sha256  name` lines into {name: sha256}."""
    return {name: digest for digest, name in (line.split() for line in text.splitlines() if line.strip())}


def fetch_kafka(prefix: Path, java: Path, trust_store: Path, work: Path, libs: Path) -> None:
    """Copy Kafka's jars into `libs`, each compared with its pinned hash.

    Raises:
        DownloadFailed: Maven could not fetch them, after some attempts.
        PrefixBroken: a jar differs from its pin, is missing, or is not pinned.
    """
    work.mkdir(parents=True, exist_ok=True)
    shutil.copy(POM, work / "pom.xml")
    command = [*_maven(prefix, java, trust_store, work), GOAL, f"-DoutputDirectory={libs}"]
    with shown("Apache Kafka: download"):
        for attempt in range(1, ATTEMPTS + 1):
            result = run(command, directory=work)
            if result.returncode == 0:
                break
            if attempt == ATTEMPTS:
                raise DownloadFailed(f"Maven said:\n{complaints(result.stdout)}")
            time.sleep(PAUSE_SECONDS * attempt)
    check_pins(libs, read_pins(PINS.read_text()))


def check_pins(libs: Path, pins: Mapping[str, str]) -> None:
    """Compare the jars of a folder with their pinned hashes.

    Raises:
        PrefixBroken: a jar differs from its pin, is missing, or is not pinned.
    """
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in libs.glob("*.jar")}
    wrong = sorted(name for name in found.keys() | pins.keys() if found.get(name) != pins.get(name))
    if wrong:
        raise PrefixBroken(f"These jars are not those pinned in {PINS.name}: {', '.join(wrong)}.")


def complaints(said: str) -> str:
    """Return the first errors of what Maven said; the last lines are only advice."""
    errors = [line for line in said.splitlines() if line.startswith("[ERROR]")]
    return "\n".join((errors or said.splitlines())[:FAILURE_LINES])


def _maven(prefix: Path, java: Path, trust_store: Path, work: Path) -> list[str]:
    home = prefix / "usr/share/maven"
    launcher = next((home / "boot").glob("plexus-classworlds*.jar"))
    return [
        str(java),
        *java_options(trust_store),
        *proxy_options(os.environ),
        *shlex.split(os.environ.get("MAVEN_OPTS", "")),
        "-classpath",
        str(launcher),
        f"-Dclassworlds.conf={home}/bin/m2.conf",
        f"-Dmaven.home={home}",
        f"-Dlibrary.jansi.path={home}/lib/jansi-native",
        f"-Dmaven.multiModuleProjectDirectory={work}",
        f"-Dmaven.repo.local={work}/repository",
        "org.codehaus.plexus.classworlds.launcher.Launcher",
        "--batch-mode",
        "--no-transfer-progress",
        "--strict-checksums",
    ]
