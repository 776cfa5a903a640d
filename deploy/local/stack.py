"""The whole district on one machine: servers, set-up steps, services, under one supervisor.

1. Take the lock of the state folder; end what a crashed run left behind.
2. Get the prefix, credentials and ports; write each server's configuration.
3. Start the servers together; prepare each as soon as it answers.
4. Run the set-up steps one after the other, then start the services together.

Leaving the context stops everything in reverse.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator, Coroutine, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from deploy.local import environment, health, kafka, mosquitto, postgres, prefix, run_record
from deploy.local.credentials import Credentials, load_or_create
from deploy.local.environment import Ports
from deploy.local.errors import NotYet, SetupStepFailed
from deploy.local.files import ServerUser, check_reachable, make_folder, server_user, write_private
from deploy.local.paths import CHECKOUT
from deploy.local.ports import LOOPBACK, pick_free, resolve
from deploy.local.prefix import Prefix
from deploy.local.process_spec import Kind, ProcessSpec, ready_at_once
from deploy.local.processes import command_line
from deploy.local.run_record import ProcessRecord, RunLock, RunRecord
from deploy.local.settings import LocalSettings
from deploy.local.supervisor import Event, State, Supervisor
from schemas.credentials import device_password

ENVIRONMENT_FILE = "environment.json"
PAUSE_SECONDS = 0.05
VARIABLES = {
    "Mosquitto": "DISTRICT_MQTT_PORT",
    "Kafka": "DISTRICT_KAFKA_PORT",
    "Kafka's controller": "DISTRICT_KAFKA_CONTROLLER_PORT",
    "PostgreSQL": "DISTRICT_POSTGRES_PORT",
}


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One of our services, as its caller describes it."""

    name: str
    argv: tuple[str, ...]
    role: str
    """Whose environment it gets: one of `deploy.local.environment.ROLES`."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Environment variables beside the role's."""
    has_health: bool = True
    """It answers on `/healthz` of the port that it gets as `METRICS_PORT`; otherwise it is ready once started."""


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A command that must succeed once the servers are ready, before any service starts."""

    name: str
    argv: tuple[str, ...]
    role: str


class Stack:
    """Servers and services of one state folder, from entering to leaving the context."""

    def __init__(
        self,
        settings: LocalSettings,
        *,
        setup: Sequence[SetupStep] = (),
        services: Sequence[ServiceSpec] = (),
        device_ids: Iterable[str] = (),
    ) -> None:
        self.settings = settings
        self._setup = tuple(setup)
        self._services = tuple(services)
        self._device_ids = tuple(device_ids)
        self._resources = ExitStack()
        self._started_at = datetime.now(UTC)
        self._identity = run_record.this_process()
        self._environments: dict[str, dict[str, str]] = {}
        self._credentials: Credentials
        self._user: ServerUser | None = None
        self.ports = Ports(None, None, None, None)
        self.orphans_ended: tuple[int, ...] = ()
        self._supervisor = Supervisor(
            settings.state / "logs",
            on_change=self._record,
            start_timeout=settings.start_timeout,
            stop_timeout=settings.stop_timeout,
            log_bytes=settings.log_bytes,
        )
        self.external = tuple(
            name
            for name, chosen in (
                (mosquitto.NAME, settings.mqtt_url),
                (kafka.NAME, settings.kafka_bootstrap),
                (postgres.NAME, settings.database_url),
            )
            if chosen is not None
        )

    async def __aenter__(self) -> Self:
        make_folder(self.settings.state)
        self._resources.enter_context(RunLock(self.settings.state))
        try:
            self.orphans_ended = await asyncio.to_thread(run_record.end_orphans, self.settings.state)
            await self._start_servers()
            for step in self._setup:
                await self.run_step(step)
            await asyncio.gather(*(self.start_service(service) for service in self._services))
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leave()

    def environment(self, role: str) -> dict[str, str]:
        """Return the environment variables of a role: where the servers are, and who it is there."""
        return environment.of_role(self._environments, role)

    def states(self) -> dict[str, State]:
        """Return the state of each process."""
        return {name: managed.state for name, managed in self._supervisor.managed.items()}

    def pid(self, name: str) -> int | None:
        """Return the pid of a process, None while it does not run.

        Raises:
            UnknownProcess: there is no process of that name.
        """
        identity = self._supervisor[name].identity
        return identity.pid if identity is not None else None

    def metrics_port(self, name: str) -> int | None:
        """Return the port of a service's metrics and health."""
        return self._supervisor[name].spec.metrics_port

    def events(self) -> AsyncGenerator[Event, None]:
        """Return what happens to the processes from now on."""
        return self._supervisor.events()

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process as an accident would; the supervisor starts it again if it dies.

        Raises:
            UnknownProcess: no process of that name runs.
        """
        self._supervisor.kill(name, number)

    async def stop(self, name: str) -> None:
        """Stop one process for good."""
        await self._supervisor.stop(name)

    async def start(self, name: str) -> None:
        """Start a process that was stopped with `stop`, and wait until it is ready."""
        await self._supervisor.start(self._supervisor[name].spec)

    async def start_service(self, service: ServiceSpec) -> None:
        """Start one of our services and wait until it says that it is healthy; it is kept running from then on."""
        port = pick_free(managed.spec.metrics_port or 0 for managed in self._supervisor.managed.values())
        extra = {"METRICS_PORT": str(port), "PYTHONUNBUFFERED": "1", **service.extra}
        await self._supervisor.start(
            ProcessSpec(
                name=service.name,
                kind=Kind.SERVICE,
                argv=service.argv,
                directory=CHECKOUT,
                environment=inherited(os.environ) | self.environment(service.role) | extra,
                ready=health.probe_of(port) if service.has_health else ready_at_once,
                metrics_port=port if service.has_health else None,
            )
        )

    async def run_step(self, step: SetupStep) -> None:
        """Run one set-up step.

        Raises:
            SetupStepFailed: it ended with a failure; the message carries what it said.
        """
        process = await asyncio.create_subprocess_exec(
            *command_line(step.argv, None, signal.SIGKILL),
            cwd=CHECKOUT,
            env=inherited(os.environ) | self.environment(step.role),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        said, _ = await process.communicate()
        (self.settings.state / "logs" / f"{step.name}.log").write_bytes(said)
        if process.returncode != 0:
            raise SetupStepFailed(f"{step.name}: {said.decode(errors='replace').strip()[-2000:]}")

    async def write_device_accounts(self, device_ids: Iterable[str]) -> None:
        """Give these devices an account on Mosquitto, beside those that have one; at once, and for later starts."""
        if mosquitto.NAME in self.external:
            return
        devices = set(device_ids)
        files = mosquitto.Files(self.settings.state / mosquitto.NAME)
        changed = await asyncio.to_thread(
            mosquitto.write_device_accounts, files, self._credentials, devices, self._user
        )
        if changed and self.pid(mosquitto.NAME) is not None:
            await self.kill(mosquitto.NAME, signal.SIGHUP)
            await self._until_device_may_enter(max(devices))

    async def _until_device_may_enter(self, device_id: str) -> None:
        """Wait until Mosquitto, which reads its accounts again in its own time, takes a device."""
        password = device_password(self._credentials.device_secret, device_id)
        deadline = asyncio.get_running_loop().time() + self.settings.start_timeout.total_seconds()
        while True:
            try:
                await asyncio.to_thread(mosquitto.probe, LOOPBACK, self.ports.mqtt or 0, device_id, password)
            except NotYet:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return

    async def _start_servers(self) -> None:
        state = self.settings.state
        self._user = server_user(self.settings.server_user)
        make_folder(state / "logs")
        check_reachable(state, self._user)
        self._credentials = load_or_create(state)
        self.ports = self._choose_ports()
        self._environments = environment.of_all_roles(self.settings, self.ports, self._credentials)
        write_private(state / ENVIRONMENT_FILE, json.dumps(self._environments, indent=1))
        if self.ports == Ports(None, None, None, None):
            return
        programs = await asyncio.to_thread(prefix.ensure)
        check_reachable(programs.root, self._user)
        starts = []
        if self.ports.mqtt is not None:
            starts.append(self._start_mosquitto(programs, self.ports.mqtt))
        if self.ports.kafka is not None and self.ports.kafka_controller is not None:
            starts.append(self._start_kafka(programs, (self.ports.kafka, self.ports.kafka_controller)))
        if self.ports.postgres is not None:
            starts.append(self._start_postgres(programs, self.ports.postgres))
        await all_or_none(starts)

    def _choose_ports(self) -> Ports:
        settings = self.settings
        wanted = {} if mosquitto.NAME in self.external else {"Mosquitto": settings.mqtt_port}
        if kafka.NAME not in self.external:
            wanted |= {"Kafka": settings.kafka_port, "Kafka's controller": settings.kafka_controller_port}
        if postgres.NAME not in self.external:
            wanted |= {"PostgreSQL": settings.postgres_port}
        chosen = resolve(wanted, VARIABLES)
        return Ports(
            mqtt=chosen.get("Mosquitto"),
            kafka=chosen.get("Kafka"),
            kafka_controller=chosen.get("Kafka's controller"),
            postgres=chosen.get("PostgreSQL"),
        )

    async def _start_mosquitto(self, programs: Prefix, port: int) -> None:
        folder = self.settings.state / mosquitto.NAME
        devices, user = self._device_ids, self._user
        files = await asyncio.to_thread(mosquitto.prepare, folder, self._credentials, port, devices, user)
        await self._supervisor.start(mosquitto.spec(programs, files, self._credentials, port, user))

    async def _start_kafka(self, programs: Prefix, ports: tuple[int, int]) -> None:
        folder = self.settings.state / kafka.NAME
        user = self._user
        files = await asyncio.to_thread(kafka.prepare, programs, folder, self._credentials, ports, user)
        heap = self.settings.kafka_heap
        await self._supervisor.start(
            kafka.spec(programs, files, self._credentials, port=ports[0], heap=heap, user=user)
        )
        await kafka.set_up(self._credentials, ports[0])

    async def _start_postgres(self, programs: Prefix, port: int) -> None:
        folder = self.settings.state / postgres.NAME
        user = self._user
        files = await asyncio.to_thread(postgres.prepare, programs, folder, self._credentials, port, user)
        await self._supervisor.start(postgres.spec(programs, files, self._credentials, port, user))
        await postgres.set_up(self._credentials, port)

    async def _leave(self) -> None:
        await self._supervisor.stop_all()
        self._resources.close()

    def _record(self) -> None:
        processes = {
            name: ProcessRecord(
                kind=managed.spec.kind,
                state=managed.state,
                since=managed.since,
                pid=managed.identity.pid if managed.identity is not None else None,
                identity=managed.identity,
                restarts=managed.restarts,
                last_exit=managed.last_exit,
                endpoint=managed.spec.endpoint,
                metrics_port=managed.spec.metrics_port,
            )
            for name, managed in self._supervisor.managed.items()
        }
        record = RunRecord(
            supervisor=self._identity, started_at=self._started_at, external=self.external, processes=processes
        )
        run_record.write(self.settings.state, record)


async def all_or_none(starts: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run these together; when one fails, give the others up and raise its error.

    Raises:
        LocalError: the first failure.
    """
    tasks = [asyncio.create_task(start) for start in starts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def inherited(ours: Mapping[str, str]) -> dict[str, str]:
    """Return what a service inherits of our environment: all but the variables of the contract."""
    return {name: value for name, value in ours.items() if name not in environment.CONTRACT}
