"""Mosquitto on loopback: configuration, accounts, start, readiness."""

import asyncio
import json
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from deploy.local import broker_accounts
from deploy.local.broker_accounts import BRIDGE, OPERATOR, hashed
from deploy.local.credentials import Credentials
from deploy.local.device_book import SALT_BYTES, DeviceBook
from deploy.local.errors import DevicesUnreadable, NotServing, NotYet
from deploy.local.files import ServerUser, give, make_data_folder, make_folder, write_private
from deploy.local.paths import CHECKOUT
from deploy.local.ports import LOOPBACK
from deploy.local.prefix import Prefix
from deploy.local.process_spec import PATIENT_SECONDS, Kind, ProcessSpec, nothing_to_prepare

NAME = "mosquitto"
BASE_CONFIGURATION = CHECKOUT / "deploy/mosquitto/mosquitto.conf"
FORMER_FILES = ("accounts", "access-rules", "devices")
"""Where accounts stood before the plugin kept them."""
ACCOUNTS = "accounts.json"
PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one Mosquitto."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """The configuration that it is started with."""
        return self.folder / "mosquitto.conf"

    @property
    def data(self) -> Path:
        """Sessions and queued messages."""
        return self.folder / "data"

    @property
    def accounts(self) -> Path:
        """Accounts and what each may do: written before the start, kept by the plugin from then on."""
        return self.data / ACCOUNTS


def configuration(base: str, *, listener: str, data: Path, plugin: Path) -> str:
    """Return the configuration of one broker.

    Args:
        listener: Port, and the address if it is not every one.
        data: Its folder of data, where its accounts are, too.
        plugin: The dynamic security plugin.
    """
    return (
        f"{base}\n"
        f"plugin {plugin}\n"
        f"plugin_opt_config_file {data / ACCOUNTS}\n"
        f"persistence_location {data}/\n"
        f"listener {listener}\n"
        # A message of QoS 2 that its sender leaves half done would stay in memory; nothing here needs QoS 2.
        "max_qos 1\n"
    )


def accounts_text(credentials: Credentials, book: DeviceBook) -> str:
    """Return what the plugin starts with: the platform's accounts, and those of the registered devices."""
    platform = {BRIDGE: credentials.mqtt.bridge, OPERATOR: credentials.mqtt.operator}
    known = {user: hashed(password, secrets.token_bytes(SALT_BYTES)) for user, password in platform.items()}
    return json.dumps(broker_accounts.configuration(known, book.register().devices, book.credentials()), indent=1)


def prepare(programs: Prefix, folder: Path, *, port: int, user: ServerUser | None) -> Files:
    """Write what Mosquitto reads at its start, but for its accounts."""
    files = Files(make_folder(folder))
    make_data_folder(files.data, user)
    plugin = programs.mosquitto_accounts
    text = configuration(BASE_CONFIGURATION.read_text(), listener=f"{port} {LOOPBACK}", data=files.data, plugin=plugin)
    write_private(files.configuration, text, user)
    for name in FORMER_FILES:
        (folder / name).unlink(missing_ok=True)
    return files


def write_accounts(files: Files, credentials: Credentials, book: DeviceBook, user: ServerUser | None) -> None:
    """Write the accounts by the register; before each start, whatever the plugin has left there.

    While the register is damaged, the accounts from before stay in force.

    Raises:
        DevicesUnreadable: the register of devices is damaged, and there are no accounts from before.
    """
    with book.held():
        try:
            text = accounts_text(credentials, book)
        except DevicesUnreadable:
            if files.accounts.exists():
                return
            raise
        write_private(files.accounts, text, user)
        give(files.accounts, user)


def spec(
    prefix: Prefix,
    files: Files,
    credentials: Credentials,
    port: int,
    user: ServerUser | None,
    *,
    before_start: Callable[[], None] = nothing_to_prepare,
) -> ProcessSpec:
    """Describe the process to the supervisor."""
    ask = partial(asyncio.to_thread, probe, LOOPBACK, port, OPERATOR, credentials.mqtt.operator)

    return ProcessSpec(
        name=NAME,
        kind=Kind.SERVER,
        argv=(str(prefix.mosquitto), "-c", str(files.configuration)),
        directory=files.data,
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        user=user,
        # It writes its queue and leaves at once, so even an orphan loses nothing.
        parent_death_signal=signal.SIGTERM,
        ready=ask,
        well=partial(ask, PATIENT_SECONDS),
        before_start=before_start,
        endpoint=f"{LOOPBACK}:{port}",
    )


def probe(host: str, port: int, user: str, password: str, seconds: float = PROBE_SECONDS) -> None:
    """Connect as a user, over MQTT 5.

    Args:
        seconds: It may take to answer.

    Raises:
        NotYet: there is no broker, or it does not answer.
        NotServing: it refused us.
    """
    answers: list[ReasonCode] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
    client.username_pw_set(user, password)
    client.connect_timeout = seconds
    deadline = time.monotonic() + seconds
    try:
        client.connect(host, port)
        while not answers and (left := deadline - time.monotonic()) > 0:
            if client.loop(timeout=left) != mqtt.MQTT_ERR_SUCCESS:
                break
        client.disconnect()
    except OSError as error:
        raise NotYet(f"MQTT at {host}:{port}: {error}") from error
    if not answers:
        raise NotYet(f"MQTT at {host}:{port} did not answer {user!r} within {seconds:g} s")
    if answers[0].is_failure:
        raise NotServing(f"MQTT at {host}:{port} refused {user!r}: {answers[0]}")
