"""Where drivers are sent: the nearest lots with room, never more than their room, and not all to the same one."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.indicator import IndicatorStatus
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.parking.guidance import LotNow, Offer, Spreading, distribute
from services.stream_processors.parking.walking import WalkingDistances
from tests.unit.stream_processors.parking.parking_zone import (
    LOTS,
    NOON,
    every,
    jianghan,
    policy,
    reading,
    rules,
    said,
)

SPREADING = Spreading(walk_max_metres=1_000, spread_metres=400, share_max=0.5)
MINUTE = timedelta(minutes=1)


class Along:
    """Lots along one street."""

    def __init__(self, positions: dict[str, int]) -> None:
        self.positions = positions

    def nearest(self, here: str) -> tuple[tuple[int, str], ...]:
        others = [(abs(at - self.positions[here]), lot) for lot, at in self.positions.items() if lot != here]
        return tuple(sorted(others))

    def neighbours(self, here: str) -> frozenset[str]:
        return frozenset(lot for _, lot in self.nearest(here))


def offers(lots: list[LotNow], positions: dict[str, int], spreading: Spreading = SPREADING) -> list[tuple[str, int]]:
    return [(one.to, one.drivers) for one in distribute(lots, Along(positions), spreading)]


def test_the_nearest_two_share_the_drivers_though_the_nearest_could_take_all() -> None:
    lots = [LotNow("a", drivers=10), LotNow("b", room=500), LotNow("c", room=500), LotNow("d", room=500)]
    assert offers(lots, {"a": 0, "b": 100, "c": 300, "d": 900}) == [("b", 5), ("c", 5)]


def test_a_lot_that_fills_with_promises_gives_way_before_it_is_full() -> None:
    lots = [LotNow("a", drivers=20), LotNow("b", room=10), LotNow("c", room=100)]
    shared = dict(offers(lots, {"a": 0, "b": 100, "c": 300}, SPREADING._replace(share_max=1.0)))
    # b counts as 40 m farther with each promise, c as 4 m: from the sixth driver on c is as good
    assert shared == {"b": 7, "c": 13}


def test_drivers_who_are_under_way_already_count() -> None:
    lots = [LotNow("a", drivers=4), LotNow("b", room=10, promised=9), LotNow("c", room=10, promised=10)]
    assert offers(lots, {"a": 0, "b": 100, "c": 50}) == [("b", 1)]


def test_beyond_the_walking_limit_nobody_is_sent_exactly_at_it_somebody_is() -> None:
    lots = [LotNow("a", drivers=1), LotNow("b", room=10)]
    assert offers(lots, {"a": 0, "b": 1_000}) == [("b", 1)]
    assert offers(lots, {"a": 0, "b": 1_001}) == []


def test_the_only_lot_with_room_takes_all_it_can() -> None:
    lots = [LotNow("a", drivers=10), LotNow("b", room=7)]
    assert offers(lots, {"a": 0, "b": 10}) == [("b", 7)]


def test_two_full_lots_take_turns_at_the_same_room() -> None:
    lots = [LotNow("a", drivers=4), LotNow("b", drivers=4), LotNow("c", room=4)]
    found = distribute(lots, Along({"a": 0, "b": 20, "c": 10}), SPREADING)
    assert found == [Offer("a", "c", 2, 0.5, 10), Offer("b", "c", 2, 0.5, 10)]


def test_without_positions_room_alone_decides() -> None:
    lots = [LotNow("a", drivers=4), LotNow("b", room=10), LotNow("c", room=100)]
    found = distribute(lots, WalkingDistances({}, 1.0), SPREADING)
    assert [(one.to, one.drivers, one.metres) for one in found] == [("b", 2, None), ("c", 2, None)]


lots_now = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 12), st.integers(0, 5), st.integers(-1_200, 1_200), st.booleans()),
    min_size=2,
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(lots_now)
def test_no_lot_is_promised_more_than_its_room_and_no_full_one_anything(
    drawn: list[tuple[int, int, int, int, bool]],
) -> None:
    lots, positions = [], {}
    for number, (room, drivers, promised, east, is_full) in enumerate(drawn):
        name = f"lot{number}"
        positions[name] = east
        lots.append(LotNow(name, drivers=drivers) if is_full else LotNow(name, room=room, promised=promised))
    found = distribute(lots, Along(positions), SPREADING)
    known = {one.lot: one for one in lots}
    to: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    for offer in found:
        to[offer.to] += offer.drivers
        sent[offer.origin] += offer.drivers
        assert offer.drivers > 0
        assert offer.metres is not None
        assert offer.metres <= SPREADING.walk_max_metres
        assert offer.share == round(offer.drivers / known[offer.origin].drivers, 4)
    assert all(to[name] + known[name].promised <= known[name].room for name in to)
    assert all(sent[name] <= known[name].drivers for name in sent)
    # nobody is left over while a lot within reach has room
    for one in lots:
        left = one.drivers - sent[one.lot]
        reach = [n for n in lots if n.room and abs(positions[n.lot] - positions[one.lot]) <= SPREADING.walk_max_metres]
        assert not left or all(to[n.lot] + n.promised >= n.room for n in reach)
    assert found == distribute(reversed(lots), Along(positions), SPREADING)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 900), st.integers(0, 900))
def test_of_two_lots_with_equal_room_the_nearer_gets_at_least_as_many(
    drivers: int, room: int, near: int, farther: int
) -> None:
    positions = {"a": 0, "b": min(near, farther), "c": -max(near, farther)}
    shared = dict(offers([LotNow("a", drivers=drivers), LotNow("b", room=room), LotNow("c", room=room)], positions))
    assert shared.get("b", 0) >= shared.get("c", 0)
    assert drivers == 1 or room == 1 or len(shared) == 2 or sum(shared.values()) < drivers


def test_walking_distance_is_the_straight_line_times_the_detour() -> None:
    distances = WalkingDistances(LOTS, 1.3)
    assert distances.between("a", "b") == distances.between("b", "a") == 130
    assert distances.between("a", "nowhere") is None
    assert distances.nearest("a") == ((130, "b"), (390, "c"), (6_501, "d"))
    assert WalkingDistances(LOTS, 1.0).between("a", "c") == 300


def test_lots_of_different_zones_are_not_neighbours() -> None:
    lots = jianghan()
    distances = WalkingDistances(lots, 1.3)
    assert distances.between("lot-cbd-01", "lot-finance-01") is None
    assert len(distances.nearest("lot-cbd-01")) == 9


# The figure ----------------------------------------------------------------------------------------------------------


def guidance(readings: list[object], minute: int = 3, **changes: object) -> dict[str, Figure]:
    """The guidance said at 12:03 and valid for a minute, by full lot."""
    found = said(readings, until=NOON + timedelta(minutes=minute, seconds=1), by=rules(policy(**changes), None))  # type: ignore[arg-type]
    at_us = max((one.period_start_us for one in found.figures.values() if one.id == "parking.guidance"), default=0)
    return {
        one.subject: one
        for one in found.figures.values()
        if one.id == "parking.guidance" and one.period_start_us == at_us
    }


def test_guidance_names_lots_shares_metres_and_free_spaces() -> None:
    full = every(1, [0, 0, 0])
    others = [*every(1, [60, 60, 60], device="b"), *every(1, [80, 80, 80], device="c")]
    (one,) = guidance([*full, *others]).values()
    assert (one.subject, one.subject_name, one.value, one.status) == ("a", "车场a", 2.0, IndicatorStatus.CANNOT_SAY)
    assert one.period_end_us - one.period_start_us == 60_000_000
    assert (one.n, one.completeness) == (3, 0.75)  # nothing was heard of d
    assert one.details == {
        "drivers": 6,
        "not_placed": 0,
        "distance": "straight line x 1.3 (unverified)",
        "offers": [
            {"lot": "b", "name": "车场b", "share": 0.5, "drivers": 3, "metres": 130, "free": 60},
            {"lot": "c", "name": "车场c", "share": 0.5, "drivers": 3, "metres": 390, "free": 80},
        ],
    }
    assert one.status_reason == "send 50% to 车场b (130 m on foot), 50% to 车场c (390 m on foot); shown, not judged"


@pytest.mark.parametrize(
    "unfit",
    [
        every(1, [-4, -4, -4], device="b"),
        every(1, [140, 140, 140], device="b"),
        every(1, [0, 0, 0], device="b"),
        every(1, [30], device="b", start=NOON - timedelta(minutes=18)),
        every(1, [50, 50, 50], device="b", total=50, out=50),
    ],
    ids=["negative", "above", "full", "not heard of for 21 minutes", "out of service"],
)
def test_nobody_is_sent_to_a_lot_that_is_full_silent_or_not_to_be_trusted(unfit: list[object]) -> None:
    given_lots = [*every(1, [0, 0, 0]), *every(1, [80, 80, 80], device="c")]
    found = guidance([*given_lots, *unfit])
    assert [[offer["lot"] for offer in one.details["offers"]] for one in found.values()] in ([["c"]], [["c"], ["c"]])
    assert found["a"].details["offers"][0]["metres"] == 390


def test_a_lot_whose_count_has_just_lasted_long_enough_is_still_offered() -> None:
    old = reading(NOON - timedelta(minutes=17), 30, device="b")
    found = guidance([*every(1, [0, 0, 0]), old])
    assert [offer["lot"] for offer in found["a"].details["offers"]] == ["b"]


def test_without_room_within_reach_the_guidance_says_so() -> None:
    found = guidance([*every(1, [0, 0, 0]), *every(1, [90, 90, 90], device="d")])  # 6.5 km on foot
    assert (found["a"].value, found["a"].details["not_placed"]) == (0.0, 6)
    assert found["a"].status_reason == "no lot of the zone within 1000 m on foot is known to have room"


def test_lots_without_a_position_are_named_without_a_distance() -> None:
    lots = [*every(1, [0, 0, 0], device="x"), *every(1, [60, 60, 60], device="y")]
    (one,) = guidance(lots).values()
    assert one.details["distance"] == "not known: a lot without a position"
    assert one.details["offers"][0]["metres"] is None
    assert one.status_reason == "send 100% to y (distance not known); shown, not judged"


def test_drivers_sent_from_a_lot_that_is_no_longer_full_keep_their_spaces_until_they_must_have_arrived() -> None:
    # a is full at first and sends three of six drivers to b, where four spaces may be promised; then c is full.
    b = every(1, [6] * 12, device="b")
    first = every(1, [0, 0, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50], total=100)
    c = every(1, [20, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], device="c")
    lots = [*b, *first, *c]
    early, late = guidance(lots, minute=4)["c"], guidance(lots, minute=12)["c"]
    promised_to_b = [offer["drivers"] for offer in early.details["offers"] if offer["lot"] == "b"]
    assert promised_to_b == [1]
    assert [offer["drivers"] for offer in late.details["offers"] if offer["lot"] == "b"] == [3]


def test_a_lot_that_has_room_again_gets_no_guidance_any_more() -> None:
    lots = [*every(1, [0, 0, 1]), *every(1, [60, 60, 60], device="b")]
    recorder = said(lots, until=NOON + timedelta(minutes=9))
    starts = [one.period_start_us for one in recorder.figures.values() if one.id == "parking.guidance"]
    assert len(starts) == 1  # at 12:01, when the second reading had come: at 12:02 there was a free space
