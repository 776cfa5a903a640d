"""The bridge's session is made on Mosquitto before anybody else may connect.

Mosquitto acknowledges what is published while nobody has a session for it, and keeps it for nobody; and it cannot open
a listener later than its start. So at each start it runs twice on the same data:

1. on a port that nobody knows, otherwise as configured: a step makes the session, Mosquitto writes it down and stops;
2. on its own port, for everybody.

After Mosquitto's data were lost, devices that connect again find the session made anew before they are let in.
"""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import mosquitto
from deploy.local.broker_accounts import BRIDGE, OPERATOR
from deploy.local.credentials import Credentials
from deploy.local.errors import NotYet, ServerNotReady
from deploy.local.files import ServerUser, write_private
from deploy.local.ports import LOOPBACK, pick_free
from deploy.local.prefix import Prefix
from deploy.local.processes import command_line, kill_group

PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class FirstSession:
    """What is needed to make it; call it before each start of Mosquitto."""

    programs: Prefix
    files: mosquitto.Files
    credentials: Credentials
    user: ServerUser | None
    step: tuple[str, ...]
    """Command that makes the session."""
    step_user: ServerUser | None
    directory: Path
    """Where it is run: our code."""
    environment: Mapping[str, str]
    """Its environment; `MQTT_URL` is set by us."""
    seconds: float
    """For each part of it: Mosquitto reads what waits in the queue, and writes it again."""
    alone: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)
    """Two brokers on one folder would lose one another's data."""

    def __call__(self) -> None:
        """Make the session.

        Raises:
            ServerNotReady: Mosquitto did not start, or the step failed; the message has their words.
        """
        with self.alone:
            self._make()

    def _make(self) -> None:
        port, configuration = pick_free(), self.files.folder / "first-session.conf"
        write_private(configuration, on_port(self.files.configuration.read_text(), port), self.user)
        broker = subprocess.Popen(  # noqa: S603 - the commands are ours
            command_line((str(self.programs.mosquitto), "-c", str(configuration)), self.user, signal.SIGTERM),
            cwd=self.files.data,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self._wait_ready(broker, port)
            self._run_step(port)
            broker.terminate()
            said = broker.communicate(timeout=self.seconds)[1]
            if broker.returncode != 0:
                raise ServerNotReady(f"{mosquitto.NAME}: the bridge's session was not written down: {_end_of(said)}")
        except subprocess.TimeoutExpired as error:
            raise ServerNotReady(f"{mosquitto.NAME}: making the bridge's session took too long ({error})") from error
        finally:
            kill_group(broker.pid)
            with suppress(subprocess.TimeoutExpired):
                broker.communicate(timeout=self.seconds)

    def _wait_ready(self, broker: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + self.seconds
        while True:
            try:
                mosquitto.probe(LOOPBACK, port, OPERATOR, self.credentials.mqtt.operator)
            except NotYet as error:
                if broker.poll() is not None:
                    said = broker.communicate()[1]
                    raise ServerNotReady(f"{mosquitto.NAME} does not start: {_end_of(said)}") from error
                if time.monotonic() > deadline:
                    raise ServerNotReady(f"{mosquitto.NAME} does not answer in time: {error.detail}") from error
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def _run_step(self, port: int) -> None:
        url = f"mqtt://{BRIDGE}:{self.credentials.mqtt.bridge}@{LOOPBACK}:{port}"
        done = subprocess.run(  # noqa: S603 - the commands are ours
            command_line(self.step, self.step_user, signal.SIGKILL),
            cwd=self.directory,
            env={**self.environment, "MQTT_URL": url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=self.seconds,
            check=False,
        )
        if done.returncode != 0:
            raise ServerNotReady(f"{mosquitto.NAME}: the bridge's session was not made: {_end_of(done.stdout)}")


def on_port(configuration: str, port: int) -> str:
    """Return Mosquitto's configuration with its listener on another port."""
    return re.sub(
        rf"^listener \d+ {re.escape(LOOPBACK)}$", f"listener {port} {LOOPBACK}", configuration, flags=re.MULTILINE
    )


def _end_of(said: bytes) -> str:
    return said.decode(errors="replace").strip()[-2000:] or "no word"
