"""Load outside `live` opens its lane, drives the clock of every feed and closes the lane at the end."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import pytest

from schemas.clock import Tick
from schemas.fields import Feed
from schemas.mqtt import ClockTopic, DeviceTopic, parse_topic
from services.ingest_bridge.wire import Frames
from simulators.endpoint import Endpoint
from simulators.gateway import GatewayCounts
from simulators.load import generator
from simulators.load.generator import LoadPlan, LoadRun


class FakeGateway:
    """A broker that acknowledges at once; keeps what it was given."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.counts = GatewayCounts()
        self.in_flight, self.room = 0, 1_000
        self.sent: list[tuple[str, bytes]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def wait_connected(self) -> None:
        pass

    async def wait_room(self, _packets: int) -> None:
        pass

    async def drain(self) -> None:
        pass

    def publish(self, head: bytes, body: bytes) -> int:
        ((topic, _, _, payload),) = Frames().feed(head + b"\x00\x07" + body)[0]
        self.sent.append((topic.decode(), payload))
        return len(self.sent)

    def flush(self) -> None:
        pass

    def raise_failure(self) -> None:
        pass


def load(lane: str, monkeypatch: pytest.MonkeyPatch, *, seconds: float = 0.1) -> LoadRun:
    monkeypatch.setattr(generator, "Gateway", FakeGateway)
    monkeypatch.setattr(generator, "CLOCK_SECONDS", 0.01)
    plan = LoadPlan(
        rate=200,
        seconds=seconds,
        devices=4,
        batch=1,
        feeds=(Feed.EV, Feed.TAX),
        lane=lane,
        boot_id="load-x",
        receipts=False,
        troubled=False,
        connections=1,
        window=1_000,
        drain_seconds=5,
    )
    return LoadRun(plan, Endpoint("127.0.0.1", 1))


async def sent_by(lane: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    run = load(lane, monkeypatch)
    await asyncio.wait_for(run.run(), 30)
    (gateway,) = run._gateways
    assert isinstance(gateway, FakeGateway)
    return gateway.sent


async def test_the_lane_is_open_before_the_first_reading_and_closed_behind_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = await sent_by("exercise:load", monkeypatch)
    for feed in (Feed.EV, Feed.TAX):
        mine = [(parse_topic(topic), payload) for topic, payload in sent if f"/{feed}/" in topic]
        ticks = [Tick.model_validate_json(payload) for topic, payload in mine if isinstance(topic, ClockTopic)]
        assert [isinstance(topic, DeviceTopic) for topic, _ in (mine[0], mine[-1])] == [False, False]
        assert [tick.closes for tick in ticks] == [False] * (len(ticks) - 1) + [True]
        assert {(tick.lane, tick.spare) for tick in ticks} == {("exercise:load", 0)}
        assert [tick.at for tick in ticks] == sorted(tick.at for tick in ticks)


async def test_the_clock_of_live_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = await sent_by("live", monkeypatch)
    assert sent
    assert all(isinstance(parse_topic(topic), DeviceTopic) for topic, _ in sent)


async def test_a_load_that_is_stopped_reports_what_it_sent_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    run = load("exercise:load", monkeypatch, seconds=3_600)
    running = asyncio.create_task(run.run())
    for _ in range(1_000):
        if sum(key["next_seq"] for key in run.numbered()) >= 8:
            break
        await asyncio.sleep(0.01)
    run.stop()
    report = await asyncio.wait_for(running, 30)
    (gateway,) = run._gateways
    assert isinstance(gateway, FakeGateway)
    readings = [topic for topic, _ in gateway.sent if isinstance(parse_topic(topic), DeviceTopic)]
    assert report["unfinished"] == 0
    assert report["sent"] == report["messages"] == len(readings) == sum(key["next_seq"] for key in report["keys"])
    assert report["keys"] == run.numbered()
    assert report["sent"] < 200 * 3_600
