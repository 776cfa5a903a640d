"""Mosquitto on loopback: configuration, accounts, start, readiness."""

import asyncio
import base64
import hashlib
import secrets
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from deploy.local.credentials import Credentials
from deploy.local.errors import NotYet
from deploy.local.files import ServerUser, make_data_folder, make_folder, write_private
from deploy.local.paths import CHECKOUT
from deploy.local.ports import LOOPBACK
from deploy.local.prefix import Prefix
from deploy.local.process_spec import Kind, ProcessSpec
from schemas.credentials import device_password

NAME = "mosquitto"
BASE_CONFIGURATION = CHECKOUT / "deploy/mosquitto/mosquitto.conf"
ACCESS_RULES = CHECKOUT / "deploy/mosquitto/access-rules"
HASH_ROUNDS = 101
"""Mosquitto's own default. Few rounds are enough: every password here has 192 random bits or more, so guessing is
hopeless at any speed, while two thousand devices that reconnect at once must not keep the broker hashing."""
SALT_BYTES = 12
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
    def accounts(self) -> Path:
        """Users and their hashed passwords."""
        return self.folder / "accounts"

    @property
    def access_rules(self) -> Path:
        """What each user may do."""
        return self.folder / "access-rules"

    @property
    def devices(self) -> Path:
        """The ids of the devices that have an account."""
        return self.folder / "devices"

    @property
    def data(self) -> Path:
        """Sessions and queued messages."""
        return self.folder / "data"


def configuration(base: str, *, port: int, files: Files) -> str:
    """Return the configuration of one broker on loopback."""
    return (
        f"{base}\n"
        f"listener {port} {LOOPBACK}\n"
        f"password_file {files.accounts}\n"
        f"acl_file {files.access_rules}\n"
        f"persistence_location {files.data}/\n"
    )


def account_line(user: str, password: str, salt: bytes) -> str:
    """Return one line of the accounts file, as `mosquitto_passwd` writes it: PBKDF2 with SHA-512."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ROUNDS)
    return f"{user}:$7${HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def passwords(credentials: Credentials, device_ids: Iterable[str]) -> dict[str, str]:
    """Return the password of every user: the two of the platform and the devices."""
    devices = {
        device_id: device_password(credentials.device_secret, device_id) for device_id in sorted(set(device_ids))
    }
    return {**devices, "bridge": credentials.mqtt.bridge, "operator": credentials.mqtt.operator}


def accounts_text(users: Mapping[str, str]) -> str:
    """Return the accounts file of these users, each with a salt of its own."""
    return "".join(
        account_line(user, password, secrets.token_bytes(SALT_BYTES)) + "\n" for user, password in users.items()
    )


def known_devices(files: Files) -> set[str]:
    """Return the ids of the devices that have an account."""
    return set(files.devices.read_text().split("\n")) - {""} if files.devices.exists() else set()


def write_device_accounts(
    files: Files, credentials: Credentials, device_ids: Iterable[str], user: ServerUser | None
) -> bool:
    """Give these devices an account beside those that have one; say whether anything changed.

    A running broker reads the accounts again on SIGHUP.
    """
    known = known_devices(files)
    devices = known | set(device_ids)
    if devices == known and files.accounts.exists():
        return False
    write_private(files.accounts, accounts_text(passwords(credentials, devices)), user)
    write_private(files.devices, "\n".join(sorted(devices)))
    return True


def prepare(
    folder: Path, credentials: Credentials, port: int, device_ids: Iterable[str], user: ServerUser | None
) -> Files:
    """Write everything that Mosquitto reads at its start."""
    files = Files(make_folder(folder))
    make_data_folder(files.data, user)
    write_private(files.configuration, configuration(BASE_CONFIGURATION.read_text(), port=port, files=files), user)
    write_private(files.access_rules, ACCESS_RULES.read_text(), user)
    write_device_accounts(files, credentials, device_ids, user)
    return files


def spec(prefix: Prefix, files: Files, credentials: Credentials, port: int, user: ServerUser | None) -> ProcessSpec:
    """Describe the process to the supervisor."""

    async def ready() -> None:
        await asyncio.to_thread(probe, LOOPBACK, port, "bridge", credentials.mqtt.bridge)

    return ProcessSpec(
        name=NAME,
        kind=Kind.SERVER,
        argv=(str(prefix.mosquitto), "-c", str(files.configuration)),
        directory=files.data,
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        user=user,
        # It writes its queue and leaves at once, so even an orphan loses nothing.
        parent_death_signal=signal.SIGTERM,
        ready=ready,
        endpoint=f"{LOOPBACK}:{port}",
    )


def probe(host: str, port: int, user: str, password: str) -> None:
    """Connect as a user, over MQTT 5.

    Raises:
        NotYet: there is no broker, or it refused us.
    """
    answers: list[ReasonCode] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
    client.username_pw_set(user, password)
    client.connect_timeout = PROBE_SECONDS
    try:
        client.connect(host, port)
        while not answers:
            if client.loop(timeout=PROBE_SECONDS) != mqtt.MQTT_ERR_SUCCESS:
                break
        client.disconnect()
    except OSError as error:
        raise NotYet(f"MQTT at {host}:{port}: {error}") from error
    if not answers or answers[0].is_failure:
        raise NotYet(f"MQTT at {host}:{port} refused {user!r}: {answers[0] if answers else 'no answer'}")
