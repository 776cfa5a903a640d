"""States of servers and services: what the supervisor wrote down, and what each says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final, assert_never

from pydantic import SecretStr

from deploy.local import health, run_record
from deploy.local.errors import NotYet
from deploy.local.process_spec import Kind
from deploy.local.run_record import ProcessRecord, RunRecord
from deploy.local.supervisor import State
from services.district.errors import ServerSilent
from services.district.figures import ProcessFigures, ProcessState
from services.runtime.settings import parse_mqtt_url

ANSWER_SECONDS: Final = 2.0
MOSQUITTO: Final = "mosquitto"
KAFKA: Final = "kafka"
POSTGRES: Final = "postgres"
SERVERS: Final = (MOSQUITTO, KAFKA, POSTGRES)
"""Their names as `deploy.local` has them, whose modules would bring all that starts them."""


def in_words(state: str) -> ProcessState:
    """Say the supervisor's state in the operator's words."""
    match State(state):
        case State.STARTING:
            return ProcessState.STARTING
        case State.READY:
            return ProcessState.RUNNING
        case State.TROUBLED:
            return ProcessState.DEGRADED
        case State.WAITING:
            return ProcessState.RESTARTING
        case State.STOPPING:
            return ProcessState.STOPPING
        case State.STOPPED | State.FAILED:
            return ProcessState.DOWN
        case never:
            assert_never(never)


def supervised(record: RunRecord, kind: Kind) -> dict[str, ProcessFigures]:
    """Return the processes of one kind as the supervisor wrote them down."""
    return {name: _figures(process) for name, process in record.processes.items() if process.kind == kind}


def _figures(process: ProcessRecord) -> ProcessFigures:
    state = in_words(process.state)
    trouble = process.last_exit if state in {ProcessState.RESTARTING, ProcessState.DOWN} else process.trouble
    return ProcessFigures(state, process.endpoint, process.restarts, trouble)


def all_down(record: RunRecord | None) -> tuple[dict[str, ProcessFigures], dict[str, ProcessFigures]]:
    """Return servers and services of a district that does not run."""
    down = ProcessFigures(ProcessState.DOWN)
    services = supervised(record, Kind.SERVICE) if record is not None else {}
    return dict.fromkeys(SERVERS, down), dict.fromkeys(services, down)


def seen_from_outside(supervised: ProcessFigures | None, *, answers: bool, why: str | None) -> ProcessFigures:
    """Put together what the supervisor says of a server, if it is one of its own, and whether it answered us."""
    if supervised is None:
        state = ProcessState.RUNNING if answers else ProcessState.DOWN
        return ProcessFigures(state, "your own", trouble=None if answers else why)
    if answers or supervised.state not in {ProcessState.RUNNING, ProcessState.DEGRADED}:
        return supervised
    return ProcessFigures(ProcessState.SILENT, supervised.endpoint, supervised.restarts, why)


async def with_health(record: RunRecord, services: Mapping[str, ProcessFigures]) -> dict[str, ProcessFigures]:
    """Ask each running service whether it is well."""
    answers = await asyncio.gather(
        *(_with_health(figures, record.processes[name].metrics_port) for name, figures in services.items())
    )
    return dict(zip(services, answers, strict=True))


async def _with_health(figures: ProcessFigures, port: int | None) -> ProcessFigures:
    if port is None or figures.state not in {ProcessState.RUNNING, ProcessState.DEGRADED}:
        return figures
    try:
        await health.probe_of(port)()
    except NotYet as error:
        return ProcessFigures(ProcessState.DEGRADED, figures.endpoint, figures.restarts, error.detail)
    return ProcessFigures(ProcessState.RUNNING, figures.endpoint, figures.restarts)


async def see_listening(mqtt_url: SecretStr | None) -> None:
    """See that an MQTT broker listens there.

    Raises:
        ServerSilent: nobody does.
    """
    if mqtt_url is None:
        raise ServerSilent("none is named; set MQTT_URL")
    endpoint = parse_mqtt_url(mqtt_url.get_secret_value())
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except (OSError, TimeoutError) as error:
        raise ServerSilent(f"{endpoint.host}:{endpoint.port}: {str(error) or 'no answer in time'}") from error
    writer.close()


def read_record(state: Path) -> RunRecord | None:
    """Return what the supervisor of a state folder wrote down."""
    return run_record.read(state)
