"""`district run`: the whole district on this machine, from its servers to the screen.

1. Servers: Mosquitto, Kafka, PostgreSQL, each unless the operator named one of their own.
2. Topics and tables.
3. Services together: bridge, sink, processors, delivery, simulators; then the API with the one map, the city brain.
4. The screen, until ctrl-C or `district stop`; then everything stops in reverse.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from deploy.local.errors import AlreadyRunning
from deploy.local.key_book import KeyBook
from deploy.local.paths import CHECKOUT
from deploy.local.ports import is_free, pick_free
from deploy.local.settings import LocalSettings
from deploy.local.stack import ServiceSpec, SetupStep, Stack, all_or_none
from deploy.local.supervisor import Event
from schemas.fields import Feed
from services.district import grafana_server, map_server
from services.district.board import Board, event_line
from services.district.citybrain import simulated as city_brain
from services.district.collector import Collector
from services.district.errors import EXIT_INTERRUPTED, AnotherRuns, SettingRefused
from services.district.figures import Snapshot
from services.district.grafana import push_all
from services.district.outputs import Output, output_for
from services.district.settings import OPERATOR, access_from
from services.district.terminal import console
from services.runtime.errors import PlatformError
from simulators import world

REFRESH_SECONDS: Final = 1.0
COLLECT_SECONDS: Final = 2.0
COLLECT_SECONDS_AT_MOST: Final = 15.0
IDLE_SHARE: Final = 5
"""Pause after asking, in times of how long the answer took, between the two bounds above: large data are asked less."""
ALERTS_ON_SCREEN: Final = 200

SETUP: Final = (
    SetupStep("topics", (sys.executable, "-m", "services.runtime.topics"), OPERATOR),
    SetupStep("migrations", (sys.executable, "-m", "services.timescale_sink", "migrate"), OPERATOR),
    SetupStep("register", (sys.executable, "-m", "services.timescale_sink", "register"), OPERATOR),
)
SESSION: Final = SetupStep("session", (sys.executable, "-m", "services.ingest_bridge.session"), "bridge")
"""Before any device may connect: what they publish waits for the bridge from their first message on."""
SINK: Final = ServiceSpec("timescale_sink", (sys.executable, "-m", "services.timescale_sink"), "sink")
BRIDGE: Final = ServiceSpec("ingest_bridge", (sys.executable, "-m", "services.ingest_bridge"), "bridge")
SIMULATED_WATER_POLICY: Final = CHECKOUT / "deploy" / "plan" / "policies" / "water-local.toml"
"""Simulated stations sample every few seconds, so their lakes have rounds of a minute instead of four hours."""


SIMULATORS: Final = ServiceSpec("simulators", (sys.executable, "-m", "simulators"), "simulators", has_health=False)


def _port(what: str, variable: str) -> Any:
    words = f"Port of {what}; 0 takes a free one. [{variable}]"
    return typer.Option(min=0, max=65_535, metavar="PORT", show_default=False, help=words)


def run(
    *,
    simulators: Annotated[bool, typer.Option("--simulators/--no-simulators", help="Run the simulated devices.")] = True,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines instead of the live table.")] = False,
    mqtt_port: Annotated[int | None, _port("Mosquitto", "DISTRICT_MQTT_PORT")] = None,
    kafka_port: Annotated[int | None, _port("Kafka", "DISTRICT_KAFKA_PORT")] = None,
    kafka_controller_port: Annotated[int | None, _port("Kafka's controller", "DISTRICT_KAFKA_CONTROLLER_PORT")] = None,
    postgres_port: Annotated[int | None, _port("PostgreSQL", "DISTRICT_POSTGRES_PORT")] = None,
) -> None:
    """Run the whole district on this machine until ctrl-C.

    Servers of your own are used where KAFKA_BOOTSTRAP, MQTT_URL or DATABASE_URL name them.
    """
    settings = local_settings(
        mqtt_port=mqtt_port,
        kafka_port=kafka_port,
        kafka_controller_port=kafka_controller_port,
        postgres_port=postgres_port,
    )
    output = output_for(console(), plain=plain)
    try:
        status = asyncio.run(_District(settings, output, with_simulators=simulators).run())
    except AlreadyRunning as error:
        raise AnotherRuns(error.detail) from None
    sys.exit(status)


def local_settings(**chosen: Any) -> LocalSettings:
    """Read the operator's choices for the local servers; an option that is not None wins over its variable.

    Raises:
        SettingRefused: a value does not fit; the message names it.
    """
    try:
        return LocalSettings(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        lines = [
            f"{'_'.join(str(part) for part in each['loc'])}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise SettingRefused("; ".join(lines)) from error


def delivery(settings: LocalSettings, map_server_address: str) -> ServiceSpec:
    """Return the delivery of alerts; the folder of its register is its own."""
    folder = settings.subscribers_register.parent
    command = (sys.executable, "-m", "services.alert_delivery")
    # An instance with a name gets its partitions back at once when it was killed.
    extra = {"DELIVERY_INSTANCE": "local", "DELIVERY_WEB_BASE": map_server_address}
    return ServiceSpec("alert_delivery", command, "delivery", extra, folder=folder)


def services(settings: LocalSettings, map_server_address: str, *, with_simulators: bool) -> tuple[ServiceSpec, ...]:
    """Return our services from the end of the flow to its beginning.

    They stop in reverse, so nothing waits in between when all is over.

    Args:
        map_server_address: Where the operations API will serve the map, for links in alerts.
    """
    # An instance with a name gets its partitions back at once when it was killed.
    extra = {"PROCESSOR_INSTANCE": "local"}
    if with_simulators:
        extra["WATER_POLICY"] = os.environ.get("WATER_POLICY", str(SIMULATED_WATER_POLICY))
    processors = (
        *(_processor(feed.value, ("--feed", feed.value), extra) for feed in Feed),
        _processor("lanes", ("--lanes",), extra),
    )
    return (
        delivery(settings, map_server_address),
        SINK,
        *processors,
        BRIDGE,
        *((SIMULATORS,) if with_simulators else ()),
    )


def _processor(name: str, options: tuple[str, ...], extra: dict[str, str]) -> ServiceSpec:
    """One feed's real life, or the other lanes of all: what fails in one touches no other."""
    command = (sys.executable, "-m", "services.stream_processors", *options)
    return ServiceSpec(f"processor-{name}", command, "processor", extra)


