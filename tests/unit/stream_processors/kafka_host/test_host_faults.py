"""What goes wrong around a host: it ends with its reason, or goes on and says what was lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.loss_acceptance import ACCEPT_KEY, encode_acceptance
from services.stream_processors.errors import OutputRefusedError, StandstillError
from services.stream_processors.kafka_host.host import Pace
from services.stream_processors.kafka_host.losses import LOSS_KEY
from services.stream_processors.kafka_host.polling import Polled
from services.stream_processors.kafka_host.standstill import Patience
from tests.unit.stream_processors.kafka_host.district import PARTITIONS, QUICK, WAIT_SECONDS, District, RunningHost

ALL = list(range(PARTITIONS))
HASTY = Pace(
    store_seconds=0.2,
    gather_seconds=0.0,
    patience=Patience(
        timedelta(seconds=0.05), timedelta(seconds=0.3), timedelta(seconds=1.5), timedelta(seconds=WAIT_SECONDS)
    ),
)


async def error_of(running: RunningHost) -> BaseException | None:
    await asyncio.wait([running.running], timeout=WAIT_SECONDS)
    return running.running.exception()


async def take(district: District, running: RunningHost, partitions: list[int], upto: int) -> None:
    await asyncio.sleep(0)
    await running.consumer.give(partitions)
    await district.until(
        lambda: (
            running.running.done()
            or (len(running.offsets()) == len(partitions) and min(running.offsets().values()) >= upto)
        )
    )


async def test_a_batch_from_before_the_last_seek_is_dropped_however_often_it_comes() -> None:
    district = District(200)
    async with district.host() as one:
        await take(district, one, [0], 200)
        await one.rebalance([0])
        await district.until(lambda: 0 in one.offsets())
        district.add(0, 300)
        stale = Polled(0, {district.log.places[0]: district.log.records[0][-100:]})
        await one.host.poller.inbox.put(stale)
        await one.host.poller.inbox.put(stale)
        await district.until(lambda: one.offsets().get(0, 0) >= 500)
        await one.stop()
    assert [place for place in district.unjudged() if place[0] == 0] == []


async def test_partitions_may_go_while_the_work_is_slow() -> None:
    district = District(1_000)

    class Slow:
        """Judging takes longer than the group has patience for."""

        def __getattr__(self, name: str) -> Any:
            return getattr(district.producer, name)

        async def send_batch(self, *args: Any, **options: Any) -> Any:
            await asyncio.sleep(0.3)
            return await district.producer.send_batch(*args, **options)

    async with district.host(producer=Slow()) as one:
        await asyncio.sleep(0)
        await one.consumer.give(ALL)
        for part in (ALL[:3], ALL[3:], ALL):
            await asyncio.sleep(0.1)
            await one.rebalance(part)
        await district.until(
            lambda: one.running.done() or (len(one.offsets()) == PARTITIONS and min(one.offsets().values()) >= 1_000)
        )
        await one.stop()
    assert district.unjudged() == []


async def test_a_host_whose_output_is_refused_ends_with_that_reason_and_its_successor_says_it() -> None:
    district = District(200)

    class Full:
        """Kafka refuses the outputs."""

        def __getattr__(self, name: str) -> Any:
            return getattr(district.producer, name)

        async def send_batch(self, *_: Any, **__: Any) -> Any:
            raise OutputRefusedError("no room")

    async with district.host(producer=Full()) as one:
        await asyncio.sleep(0)
        await one.consumer.give(ALL)
        assert isinstance(await error_of(one), OutputRefusedError)
    async with district.host() as two:
        await take(district, two, ALL, 200)
        await two.stop()
        assert district.said() == district.said_by_a_plain_loop(two.offsets())


async def test_a_consumer_that_lost_its_fetcher_ends_the_host() -> None:
    district = District(100)
    async with district.host(HASTY) as one:
        await take(district, one, ALL, 100)
        one.consumer.fetcher._fetch_task.cancel()
        await district.until(lambda: "standstill.parking" in one.trouble() or one.running.done())
        error = await error_of(one)
    assert isinstance(error, StandstillError)
    assert "readings.parking" in str(error)


async def test_a_host_that_another_has_fenced_takes_over_again_when_the_group_still_means_it() -> None:
    district = District(100)
    async with district.host() as one:
        await take(district, one, [0], 100)
        intruder = await district.state.writer(0)
        await district.until(lambda: 0 not in one.offsets())
        await district.until(lambda: 0 in one.offsets())
        district.add(0, 100)
        await district.until(lambda: one.offsets()[0] >= 200)
        await intruder.close()
        await one.stop()
    assert [place for place in district.unjudged() if place[0] == 0] == []


async def test_readings_that_retention_took_are_named_until_the_operator_accepts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.stream_processors.kafka_host.loss_watch._LOOK_SECONDS", 0.05)
    district = District(300)
    async with district.host() as one:
        await take(district, one, [0], 300)
        await one.stop()
        stored = one.offsets()[0]
    district.add(0, 600)
    district.log.truncate(0, stored + 200)
    async with district.host() as two:
        await take(district, two, [0], stored + 300)
        assert f"offsets {stored} to" in two.trouble()["loss.parking.0"]
        assert "district state accept-loss parking" in two.trouble()["loss.parking.0"]
        await district.until(lambda: LOSS_KEY in district.state.records[0])
        await two.stop()
    async with district.host() as three:
        await take(district, three, [0], stored + 300)
        assert "loss.parking.0" in three.trouble()  # another process says it as well
        district.state.records[0][ACCEPT_KEY] = encode_acceptance(datetime.now(UTC))
        await district.until(lambda: "loss.parking.0" not in three.trouble())
        await district.until(lambda: not {LOSS_KEY, ACCEPT_KEY} & set(district.state.records[0]))


async def test_an_unreadable_state_is_judged_again_while_the_log_is_whole() -> None:
    district = District(300)
    district.state.records[0] = {b"0": b"from the future"}
    async with district.host() as one:
        await take(district, one, [0], 300)
        assert district.unjudged() == [place for place in district.unjudged() if place[0] != 0]


async def test_an_unreadable_state_without_its_log_stands_still_until_the_operator_gives_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.stream_processors.kafka_host.takeover._LOOK_AGAIN_SECONDS", 0.05)
    district = District(300)
    for lost in (0, 2, 3):
        district.state.records[lost] = {b"%d" % lost: b"from the future", b'["live","z0","old"]': b"?"}
        district.log.truncate(lost, 100)
    async with district.host(HASTY) as one:
        await asyncio.sleep(0)
        await one.consumer.give([0, 1, 2, 3])
        await district.until(lambda: one.offsets().get(1, 0) >= 300 and one.health.is_ready)
        said = one.trouble()["state_lost.parking.0"]
        assert "begins at offset 100" in said
        assert "`district state accept-loss parking`" in said
        watched = 3 * HASTY.patience.all_at_most.total_seconds() / 2
        await asyncio.sleep(watched)
        assert set(one.offsets()) == {1}, "nothing was given up without the operator's word"
        assert district.state.reads <= 2 + watched / 0.05, "one look for all of them"
        for lost in (0, 2, 3):
            district.state.records[lost][ACCEPT_KEY] = encode_acceptance(datetime.now(UTC))
        await district.until(lambda: len(one.offsets()) == 4 and min(one.offsets().values()) >= 300)
        status, report = one.health.report()
        assert status == 200
        assert "offsets 0 to" in str(report["remarks"])
        await one.stop()
    assert not {ACCEPT_KEY, b'["live","z0","old"]'} & set(district.state.records[0])


async def test_a_lost_state_is_no_longer_this_process_s_trouble_when_the_group_takes_the_partition_away() -> None:
    district = District(300)
    district.state.records[0] = {b"0": b"from the future"}
    district.log.truncate(0, 100)
    async with district.host() as one:
        await asyncio.sleep(0)
        await one.consumer.give([0, 1])
        await district.until(lambda: "state_lost.parking.0" in one.trouble())
        await one.rebalance([1])
        await district.until(lambda: one.offsets().get(1, 0) >= 300)
        assert one.trouble() == {}


async def test_a_lost_state_does_not_hide_that_everything_else_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.stream_processors.kafka_host.takeover._LOOK_AGAIN_SECONDS", 0.05)
    district = District(300)
    district.state.records[0] = {b"0": b"from the future"}
    district.log.truncate(0, 100)
    async with district.host(HASTY) as one:
        await asyncio.sleep(0)
        await one.consumer.give([0, 1])
        await district.until(lambda: one.offsets().get(1, 0) >= 300)
        one.consumer.fetcher._fetch_task.cancel()
        district.add(1, 100)
        error = await asyncio.wait_for(error_of(one), 5)
    assert isinstance(error, StandstillError)
    assert "nothing has been judged" in str(error)


async def test_an_old_acceptance_gives_up_nothing() -> None:
    district = District(300)
    district.state.records[0] = {
        b"0": b"from the future",
        ACCEPT_KEY: encode_acceptance(datetime.now(UTC) - timedelta(days=300)),
    }
    district.log.truncate(0, 100)
    async with district.host(QUICK) as one:
        await asyncio.sleep(0)
        await one.consumer.give([0])
        await district.until(lambda: "state_lost.parking.0" in one.trouble())
        assert one.offsets() == {}
