"""Apache Kafka on loopback, one node in KRaft mode: configuration, first format, start, readiness."""

import asyncio
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from deploy.local import kafka_access, kafka_users
from deploy.local.commands import last_words, run
from deploy.local.credentials import Credentials, KafkaPasswords
from deploy.local.errors import NotServing, NotYet, ServerNotReady
from deploy.local.files import ServerUser, make_data_folder, make_folder, write_private
from deploy.local.paths import CHECKOUT
from deploy.local.ports import LOOPBACK
from deploy.local.prefix import Prefix
from deploy.local.process_spec import PATIENT_SECONDS, Kind, ProcessSpec
from deploy.local.processes import command_line

NAME = "kafka"
BASE_CONFIGURATION = CHECKOUT / "deploy/kafka/server.properties"
LOG_CONFIGURATION = CHECKOUT / "deploy/kafka/log4j2.properties"
SECURITY = "org.apache.kafka.common.security"
WARM_UP_GROUP = "district-readiness"
PROBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one Kafka."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """The configuration that it is started with; it holds the passwords of Kafka's own two users."""
        return self.folder / "server.properties"

    @property
    def log_configuration(self) -> Path:
        """What it logs."""
        return self.folder / "log4j2.properties"

    @property
    def data(self) -> Path:
        """The log of every topic, once formatted."""
        return self.folder / "data"

    @property
    def work(self) -> Path:
        """Working folder of the Java process: unpacked native libraries, the class archive."""
        return self.folder / "work"

    @property
    def formatted(self) -> Path:
        """Stamp of a finished format."""
        return self.folder / "formatted"


def configuration(base: str, *, port: int, controller_port: int, data: Path, passwords: KafkaPasswords) -> str:
    """Return the configuration of one node on loopback."""
    plain = f'{SECURITY}.plain.PlainLoginModule required username="controller" password="{passwords.controller}"'
    scram = f'{SECURITY}.scram.ScramLoginModule required username="broker" password="{passwords.broker}"'
    added = {
        "listeners": f"SASL_PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"SASL_PLAINTEXT://{LOOPBACK}:{port}",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "log.dirs": str(data),
        "listener.name.controller.plain.sasl.jaas.config": f'{plain} user_controller="{passwords.controller}";',
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": f"{scram};",
    }
    return base + "".join(f"{key}={value}\n" for key, value in added.items())


USERS = ("bridge", "sink", "processor", "delivery", "api", "operator", "broker")
"""Whom the broker knows by a password; every service of ours that speaks to it has one of its own."""


def scram_users(passwords: KafkaPasswords) -> dict[str, str]:
    """Return the users that clients log in as, and the broker's own."""
    return {name: getattr(passwords, name) for name in USERS}


def format_arguments(files: Files, cluster_id: str, users: Mapping[str, str]) -> str:
    """Return a Java argument file that formats the data folder with its first users.

    A file, because a command line is there for everybody on the machine to read.
    """
    words = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(files.configuration)]
    for name, password in users.items():
        words += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
    return "".join(f'"{word}"\n' for word in words)


def java_options(files: Files, heap: str) -> list[str]:
    """Return the JVM options of the broker: a bounded heap, and a class archive that makes later starts quicker."""
    return [
        f"-Xmx{heap}",
        f"-Xms{heap}" if heap.endswith("m") and int(heap[:-1]) < 256 else "-Xms256m",
        # Two cores and a small heap: the collector that needs the least of both.
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:+AutoCreateSharedArchive",
        f"-XX:SharedArchiveFile={files.work}/classes.jsa",
        "-Xlog:cds=off",
        "-Xlog:cds+dynamic=off",
        "-Djava.awt.headless=true",
        f"-Djava.io.tmpdir={files.work}",
        f"-Dlog4j2.configurationFile={files.log_configuration}",
    ]


def prepare(
    prefix: Prefix, folder: Path, credentials: Credentials, ports: tuple[int, int], user: ServerUser | None
) -> Files:
    """Write the configuration, and format the data folder unless that was finished before.

    Raises:
        ServerNotReady: the format failed.
    """
    files = Files(make_folder(folder))
    port, controller_port = ports
    text = configuration(
        BASE_CONFIGURATION.read_text(),
        port=port,
        controller_port=controller_port,
        data=files.data,
        passwords=credentials.kafka,
    )
    write_private(files.configuration, text, user)
    write_private(files.log_configuration, LOG_CONFIGURATION.read_text(), user)
    make_data_folder(files.work, user)
    if not files.formatted.exists():
        shutil.rmtree(files.data, ignore_errors=True)
    make_data_folder(files.data, user)
    if not files.formatted.exists():
        _format(prefix, files, credentials, user)
        files.formatted.touch()
    return files


