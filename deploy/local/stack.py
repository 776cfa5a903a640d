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
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from deploy.local import environment, health, kafka, mosquitto, postgres, prefix, program, run_record
from deploy.local.credentials import Credentials, load_or_create
from deploy.local.device_book import DeviceBook
from deploy.local.disk_watch import DiskWatch
from deploy.local.environment import Ports
from deploy.local.errors import SetupStepFailed
from deploy.local.files import check_reachable, make_data_folder, make_folder, write_private
from deploy.local.first_session import FirstSession
from deploy.local.log_files import LogKeeper
from deploy.local.ports import pick_free, resolve
from deploy.local.prefix import Prefix
from deploy.local.process_spec import PATIENT_SECONDS, Kind, ProcessSpec, nothing_to_prepare, ready_at_once
from deploy.local.processes import command_line
from deploy.local.restoring import check_finished
from deploy.local.run_record import ProcessRecord, RunLock, RunRecord
from deploy.local.settings import LocalSettings
from deploy.local.supervisor import Event, State, Supervisor
from deploy.local.users import Users
from schemas.credentials import device_password
from schemas.device_register import DeviceIdentity

ENVIRONMENT_FILE = "environment.json"
SETUP_USER = "set-up"
DISKS = "disk"
"""Name of what is said about disks."""
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
    folder: Path | None = None
    """A folder that it alone may read and write."""
    endpoint: str = ""
    """Where it listens, for people."""
    has_health: bool = True
    """It answers on `/healthz` and `/readyz` of the port given as `METRICS_PORT`; else it is ready once started."""


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A command that must succeed once the servers are ready, before any service starts."""

    name: str
    argv: tuple[str, ...]
    role: str


class Stack:
    """Servers and services of one state folder, from entering to leaving the context.

    Args:
        session: The command that makes the bridge's session; done before each start of Mosquitto, when nobody else may
            connect, or once before the set-up steps where the MQTT broker is the operator's own.
    """

    def __init__(
        self,
        settings: LocalSettings,
        *,
        setup: Sequence[SetupStep] = (),
        services: Sequence[ServiceSpec] = (),
        session: SetupStep | None = None,
        simulated: Iterable[DeviceIdentity] | None = None,
        programs: Prefix | None = None,
    ) -> None:
        """See the class for what is run.

        Args:
            simulated: The simulators' devices, and no other simulated ones, are registered; None: the register stays.
            programs: Other servers than those that are used now, for a trial of newer ones.
        """
        self.settings = settings
        self._programs = programs
        self._setup = tuple(setup)
        self._services = tuple(services)
        self._session = session
        self._simulated = None if simulated is None else tuple(simulated)
        self.devices = DeviceBook(settings.register_file)
        self._resources = ExitStack()
        self._started_at = datetime.now(UTC)
        self._identity = run_record.this_process()
        self._environments: dict[str, dict[str, str]] = {}
        self._credentials: Credentials
        self._users: Users
        self._program: program.Program | None = None
        self._choosing_program = asyncio.Lock()
        self.ports = Ports(None, None, None, None)
        self.orphans_ended: tuple[int, ...] = ()
        self._logs = LogKeeper(settings.state / "logs", max_bytes=settings.log_bytes, files=settings.log_files)
        self._supervisor = Supervisor(
            self._logs,
            on_change=self._record,
            start_timeout=settings.start_timeout,
            stop_timeout=settings.stop_timeout,
        )
        self._recorded: RunRecord | None = None
        self._unrecorded: str | None = None
        """Why the record of the run is not the newest."""
        self._looking: asyncio.Task[None] | None = None
        self._disks = DiskWatch(
            {name: settings.state / name for name in (kafka.NAME, postgres.NAME, mosquitto.NAME)}
            | {"state": settings.state, "logs": settings.state / "logs"},
            self._say_of_disks,
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
        make_folder(make_folder(self.settings.state) / "logs")
        self._resources.enter_context(RunLock(self.settings.state))
        self._resources.enter_context(self._logs)
        try:
            self.orphans_ended = await asyncio.to_thread(run_record.end_orphans, self.settings.state)
            looking = self._disks.run(self.settings.disk_look_seconds, self._record)
            self._looking = asyncio.create_task(looking, name="look at disks")
            await self._start_servers()
            if self._session is not None and mosquitto.NAME in self.external:
                await self.run_step(self._session)
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
        """Start one of our services and wait until it says that it works; it is kept running from then on."""
        port = pick_free(managed.spec.metrics_port or 0 for managed in self._supervisor.managed.values())
        code = await self._own_program()
        user = self._users.of(service.name)
        if service.folder is not None:
            make_data_folder(service.folder, user)
        extra = {"METRICS_PORT": str(port), "PYTHONUNBUFFERED": "1", **service.extra}
        await self._supervisor.start(
            ProcessSpec(
                name=service.name,
                kind=Kind.SERVICE,
                argv=tuple(map(code.word, service.argv)),
                directory=code.code,
                environment=self._child_environment(code, service.role, extra),
                user=user,
                ready=health.probe_of(port, health.READY) if service.has_health else ready_at_once,
                well=health.probe_of(port, seconds=PATIENT_SECONDS) if service.has_health else None,
                endpoint=service.endpoint,
                metrics_port=port if service.has_health else None,
            )
        )

    async def _own_program(self) -> program.Program:
        """Return our code as our processes' users can run it, finding out or copying at the first time."""
        async with self._choosing_program:
            if self._program is None:
                user, state = self._users.of(SETUP_USER), self.settings.state
                self._program = await asyncio.to_thread(program.for_user, user, state)
            return self._program

    def _child_environment(self, code: program.Program, role: str, extra: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of a process of ours."""
        own = {**code.environment, **self.environment(role), **extra}
        whole = environment.inherited(os.environ, role) | own
        return {name: code.word(value) for name, value in whole.items()}

    async def run_step(self, step: SetupStep) -> None:
        """Run one set-up step.

        Raises:
            SetupStepFailed: it ended with a failure; the message carries what it said.
        """
        code = await self._own_program()
        process = await asyncio.create_subprocess_exec(
            *command_line(tuple(map(code.word, step.argv)), self._users.of(SETUP_USER), signal.SIGKILL),
            cwd=code.code,
            env=self._child_environment(code, step.role, {}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        said, _ = await process.communicate()
        # What a full disk does not take is in the error all the same, if the step failed.
        with suppress(OSError):
            (self.settings.state / "logs" / f"{step.name}.log").write_bytes(said)
        if process.returncode != 0:
            raise SetupStepFailed(f"{step.name}: {said.decode(errors='replace').strip()[-2000:]}")

    async def _start_servers(self) -> None:
        state = self.settings.state
        if self._programs is None:
            check_finished(state)
        (state / "logs").chmod(0o700)
        self._users = Users(state)
        user = self._users.of(SETUP_USER)
        check_reachable(state, user)
        self._credentials = load_or_create(state)
        await asyncio.to_thread(self._begin_register)
        check_reachable(self.devices.register_file.parent, user)
        self.ports = self._choose_ports()
        self._environments = environment.of_all_roles(self.settings, self.ports, self._credentials)
        write_private(state / ENVIRONMENT_FILE, json.dumps(self._environments, indent=1))
        if self.ports == Ports(None, None, None, None):
            return
        programs = self._programs if self._programs is not None else await asyncio.to_thread(prefix.ensure)
        check_reachable(programs.root, user)
        starts = []
        if self.ports.mqtt is not None:
            starts.append(self._start_mosquitto(programs, self.ports.mqtt))
        if self.ports.kafka is not None and self.ports.kafka_controller is not None:
            starts.append(self._start_kafka(programs, (self.ports.kafka, self.ports.kafka_controller)))
        if self.ports.postgres is not None:
            starts.append(self._start_postgres(programs, self.ports.postgres))
        await all_or_none(starts)

    def _begin_register(self) -> None:
        if self._simulated is None:
            self.devices.begin()
        else:
            self.devices.take_simulated(self._simulated, self._device_password, datetime.now(UTC))

    def _device_password(self, device_id: str) -> str:
        return device_password(environment.device_secret(self.settings, self._credentials), device_id)

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
        user = self._users.of(mosquitto.NAME)
        files = await asyncio.to_thread(mosquitto.prepare, programs, folder, port=port, user=user)
        session = self._session
        first = nothing_to_prepare if session is None else await self._first_session(programs, files, session)

        def before_start() -> None:
            mosquitto.write_accounts(files, self._credentials, self.devices, user)
            first()

        await self._supervisor.start(
            mosquitto.spec(programs, files, self._credentials, port, user, before_start=before_start)
        )

    async def _first_session(self, programs: Prefix, files: mosquitto.Files, step: SetupStep) -> FirstSession:
        code = await self._own_program()
        return FirstSession(
            programs=programs,
            files=files,
            credentials=self._credentials,
            user=self._users.of(mosquitto.NAME),
            step=tuple(map(code.word, step.argv)),
            step_user=self._users.of(SETUP_USER),
            directory=code.code,
            environment=self._child_environment(code, step.role, {}),
            seconds=self.settings.start_timeout.total_seconds(),
        )

    async def _start_kafka(self, programs: Prefix, ports: tuple[int, int]) -> None:
        folder = self.settings.state / kafka.NAME
        user = self._users.of(kafka.NAME)
        files = await asyncio.to_thread(kafka.prepare, programs, folder, self._credentials, ports, user)
        heap = self.settings.kafka_heap
        await self._supervisor.start(
            kafka.spec(programs, files, self._credentials, port=ports[0], heap=heap, user=user)
        )
        await kafka.set_up(self._credentials, ports[0])

    async def _start_postgres(self, programs: Prefix, port: int) -> None:
        folder = self.settings.state / postgres.NAME
        user = self._users.of(postgres.NAME)
        files = await asyncio.to_thread(postgres.prepare, programs, folder, self._credentials, port, user)
        await self._supervisor.start(postgres.spec(programs, files, self._credentials, port, user))
        await postgres.set_up(self._credentials, port)

    async def _leave(self) -> None:
        try:
            if self._looking is not None:
                self._looking.cancel()
                await asyncio.gather(self._looking, return_exceptions=True)
            await self._supervisor.stop_all()
        finally:
            self._resources.close()

    def _say_of_disks(self, detail: str, is_trouble: bool) -> None:
        state = State.TROUBLED if is_trouble else State.READY
        self._supervisor.announce(Event(datetime.now(UTC), DISKS, state, detail))

    def _record(self) -> None:
        """Write down what runs where that has changed; asked after each event and each look at the disks."""
        record = self._run_record()
        if record == self._recorded:
            return
        try:
            run_record.write(self.settings.state, record)
        except OSError as error:
            if self._unrecorded is None:
                self._unrecorded = str(error)
                self._say_of_disks(f"the record of the run cannot be written, trying again: {error}", is_trouble=True)
        else:
            self._recorded, self._unrecorded = record, None

    def _run_record(self) -> RunRecord:
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
                trouble=managed.trouble,
            )
            for name, managed in self._supervisor.managed.items()
        }
        return RunRecord(
            supervisor=self._identity,
            started_at=self._started_at,
            external=self.external,
            processes=processes,
            alerts=self._disks.alerts,
        )


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