class _District:
    """One run, from the first server to the last."""

    def __init__(self, settings: LocalSettings, output: Output, *, with_simulators: bool) -> None:
        self._output = output
        self._stack = Stack(settings, session=SESSION, simulated=world.devices() if with_simulators else ())
        self._grafana_port: int | None = None
        self._map = map_server.spec(settings, self._boards_address(settings))
        self._services = services(settings, self._map.endpoint, with_simulators=with_simulators)
        self._with_simulators = with_simulators
        self._stopping = asyncio.Event()
        self._is_live = False
        self._began = time.monotonic()

    async def run(self) -> int:
        """Run until asked to stop; return the exit status."""
        self._listen_to_signals(asyncio.current_task())
        self._output.event(f"Starting the district; its data and logs are in {self._stack.settings.state}")
        async with self._events_shown():
            try:
                async with self._stack as stack:
                    await self._bring_up(stack)
                    await self._show(stack)
                    self._output.event("Stopping …")
            except asyncio.CancelledError:
                self._output.event("Stopped before everything was ready.")
                return EXIT_INTERRUPTED
        self._output.event("Stopped.")
        return 0

    def _listen_to_signals(self, task: asyncio.Task[int] | None) -> None:
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._stop, task)

    def _stop(self, task: asyncio.Task[int] | None) -> None:
        if self._stopping.is_set():
            self._output.event("Stopping already: what is in flight is being written.")
            return
        self._stopping.set()
        if not self._is_live and task is not None:
            task.cancel()

    async def _bring_up(self, stack: Stack) -> None:
        if stack.orphans_ended:
            self._output.event(f"Ended what a crashed run left behind: {', '.join(map(str, stack.orphans_ended))}")
        for step in SETUP:
            await stack.run_step(step)
            self._output.event(f"{step.name}: done")
        await all_or_none([stack.start_service(service) for service in self._services])
        await self._open_map(stack)
        said = await city_brain.bring_up(
            stack, wanted=self._with_simulators, api=self._map.endpoint, now=datetime.now(UTC)
        )
        if said:
            self._output.event(said)
        await self._show_boards(stack)

    async def _open_map(self, stack: Stack) -> None:
        """Start the operations API and print the map's address; the link logs in once, for a while."""
        KeyBook(stack.settings.keys_file).begin(datetime.now(UTC))
        await stack.start_service(self._map)
        link = map_server.link(self._map.endpoint, stack.environment(OPERATOR)["MAP_LOGIN_SECRET"], datetime.now(UTC))
        self._output.event(f"Map: {link} (logs in once; `district map login` prints another)")

    def _boards_address(self, settings: LocalSettings) -> str | None:
        own = grafana_server.address(os.environ)
        if own is not None:
            return own[0]
        if grafana_server.find() is None:
            return None
        wanted = settings.grafana_port
        self._grafana_port = wanted if wanted and is_free(wanted) else pick_free()
        return f"http://127.0.0.1:{self._grafana_port}"

    async def _show_boards(self, stack: Stack) -> None:
        """Boards where there is a Grafana; without one, or with one in trouble, the district runs all the same."""
        database = stack.environment(OPERATOR).get("DATABASE_GRAFANA_URL", "")
        own, map_address = grafana_server.address(os.environ), f"{self._map.endpoint}/map/"
        if own is not None:
            url, token = own
            try:
                changed = await asyncio.to_thread(push_all, url, token, database, map_address)
            except PlatformError as error:
                self._output.event(f"Boards: {error}")
            else:
                self._output.event(f"Boards: {url.rstrip('/')}/d/jianghan-today ({changed} changes)")
            return
        installed = grafana_server.find()
        if installed is None:
            self._output.event(grafana_server.HOW_TO_GET_ONE)
            return
        folder, port = stack.settings.state, self._grafana_port or pick_free()
        boards, password = grafana_server.boards_folder(folder, map_address), secrets.token_hex(24)
        await stack.start_service(grafana_server.spec(installed, folder, port, database, password, boards=boards))
        self._output.event(f"Boards: http://127.0.0.1:{port}")

    async def _show(self, stack: Stack) -> None:
        self._is_live = True
        self._output.event(f"The district is live after {time.monotonic() - self._began:.1f} s; ctrl-C stops it.")
        access = access_from(stack.environment(OPERATOR), stack.settings.state)
        board = Board()
        async with Collector(access, alerts_at_most=ALERTS_ON_SCREEN) as collector:
            tasks = [
                asyncio.create_task(self._collect(collector, board), name="collect figures"),
                asyncio.create_task(self._refresh(), name="refresh screen"),
            ]
            waiting = asyncio.create_task(self._stopping.wait(), name="wait for stop")
            self._output.begin(board)
            try:
                await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._output.end()
                for task in (*tasks, waiting):
                    task.cancel()
                results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _collect(self, collector: Collector, board: Board) -> None:
        # The first answer takes long because connections are made for it.
        self._take(board, await collector.collect())
        pause = COLLECT_SECONDS
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            self._take(board, await collector.collect())
            took = time.monotonic() - began
            pause = min(max(COLLECT_SECONDS, IDLE_SHARE * took), COLLECT_SECONDS_AT_MOST)

    def _take(self, board: Board, snapshot: Snapshot) -> None:
        for line in board.take(snapshot):
            self._output.change(line)

    async def _refresh(self) -> None:
        while True:
            self._output.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    @contextlib.asynccontextmanager
    async def _events_shown(self) -> AsyncIterator[None]:
        events = self._stack.events()
        task = asyncio.create_task(self._show_events(events), name="show events")
        try:
            yield
        finally:
            # Let it tell of the last ones.
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _show_events(self, events: AsyncIterator[Event]) -> None:
        async for event in events:
            if (line := event_line(event)) is not None:
                self._output.event(line)
