"""The board says the same whether it was begun from the log or from the database, and however often records come."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert, AlertEventType
from schemas.alert_action import ActionKind, AlertAction
from services.alert_life.life import NOTHING_KNOWN, Fate, Life, Standing, with_action, with_event
from services.operations_api.board import KEPT_AFTER_END, Board
from tests.api_samples import action, alert, at, resolved, silence

NOW = at(100)


def folded(records: list[Alert | AlertAction], *, begun: int = 0, complete: bool = True) -> Board:
    """A board of the records from a place on; their offsets are their numbers."""
    board = Board(complete=complete)
    for offset, record in enumerate(records[begun:], begun):
        if isinstance(record, Alert):
            board.take_event(record, NOW)
        else:
            board.take_action(record, NOW, (0, offset))
    return board


def life_of(board: Board, of: Alert) -> Life:
    found = board.life(of.alert_id)
    assert found is not None
    return found


def test_a_record_that_comes_again_changes_nothing() -> None:
    board = Board()
    first = alert()
    acknowledge = action(ActionKind.ACKNOWLEDGE, first, "a", seen=0)
    assert board.take_event(first, NOW) is not None
    assert board.take_event(first, NOW) is None
    assert board.take_action(acknowledge, NOW) is not None
    assert board.take_action(acknowledge, NOW) is None
    assert board.fate(acknowledge.action_id) is Fate.COUNTS
    assert life_of(board, first).standing is Standing.ACKNOWLEDGED


def test_of_two_who_saw_the_same_the_second_is_overtaken_and_changes_nothing() -> None:
    board, first = Board(), alert()
    board.take_event(first, NOW)
    board.take_action(action(ActionKind.ACKNOWLEDGE, first, "a", seen=0), NOW)
    second = action(ActionKind.CLOSE, first, "b", seen=0, by="li")
    assert board.take_action(second, NOW) is None
    assert board.fate(second.action_id) is Fate.OVERTAKEN
    assert board.alert_of_action(second.action_id) == first.alert_id


def test_an_action_may_come_before_its_alert() -> None:
    first = alert()
    for complete in (True, False):
        board = folded([action(ActionKind.ACKNOWLEDGE, first, "a", seen=0), first], complete=complete)
        assert life_of(board, first).standing is Standing.ACKNOWLEDGED, complete


#   log       raised  ack(0)  comment  assign(1)  resolved  amended  close(2)
#   database  ───────────────────────┤ stored up to here
#   board                     folds from here ├──────────────────────────▶
def test_begun_anywhere_between_database_and_log_it_ends_with_the_same_life() -> None:
    first = alert()
    records: list[Alert | AlertAction] = [
        first,
        action(ActionKind.ACKNOWLEDGE, first, "a", seen=0),
        action(ActionKind.COMMENT, first, "b"),
        action(ActionKind.ASSIGN, first, "c", seen=1),
        resolved(0, 1),
        alert(0, 2, event=AlertEventType.AMENDED),
        action(ActionKind.CLOSE, first, "d", seen=2),
    ]
    wanted = life_of(folded(records), first)
    for stored in range(1, len(records) + 1):
        for begun in range(stored + 1):
            board = folded(records, begun=begun, complete=False)
            in_database = folded(records[:stored])
            story = life_of(in_database, first)
            assert story.alert is not None
            board.adopt(story.alert, story.actions, {0: stored}, NOW)
            assert life_of(board, first) == wanted, (stored, begun)
            assert not board.strange


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 30))
def test_adopted_lives_are_those_of_the_whole_log(seed: int, one: int, other: int) -> None:
    chance, first = random.Random(seed), alert()
    records: list[Alert | AlertAction] = [first]
    for number in range(30):
        if chance.random() < 0.3:
            records.append(alert(0, number + 1))
        else:
            kind = chance.choice([ActionKind.ACKNOWLEDGE, ActionKind.ASSIGN, ActionKind.COMMENT, ActionKind.RECEIVE])
            exclusive = kind in (ActionKind.ACKNOWLEDGE, ActionKind.ASSIGN)
            seen = chance.randrange(4) if exclusive else None
            records.append(action(kind, first, str(chance.randrange(20)), seen=seen, by=f"by-{chance.randrange(3)}"))
    begun, stored = sorted((one, other))
    in_database = folded(records[: stored + 1])
    board = folded(records, begun=begun, complete=begun == 0)
    story = life_of(in_database, first)
    assert story.alert is not None
    board.adopt(story.alert, story.actions, {0: stored + 1}, NOW)
    assert life_of(board, first) == life_of(folded(records), first)


def test_an_alert_whose_beginning_is_unknown_is_strange_until_it_is_adopted() -> None:
    board = Board(complete=False)
    board.take_event(alert(0, 3), NOW)
    assert board.strange == {alert().alert_id}
    board.take_action(action(ActionKind.ASSIGN, alert(), "a", seen=1), NOW)
    life, _ = with_action(with_event(NOTHING_KNOWN, alert(0, 2)), action(ActionKind.ACKNOWLEDGE, alert(), "b", seen=0))
    assert life.alert is not None
    adopted = board.adopt(life.alert, life.actions, {}, NOW)
    assert (adopted.seen, adopted.assignee, adopted.alert and adopted.alert.revision) == (2, "Li", 3)


def test_lives_that_are_long_over_are_forgotten_and_those_that_last_are_not() -> None:
    board = Board()
    for record in (alert(0), alert(1), resolved(1)):
        board.take_event(record, NOW)
    assert board.forget_old(NOW + KEPT_AFTER_END) == 0
    assert board.forget_old(NOW + KEPT_AFTER_END + timedelta(seconds=1)) == 1
    assert board.life(alert(0).alert_id) is not None
    assert board.life(alert(1).alert_id) is None
    assert not board.complete


def test_a_later_alert_of_the_same_rule_and_asset_stands_in_front_while_it_lasts() -> None:
    board = Board()
    early, late = alert(1, asset="lot"), alert(2, asset="lot")
    board.take_event(early, NOW)
    change = board.take_event(late, NOW)
    assert change is not None
    assert change.alert_ids == (late.alert_id, early.alert_id)
    assert board.superseded_by(life_of(board, early)) == late.alert_id
    assert board.superseded_by(life_of(board, late)) is None
    board.take_event(resolved(2, 1, asset="lot"), NOW)
    assert board.superseded_by(life_of(board, early)) is None


@pytest.mark.parametrize("complete", [True, False])
def test_a_silence_is_followed_once(complete: bool) -> None:
    board = Board(complete=complete)
    quiet = silence("lot-0", "s", at(200))
    assert board.take_action(quiet, NOW) is not None
    assert board.take_action(quiet, NOW) is None
    assert board.silences.of("live", "lot-0", None, NOW) == quiet


def test_alerts_about_the_platform_are_counted_while_they_last() -> None:
    board = Board()
    board.take_event(alert(0, rule="platform.log_gap"), NOW)
    board.take_event(alert(1), NOW)
    assert board.platform_alerts() == 1
