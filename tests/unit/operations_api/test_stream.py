"""The map's stream: whoever comes back misses nothing or is told, whoever is slow is let go and delays nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from schemas.api_key import Role
from services.alert_life.renderings.sse import Frame, Reader
from services.operations_api.access import Principal
from services.operations_api.errors import TooMany
from services.operations_api.models.streaming import StreamHealth, StreamReset
from services.operations_api.stream import KEPT_MOST, QUEUE_MOST, Hub

VIEWER = Principal("viewer", "Viewer", Role.VIEWER)


def now() -> datetime:
    return datetime(2026, 7, 1, tzinfo=UTC)


def hub_of(boot: str = "b0", *, most: int = 3) -> tuple[Hub, set[str]]:
    allowed = {"viewer"}
    health = StreamHealth(at=now(), parts=(), assets_known_at=None)
    return Hub(boot, most=most, now=now, health=lambda: health, counts=lambda asker: asker.id in allowed), allowed


def say(hub: Hub, number: int, lane: str | None = "live") -> None:
    hub.publish("alert", StreamReset(reason=str(number)), lane)


async def frames(flow: AsyncIterator[bytes], wanted: int, reader: Reader | None = None) -> list[Frame]:
    """So many events of a stream, its health left out."""
    reader, found = reader or Reader(), []
    while len(found) < wanted:
        found += [frame for frame in reader.feed(await anext(flow)) if frame.event != "health"]
    return found


async def begun(flow: AsyncIterator[bytes]) -> list[Frame]:
    """What a stream says first."""
    return Reader().feed(await anext(flow))


async def end(flow: AsyncIterator[bytes]) -> None:
    await flow.aclose()  # type: ignore[attr-defined]


async def test_health_comes_first_and_then_what_changes() -> None:
    hub, _ = hub_of()
    flow = hub.listen(VIEWER, "live", None)
    assert [frame.event for frame in await begun(flow)] == ["health"]
    say(hub, 1)
    assert [(frame.event, frame.id) for frame in await frames(flow, 1)] == [("alert", "b0-1")]
    await end(flow)
    assert not hub.is_heard


async def test_fifty_drops_lose_nothing_and_repeat_nothing() -> None:
    hub, _ = hub_of()
    said, heard, last = 0, [], None
    for drop in range(50):
        flow = hub.listen(VIEWER, "live", last)
        reader = Reader()
        if last is None:
            reader.feed(await anext(flow))
        for _ in range(drop % 4):
            said += 1
            say(hub, said)
            say(hub, -said, "exercise:other")
        missing = said - len(heard)
        found = await frames(flow, missing, reader) if missing else []
        heard += [frame.data for frame in found]
        last = found[-1].id if found else last or "b0-0"
        await end(flow)
        said += 1
        say(hub, said)  # while nobody listens
    flow = hub.listen(VIEWER, "live", last)
    heard += [frame.data for frame in await frames(flow, said - len(heard))]
    await end(flow)
    assert heard == [StreamReset(reason=str(number)).model_dump_json() for number in range(1, said + 1)]


@pytest.mark.parametrize("last", ["b1-0", "b0-7", "nonsense", "b0-", "b0--1", "-", "b0-x"])
async def test_an_id_that_means_nothing_here_is_answered_with_a_reset(last: str) -> None:
    hub, _ = hub_of()
    say(hub, 1)
    flow = hub.listen(VIEWER, "live", last)
    assert [frame.event for frame in await begun(flow)] == ["health", "reset"]
    await end(flow)


async def test_what_is_no_longer_kept_is_answered_with_a_reset() -> None:
    hub, _ = hub_of()
    for number in range(KEPT_MOST + 1):
        say(hub, number)
    for last, event in (("b0-0", "reset"), ("b0-1", "alert")):
        flow = hub.listen(VIEWER, "live", last)
        assert (await begun(flow))[1].event == event
        await end(flow)


async def test_a_slow_listener_is_told_to_begin_anew_and_the_other_hears_all() -> None:
    hub, _ = hub_of()
    slow, quick = hub.listen(VIEWER, "live", None), hub.listen(VIEWER, "live", None)
    await begun(slow)
    await begun(quick)
    heard = []
    for number in range(QUEUE_MOST + 1):
        say(hub, number)
        heard += await frames(quick, 1)
    assert len(heard) == QUEUE_MOST + 1
    found = [frame async for part in slow for frame in Reader().feed(part)]
    assert found[-1].event == "reset"
    await end(quick)


async def test_whoever_loses_the_right_hears_no_more() -> None:
    hub, allowed = hub_of()
    flow = hub.listen(VIEWER, "live", None)
    await begun(flow)
    allowed.clear()
    say(hub, 1)
    heard = [part async for part in flow]
    assert len(heard) <= 1
    assert not hub.is_heard


async def test_there_are_no_more_listeners_than_there_may_be() -> None:
    hub, _ = hub_of(most=1)
    flow = hub.listen(VIEWER, "live", None)
    await begun(flow)
    with pytest.raises(TooMany):
        hub.listen(VIEWER, "live", None)
    await end(flow)


async def test_a_service_that_stops_lets_all_go() -> None:
    hub, _ = hub_of()
    flow = hub.listen(VIEWER, "live", None)
    await begun(flow)
    hub.close()
    async with asyncio.timeout(5):
        assert [part async for part in flow] == []
    with pytest.raises(TooMany):
        hub.listen(VIEWER, "live", None)


async def test_ids_rise_by_one() -> None:
    hub, _ = hub_of()
    flow = hub.listen(VIEWER, "live", None)
    await begun(flow)
    for number in range(20):
        say(hub, number, None)
    numbers = [int((frame.id or "").rpartition("-")[2]) for frame in await frames(flow, 20)]
    assert all(after == before + 1 for before, after in pairwise(numbers))
    await end(flow)
