"""A topic that is deleted and made again under its judges: nothing of the new log is passed over, and no state is lost.

former log   0 ........ 300            judged, proof at 299
new log      0 .............. 450      the same offsets, other records
                        ^ where reading would go on: 0 to 299 would never be judged
"""

from __future__ import annotations

import pytest

from schemas.alert import Alert
from schemas.topics import ALERTS
from services.runtime.log_look import Trail
from services.stream_processors.kafka_host.log_trail import encode_trail, trail_in
from services.stream_processors.kafka_host.losses import LOG_KEY, LOSS_KEY
from tests.unit.stream_processors.kafka_host.district import District, RunningHost
from tests.unit.stream_processors.kafka_host.test_host_faults import take

READINGS = 300
LONGER, SHORTER = 450, 120
_LOOK = "services.stream_processors.kafka_host.log_watch.LOOK_SECONDS"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_LOOK, 0.05)


def unjudged(district: District) -> list[int]:
    return [offset for partition, offset in district.unjudged() if partition == 0]


def proof(district: District) -> bytes | None:
    return district.state.records.get(0, {}).get(LOG_KEY)


async def judge_all(district: District, *, ends: int = READINGS) -> None:
    """One process judges the former log, proves it, and stops."""
    async with district.host() as one:
        await take(district, one, [0], ends)
        await district.until(lambda: one.host.holdings.get(0) is not None and _proved(one, district))
        await one.stop()
    assert proof(district) is not None


def _proved(running: RunningHost, district: District) -> bool:
    holding = running.host.holdings.get(0)
    return holding is not None and holding.trail.proof is not None and holding.trail.end == district.log.end(0)


@pytest.mark.parametrize("readings", [LONGER, READINGS, SHORTER, 0], ids=["longer", "as long", "shorter", "empty"])
async def test_a_log_that_was_made_anew_while_nobody_judged_is_judged_from_its_beginning(readings: int) -> None:
    district = District(READINGS)
    await judge_all(district)
    lots = {key for key in district.state.records[0] if key.endswith(b'"head"]')}
    district.make_anew(0, readings)
    async with district.host() as two:
        await take(district, two, [0], readings)
        assert "made anew" in two.trouble()["log.parking"]
        await two.stop()
    assert unjudged(district) == []
    assert lots
    assert lots <= set(district.state.records[0]), "what was known of lots and alerts is known"


async def test_a_log_that_is_still_the_same_is_gone_on_with() -> None:
    district = District(READINGS)
    await judge_all(district)
    judged = set(district.judge.judged)
    district.add(0, 100)
    async with district.host() as two:
        await take(district, two, [0], district.log.end(0))
        assert "log.parking" not in two.trouble()
        await two.stop()
    assert unjudged(district) == []
    assert len(district.judge.judged - judged) <= 100


@pytest.mark.parametrize("readings", [LONGER, SHORTER], ids=["longer", "shorter"])
async def test_a_log_that_is_made_anew_while_it_is_judged_is_judged_from_its_beginning(readings: int) -> None:
    district = District(READINGS)
    async with district.host() as one:
        await take(district, one, [0], READINGS)
        await district.until(lambda: _proved(one, district))
        district.make_anew(0, readings)
        await district.until(lambda: one.running.done() or (not unjudged(district) and "log.parking" in one.trouble()))
        assert "made anew" in one.trouble()["log.parking"]
        await one.stop()
    assert unjudged(district) == []


async def test_what_was_read_of_another_log_before_that_was_seen_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that reads on in the new log, and stores that, ends before it looks."""
    district = District(READINGS)
    await judge_all(district)
    monkeypatch.setattr(_LOOK, 1e6)
    async with district.host() as two:
        await take(district, two, [0], READINGS)
        before = proof(district)
        district.make_anew(0, LONGER)
        await district.until(lambda: two.offsets()[0] >= LONGER)
        assert unjudged(district)[:READINGS] == list(range(READINGS))
        await two.stop()
    assert proof(district) == before, "the state of the new log has the former one's proof"
    async with district.host() as three:
        await take(district, three, [0], LONGER)
        await three.stop()
    assert unjudged(district) == []


async def test_what_a_former_log_had_left_is_named_until_the_operator_accepts_it() -> None:
    district = District(READINGS)
    await judge_all(district)
    state = district.state.records[0]
    known, judged = trail_in(state), district.log.end(0)
    state[LOG_KEY] = encode_trail(Trail(known.proof, judged + 50)) or b""
    district.make_anew(0, LONGER)
    async with district.host() as two:
        await take(district, two, [0], LONGER)
        assert f"offsets {judged} to {judged + 49} were never judged" in two.trouble()["loss.parking.0"]
        await two.stop()
    assert unjudged(district) == []
    assert LOSS_KEY in state


async def test_a_log_whose_mark_was_removed_by_its_age_is_gone_on_with() -> None:
    district = District(READINGS)
    await judge_all(district)
    district.add(0, 200)
    district.log.truncate(0, READINGS + 100)
    async with district.host() as two:
        await take(district, two, [0], district.log.end(0))
        assert "log.parking" not in two.trouble()
        assert f"to {READINGS + 99} were never judged" in two.trouble()["loss.parking.0"]
        await two.stop()


async def test_a_log_that_has_lost_its_end_is_judged_again_and_says_nothing_new() -> None:
    """The devices send again what the log has lost; all the rest comes twice, and is known."""
    district = District(1_200)
    await judge_all(district, ends=1_202)  # a tick behind them tells of lots that have fallen silent
    said = district.said()[ALERTS]
    assert said
    district.log.lose_end(0, 1_000)
    district.add(0, 200)
    async with district.host() as two:
        await take(district, two, [0], 1_202)
        assert "lost its end" in two.trouble()["log.parking"]
        await two.stop()
    assert unjudged(district) == []
    assert district.letters == []
    raised = set(map(_alert_id, said))
    assert set(map(_alert_id, district.said()[ALERTS])) == raised


def _alert_id(raw: bytes) -> str:
    return Alert.model_validate_json(raw).alert_id
