"""What several files that need the servers share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from schemas.alert import Alert
from schemas.alert_action import AlertAction
from services.district.run import SINK
from services.read_model.connection import Database
from tests.integration.boards_day import apache, community, day
from tests.integration.read_model_world import World
from tests.integration.read_model_world import world as made_world
from tests.integration.told_events import Tell, tell

__all__ = ["apache", "community", "day"]
"""Fixtures of the boards' files, made once."""


@pytest.fixture(scope="module")
async def sink(stack: Stack) -> AsyncIterator[Stack]:
    """The session's servers with a sink, which runs as long as one file's tests."""
    await stack.start_service(SINK)
    yield stack
    await stack.stop(SINK.name)


@pytest.fixture(scope="module")
async def world(stack: Stack) -> AsyncIterator[World]:
    """A filled database of the read model's own; who adds to it takes it away again.

    It is one file's: tests of others stop the server that it is on.
    """
    async with made_world(stack) as made:
        yield made


@pytest.fixture(scope="module")
async def db(world: World) -> AsyncIterator[Database]:
    """That database as its reader."""
    async with Database(world.reader, name="test") as database:
        yield database


@pytest.fixture
async def told(world: World) -> AsyncIterator[Tell]:
    """Tells the sink of events and actions of lanes that are cleaned away after the test."""
    lanes: set[str] = set()

    async def say(*events: Alert | AlertAction) -> None:
        lanes.update(event.lane for event in events)
        await tell(world.owner, events)

    yield say
    for table in ("alerts", "alert_events", "alert_actions"):
        await world.owner.execute(f"DELETE FROM {table} WHERE lane = ANY($1)", list(lanes))
