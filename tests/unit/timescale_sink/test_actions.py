"""What becomes of actions, batch by batch from stored rows, is what the fold of the whole log says."""

from __future__ import annotations

import random
from typing import Any

import pytest

from schemas.alert import AlertEventType
from schemas.alert_action import ActionKind, AlertAction
from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from schemas.topics import DELIVERIES
from services.alert_life.life import COMMENTS_KEPT, EXCLUSIVE_KEPT, Fate
from services.timescale_sink.actions import Counts, Identity, Stored, decode_actions, judge
from services.timescale_sink.deliveries import decode_deliveries
from services.timescale_sink.queries import SQL
from tests.action_histories import Record, action, folded, history, records, silence
from tests.integration.alert_histories import NOW, alert

LAKE = alert("lake-1", "a", 0, AlertEventType.RAISED, began=0)
OTHER = alert("lake-1", "b", 0, AlertEventType.RAISED, began=1)
FATE_AT, PARTITION_AT, OFFSET_AT = 21, 22, 23


def _is_receipt(row: Any) -> bool:
    return bool(row[1] == "receive" and row[3] == "consumer")


def _is_comment(row: Any) -> bool:
    return bool(row[1] == "comment" or (row[1] == "receive" and row[3] != "consumer"))


class Tables:
    """What the sink keeps of one batch after another."""

    def __init__(self) -> None:
        self.rows: dict[Identity, Any] = {}

    def take(self, told: list[Record]) -> dict[Identity, Any]:
        done, _ = decode_actions(told)
        stored = {key: Stored(Fate(row[FATE_AT]), row[PARTITION_AT], row[OFFSET_AT]) for key, row in self.rows.items()}
        counting = [row for row in self.rows.values() if row[FATE_AT] == Fate.COUNTS]
        counts = {
            alert_id: Counts(
                len([row for row in counting if row[8] == alert_id and row[16] is not None]),
                len([row for row in counting if row[8] == alert_id and _is_comment(row)]),
                frozenset(row[4] for row in counting if row[8] == alert_id and _is_receipt(row)),
            )
            for alert_id in {row[8] for row in counting}
        }
        rows = judge(done, stored, counts)
        self.rows |= rows
        return rows


@pytest.mark.parametrize("seed", range(200))
def test_in_batches_of_any_size_each_action_meets_the_fate_that_the_whole_log_gives_it(seed: int) -> None:
    chance = random.Random(seed)
    histories = [history(one, chance) for one in (LAKE, OTHER)]
    told: list[AlertAction] = []
    left = [list(each) for each in histories]
    while any(left):
        told.append(chance.choice([each for each in left if each]).pop(0))
    tables, log = Tables(), records(told)
    while log:
        taken, log = log[: (size := chance.randint(1, 5))], log[size:]
        tables.take(taken)
    expected = {
        (one.alert_id, key): fate
        for one, each in zip((LAKE, OTHER), histories, strict=True)
        for key, (fate, _) in folded(each)[1].items()
    }
    assert {key: row[FATE_AT] for key, row in tables.rows.items()} == expected


def test_the_log_once_more_changes_nothing() -> None:
    told = [action(LAKE, n, ActionKind.ACKNOWLEDGE, seen) for n, seen in enumerate((0, 0, 1))]
    tables = Tables()
    tables.take(records(told))
    before = dict(tables.rows)
    assert tables.take(records(told)) == {}
    assert tables.rows == before


def test_an_id_that_was_overtaken_and_comes_again_with_open_eyes_is_stored_as_it_counts() -> None:
    first, late = action(LAKE, 0, ActionKind.ACKNOWLEDGE, 0), action(LAKE, 1, ActionKind.ASSIGN, 0)
    tables = Tables()
    tables.take(records([first, late, late.model_copy(update={"seen": 1})]))
    row = tables.rows[LAKE.alert_id, late.action_id]
    assert (row[16], row[FATE_AT], row[OFFSET_AT]) == (1, Fate.COUNTS, 2)


def test_what_was_overtaken_stays_so_when_the_log_is_read_again() -> None:
    """It claimed to have seen one; by now there is one."""
    told = [action(LAKE, 0, ActionKind.CLOSE, 1), action(LAKE, 1, ActionKind.ACKNOWLEDGE, 0)]
    tables = Tables()
    tables.take(records(told))
    assert tables.take(records(told)) == {}
    assert [row[FATE_AT] for row in tables.rows.values()] == [Fate.OVERTAKEN, Fate.COUNTS]
    again = Record(told[0].model_dump_json().encode(), 2)  # whoever was told tries once more
    assert [row[FATE_AT] for row in tables.take([again]).values()] == [Fate.COUNTS]


