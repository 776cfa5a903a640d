from __future__ import annotations

import json

import pytest

from schemas.fields import Feed
from services.district.board import Board
from services.district.figures import (
    DatabaseFigures,
    FeedFigures,
    FeedTotals,
    KafkaFigures,
    ProcessFigures,
    ProcessState,
    SinkPlace,
    Sources,
    alert_changes,
    combine,
    in_display_order,
    rates,
    status_document,
)
from services.district.lag import lag_of, partitions_of, shown, topics_of, waiting
from tests.unit.district.snapshots import AT, alert, snapshot

CLUSTER = "q1Sh-9_ISia_zwGINzRvyQ"
WATER = FeedTotals(devices=4, seen=100, stored=90, dead_lettered=7, refused_before_kafka=5, duplicates=3)


def database(**changed: object) -> DatabaseFigures:
    known: dict[str, object] = {
        "feeds": {Feed.WATER: WATER},
        "dead_letters": {"invalid": 7},
        "open_alerts": (),
        "open_alerts_by_lane": {},
        "places": {
            CLUSTER: {("readings.water", 0): SinkPlace(60), ("readings.water", 1): SinkPlace(40)},
            "a cluster of the past": {("readings.water", 0): SinkPlace(10**9)},
        },
    }
    return DatabaseFigures(**(known | changed))  # type: ignore[arg-type]


def kafka(end: dict[tuple[str, int], int]) -> KafkaFigures:
    return KafkaFigures(cluster_id=CLUSTER, end_offsets=end, lag={"sink": 3, "processor.water": 1})


def test_received_is_what_was_handled_refused_before_kafka_or_waits_in_kafka() -> None:
    end = {("readings.water", 0): 62, ("readings.water", 1): 41, ("readings.ev", 0): 9}
    found = combine(Sources(database=database(), kafka=kafka(end)), at=AT, seconds=0)
    assert found.feeds[Feed.WATER] == FeedFigures(
        devices=4, received=100 + 5 + 3, stored=90, dead_lettered=7, duplicates=3
    )


def test_a_feed_that_the_database_has_not_seen_yet_waits_in_kafka() -> None:
    found = combine(Sources(database=database(), kafka=kafka({("readings.ev", 0): 9})), at=AT, seconds=0)
    assert found.feeds[Feed.EV] == FeedFigures(devices=0, received=9, stored=0, dead_lettered=0, duplicates=0)


def test_an_end_offset_read_before_the_sink_went_on_does_not_count_negative() -> None:
    found = combine(Sources(database=database(), kafka=kafka({("readings.water", 0): 50})), at=AT, seconds=0)
    assert found.feeds[Feed.WATER].received == 105


@pytest.mark.parametrize(
    ("idle_seconds", "waiting", "readings"),
    [(0.3, 1, 0), (0.3, 9, 8), (59.5, 60, 0), (59.5, 160, 100)],
)
def test_ticks_that_wait_in_kafka_are_no_readings(idle_seconds: float, waiting: int, readings: int) -> None:
    at = ("readings.water", 0)
    places = {CLUSTER: {at: SinkPlace(100, ticks=80, idle_seconds=idle_seconds)}}
    found = combine(Sources(database=database(places=places), kafka=kafka({at: 100 + waiting})), at=AT, seconds=0)
    assert found.feeds[Feed.WATER].received == 105 + readings


def test_readings_of_other_lanes_count_and_their_idle_topic_hides_none_as_ticks() -> None:
    live, aside = ("readings.water", 0), ("readings.water.lanes", 2)
    places = {CLUSTER: {live: SinkPlace(100), aside: SinkPlace(50, ticks=20, idle_seconds=3_600)}}
    found = combine(Sources(database=database(places=places), kafka=kafka({live: 101, aside: 80})), at=AT, seconds=0)
    assert found.feeds[Feed.WATER].received == 105 + 1 + 30


def test_without_kafka_what_was_received_cannot_be_said() -> None:
    found = combine(Sources(database=database()), at=AT, seconds=0)
    assert found.feeds[Feed.WATER] == FeedFigures(devices=4, received=None, stored=90, dead_lettered=7, duplicates=3)
    assert found.lag == {"sink": None, "processor.water": None}


def test_without_the_database_only_kafka_knows_something() -> None:
    found = combine(Sources(kafka=kafka({})), at=AT, seconds=0)
    assert found.feeds[Feed.WATER] == FeedFigures()
    assert found.open_alerts is None
    assert found.dead_letters is None
    assert found.lag == {"sink": 3, "processor.water": 1}


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ([100, 180], 40.0),
        ([100, 100], 0.0),
        ([100, 120, 180], 20.0),
        ([100], None),
        ([], None),
        ([100, None], None),
        # A server was away: what is known before and after it counts.
        ([None, 100, None, 180], 20.0),
        ([None, 180], None),
        # Ticks that were still counted as waiting, or data that were deleted: never a negative rate.
        ([100, 98], 0.0),
    ],
)
def test_a_rate_is_said_only_where_both_ends_are_known(received: list[int | None], expected: float | None) -> None:
    snapshots = [snapshot(seconds=2.0 * n, received=each) for n, each in enumerate(received)]
    assert rates(snapshots) == dict.fromkeys(Feed, expected)