def _format(prefix: Prefix, files: Files, credentials: Credentials, user: ServerUser | None) -> None:
    java = [str(prefix.java), f"-Dlog4j2.configurationFile={files.log_configuration}", "-cp", f"{prefix.kafka_libs}/*"]
    arguments = files.folder / "format-arguments"
    cluster_id = _run([*java, "kafka.tools.StorageTool", "random-uuid"], user).strip().splitlines()[-1]
    write_private(arguments, format_arguments(files, cluster_id, scram_users(credentials.kafka)), user)
    try:
        _run([*java, f"@{arguments}"], user)
    finally:
        arguments.unlink()


def _run(argv: list[str], user: ServerUser | None) -> str:
    result = run(command_line(argv, user, signal.SIGKILL))
    if result.returncode != 0:
        raise ServerNotReady(f"Kafka could not be formatted:\n{last_words(result)}")
    return result.stdout


def spec(
    prefix: Prefix, files: Files, credentials: Credentials, *, port: int, heap: str, user: ServerUser | None
) -> ProcessSpec:
    """Describe the process to the supervisor."""
    ask = partial(probe, f"{LOOPBACK}:{port}", "operator", credentials.kafka.operator)
    classpath = f"{prefix.kafka_libs}/*"
    java = [str(prefix.java), *java_options(files, heap), "-cp", classpath, "kafka.Kafka", str(files.configuration)]
    return ProcessSpec(
        name=NAME,
        kind=Kind.SERVER,
        argv=tuple(java),
        directory=files.work,
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        user=user,
        ready=ask,
        well=partial(ask, PATIENT_SECONDS),
        endpoint=f"{LOOPBACK}:{port}",
    )


async def probe(bootstrap: str, user: str, password: str, seconds: float = PROBE_SECONDS) -> None:
    """Log in, describe the cluster, and see that consumer groups have a coordinator.

    The last makes the broker create its offsets topic now rather than under the first consumer.

    Raises:
        NotYet: there is no broker, or it does not answer.
        NotServing: it does not serve all of this.
    """
    host, _, port = bootstrap.partition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        await writer.wait_closed()
        options = client_options(bootstrap, user, password) | {"request_timeout_ms": int(seconds * 1000)}
        admin = AIOKafkaAdminClient(**options)
        try:
            await admin.start()
            await admin.describe_cluster()
            coordinator = await admin.find_coordinator(WARM_UP_GROUP)
            await admin.list_consumer_group_offsets(WARM_UP_GROUP, group_coordinator_id=coordinator)
        finally:
            await admin.close()
    except (OSError, TimeoutError, KafkaConnectionError, KafkaTimeoutError) as error:
        raise NotYet(f"Kafka at {bootstrap}: {type(error).__name__} {error}") from error
    except KafkaError as error:
        raise NotServing(f"Kafka at {bootstrap}: {type(error).__name__} {error}") from error


async def set_up(credentials: Credentials, port: int) -> None:
    """Tell the broker who its users are and what each may do; repeatable.

    Raises:
        ServerNotReady: the broker refused.
    """
    client = AIOKafkaClient(**client_options(f"{LOOPBACK}:{port}", "operator", credentials.kafka.operator))
    try:
        await client.bootstrap()
        await kafka_users.add_missing(client, scram_users(credentials.kafka))
        await kafka_access.apply(client)
    except (OSError, TimeoutError, KafkaError) as error:
        raise ServerNotReady(f"Kafka could not be set up: {type(error).__name__} {error}") from error
    finally:
        await client.close()


def client_options(bootstrap: str, user: str, password: str) -> dict[str, Any]:
    """Return what every aiokafka client needs to log in."""
    return {
        "bootstrap_servers": bootstrap,
        "client_id": "district-supervisor",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
        "request_timeout_ms": int(PROBE_SECONDS * 1000),
    }