def test_comments_beyond_what_anyone_reads_are_kept_and_do_not_count_and_hold_back_nothing_else() -> None:
    kinds = (ActionKind.ESCALATE, ActionKind.RECEIVE)
    told = [action(LAKE, n, ActionKind.COMMENT) for n in range(COMMENTS_KEPT + 2)]
    told += [action(LAKE, 9_999, ActionKind.CLOSE, 0), *(action(LAKE, 10_000, kind) for kind in kinds)]
    told[-1] = told[-1].model_copy(update={"action_id": told[0].action_id[::-1]})
    rows = Tables().take(records(told))
    fates = [row[FATE_AT] for row in rows.values()]
    assert fates == [Fate.COUNTS] * COMMENTS_KEPT + [Fate.TOO_MANY] * 2 + [Fate.COUNTS] * 3
    assert fates == [fate for fate, _ in folded(told)[1].values()]


def test_exclusive_actions_beyond_what_anyone_reads_are_kept_and_do_not_count() -> None:
    told = [action(LAKE, n, ActionKind.ASSIGN, min(n, EXCLUSIVE_KEPT)) for n in range(EXCLUSIVE_KEPT + 2)]
    tables, log = Tables(), records(told)
    for part in (log[:400], log[400:-1], log[-1:]):
        tables.take(part)
    fates = [row[FATE_AT] for row in tables.rows.values()]
    assert fates == [Fate.COUNTS] * EXCLUSIVE_KEPT + [Fate.TOO_MANY] * 2
    assert fates == [fate for fate, _ in folded(told)[1].values()]


def test_of_a_consumer_s_receipts_the_first_counts_and_the_others_are_kept() -> None:
    told = [action(LAKE, n, ActionKind.RECEIVE) for n in (0, 1, 3, 6)]  # by consumers 0, 1, 0, 0
    tables = Tables()
    for one in records(told):
        tables.take([one])
    fates = {key: row[FATE_AT] for (_, key), row in tables.rows.items()}
    assert list(fates.values()) == [Fate.COUNTS, Fate.COUNTS, Fate.REPEATED, Fate.REPEATED]
    assert fates == {key: fate for key, (fate, _) in folded(told)[1].items()}


def test_one_id_on_two_alerts_and_a_silence_is_three_actions_as_in_the_fold() -> None:
    mine = action(LAKE, 0, ActionKind.COMMENT)
    theirs = action(OTHER, 0, ActionKind.ACKNOWLEDGE, 0).model_copy(update={"action_id": mine.action_id})
    closed = action(OTHER, 1, ActionKind.CLOSE, 1)
    quiet = silence("lake-1", 0, LAKE).model_copy(update={"action_id": mine.action_id})
    told = records([mine, theirs, quiet, closed, mine, theirs, quiet])
    whole, single = Tables(), Tables()
    whole.take(told)
    for each in told:
        single.take([each])
    assert single.rows == whole.rows
    alerts = (LAKE.alert_id, OTHER.alert_id, None, OTHER.alert_id)
    assert [(row[8], row[FATE_AT]) for row in whole.rows.values()] == [(about, Fate.COUNTS) for about in alerts]
    assert folded([theirs, closed])[0].seen == 2


def test_a_silence_is_stored_once_and_is_about_no_alert() -> None:
    one = silence("lake-1", 0, LAKE)
    rows = Tables().take(records([one, one]))
    assert [(row[7], row[8:16], row[FATE_AT], row[OFFSET_AT]) for row in rows.values()] == [
        ("lake-1", (None,) * 8, Fate.COUNTS, 0)
    ]


def test_what_is_no_action_and_no_attempt_is_refused_with_its_reason() -> None:
    sound = records([action(LAKE, 0, ActionKind.COMMENT)])
    found, bad = decode_actions([*sound, Record(b"{}", 1), Record(None, 2)])
    assert (len(found), [refusal.record.offset for refusal in bad]) == (1, [1, 2])
    assert "action_id" in bad[0].why
    _, bad = decode_deliveries([Record(b"junk", 5)])
    assert [refusal.record.offset for refusal in bad] == [5]


def test_an_attempt_s_row_is_in_the_order_of_its_statement() -> None:
    attempt = DeliveryAttempt(
        event_id=LAKE.event_id, alert_id=LAKE.alert_id, event="raised", feed=LAKE.feed, asset="lake-1", lane="live",
        subscriber="brain", attempt=1, outcome=DeliveryOutcome.FAILED, http_status=503, at=NOW, seconds=0.5,
        waited_seconds=1.5, partition=2, offset=77, topic="alerts",
    )  # fmt: skip
    ((row, record),), _ = decode_deliveries([Record(attempt.model_dump_json().encode(), 9, 1, DELIVERIES)])
    columns = SQL["deliveries"].split("(", 1)[1].split(")", 1)[0].replace("\n", " ").replace(" ", "").split(",")
    named = dict(zip(columns, row, strict=True))
    renamed = {"partition": "event_partition", "offset": "event_offset", "topic": "event_topic"}
    for name in DeliveryAttempt.model_fields:
        assert named[renamed.get(name, name)] == getattr(attempt, name), name
    assert (named["kafka_partition"], named["kafka_offset"]) == (1, 9)
    assert record.offset == 9