def test_the_status_document_has_exactly_the_promised_shape() -> None:
    document = json.loads(json.dumps(status_document(snapshot(alerts=(alert(1, lane="replay:a"),)))))
    assert list(document) == ["servers", "services", "feeds", "lag", "open_alerts"]
    assert document["servers"] == {"mosquitto": "running", "kafka": "running", "postgres": "running"}
    assert set(document["feeds"]) == {"ev", "water", "parking", "emergency", "tax"}
    assert document["feeds"]["tax"] == {"devices": 60, "received": 1_000, "stored": 985, "dead_lettered": 10}
    assert document["lag"] == {"sink": 12, "processor.water": 0}
    (open_alert,) = document["open_alerts"]
    assert open_alert["lane"] == "replay:a"
    assert open_alert["started_at"] == "2026-11-24T01:30:15Z"
    assert (open_alert["observed_value"], open_alert["threshold_comparator"]) == (4.0, "<=")
    assert open_alert["source_where"] == "page 31"
    assert open_alert["text_zh"]


def test_what_cannot_be_known_is_null() -> None:
    document = status_document(combine(Sources(), at=AT, seconds=0))
    assert document["feeds"]["ev"] == {"devices": None, "received": None, "stored": None, "dead_lettered": None}
    assert document["lag"] == {"sink": None, "processor.water": None}
    assert document["open_alerts"] is None


def test_real_life_comes_first_then_the_worst_then_the_newest() -> None:
    mild, worst_old, worst_new = alert(1, severity="IV"), alert(9, severity="I"), alert(2, severity="I")
    replayed = alert(0, severity="I", lane="replay:a")
    assert in_display_order([replayed, mild, worst_old, worst_new]) == (worst_new, worst_old, mild, replayed)


def test_alerts_that_open_and_close_are_told_for_real_life_only() -> None:
    before = snapshot(alerts=(alert(1), alert(2), alert(3, lane="replay:a")))
    after = snapshot(alerts=(alert(2), alert(4), alert(5, lane="replay:a")))
    changes = alert_changes(before, after)
    assert (changes.opened, changes.closed) == ((alert(4),), (alert(1),))


def test_nothing_is_told_of_alerts_while_the_database_is_away() -> None:
    changes = alert_changes(snapshot(alerts=(alert(1),)), snapshot(alerts=None))
    assert (changes.opened, changes.closed) == ((), ())


def test_a_group_that_has_not_begun_is_behind_by_all_that_is_kept() -> None:
    first, end = {("readings.water", 0): 10}, {("readings.water", 0): 25, ("readings.water", 1): 5}
    assert lag_of("processor.water", {}, first, end) == 15 + 5
    assert lag_of("processor.water", {("readings.water", 0): 24, ("readings.water", 1): 5}, first, end) == 1
    # Its place was deleted by retention: it goes on at the oldest record.
    assert lag_of("processor.water", {("readings.water", 0): 3, ("readings.water", 1): 5}, first, end) == 15


def test_a_subscriber_is_behind_by_what_it_is_not_through_with() -> None:
    end = {("alerts", 0): 50, ("alert-actions", 0): 4}
    assert waiting({}, end) is None
    assert waiting({("alerts", 0): (40, "done=2-5 tried=0:3")}, end) == 7
    assert waiting({("alerts", 0): (50, ""), ("alert-actions", 0): (1, "")}, end) == 3


def test_lag_for_people_has_one_figure_for_all_subscribers() -> None:
    lag = {"sink": 1, "delivery-a": 2, "processor.ev.lanes": 4, "delivery-b": 5}
    assert shown(lag) == {"sink": 1, "processor.lanes": 4, "subscribers": 7}
    assert shown(lag | {"delivery-c": None})["subscribers"] is None


def test_only_groups_of_the_platform_have_topics() -> None:
    assert topics_of("processor.ev") == ("readings.ev",)
    assert topics_of("processor.ev.lanes") == ("readings.ev.lanes",)
    assert topics_of("processor.ev.else") == ()
    assert {"readings.tax", "readings.tax.lanes"} <= set(topics_of("sink"))
    assert "dead-letters" in topics_of("sink")
    assert topics_of("processor.nonsense") == ()
    assert topics_of("somebody-else") == ()
    assert len(partitions_of(["readings.tax"])) == 3


def test_the_board_takes_rates_over_its_window_and_tells_what_is_new() -> None:
    board = Board()
    assert board.rates() == dict.fromkeys(Feed)
    for second in range(0, 40, 2):
        board.take(snapshot(seconds=second, received=1_000 if second < 20 else 1_000 + 10 * (second - 20)))
    assert board.rates()[Feed.EV] == pytest.approx(10.0)

    degraded = {"ingest_bridge": ProcessFigures(ProcessState.DEGRADED, trouble="Kafka does not answer")}
    lines = board.take(snapshot(seconds=40, services=degraded, alerts=(alert(1),)))
    assert [line.partition(" ")[2] for line in lines] == [
        "alert opened: III 东湖湖心 East Lake, 4 class, limit ≤ 3 class (plan jianghan-14fyp, page 31)",
        "ingest_bridge: Kafka does not answer",
    ]
    assert board.take(snapshot(seconds=42, services=degraded, alerts=(alert(1),))) == []
