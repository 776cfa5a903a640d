"""What is passed on to a subscriber, and why the rest is not."""

from __future__ import annotations

import pytest

from schemas.alert import Alert, AlertEventType, Suppression, SuppressionKind
from schemas.alert_action import ActionKind, AlertAction
from schemas.fields import Feed
from schemas.subscription import Filter
from services.alert_delivery.passing import Passing, passing
from tests.unit.alert_delivery.made import action, alert, resolved, seconds, silence

ALL = Filter()
COVERED = Suppression(kind=SuppressionKind.MAINTENANCE, by="works", until=None)


@pytest.mark.parametrize(
    ("event", "wanted", "expected"),
    [
        (alert(), ALL, Passing.SEND),
        (alert(lane="exercise:flood"), ALL, Passing.SEND),
        (alert(lane="exercise:flood"), Filter(exercises=False), Passing.NOT_WANTED),
        (alert(lane="replay:2025"), ALL, Passing.LANE),
        (alert(lane="whatif:rain"), ALL, Passing.LANE),
        (alert(suppression=COVERED), ALL, Passing.SUPPRESSED),
        (alert(), Filter(feeds=(Feed.WATER,)), Passing.NOT_WANTED),
        (alert(), Filter(zones=("cbd",)), Passing.SEND),
        (alert(), Filter(zones=("finance",)), Passing.NOT_WANTED),
        (action(ActionKind.ACKNOWLEDGE, alert(), seconds(5), seen=0), Filter(events=("acknowledged",)), Passing.SEND),
        (alert(), Filter(events=("acknowledged",)), Passing.NOT_WANTED),
    ],
)
def test_lane_suppression_and_filter_decide(event: Alert | AlertAction, wanted: Filter, expected: Passing) -> None:
    assert passing(event, wanted, "cbd", None) is expected


#   0 s            10 s                     60 s
#   raised ······· silenced ··············· until
SILENCE = silence("lot-1", seconds(10), seconds(60))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (alert(raised_at=seconds(20)), Passing.SILENCED),
        (resolved(raised_at=seconds(20)), Passing.SILENCED),
        (alert(revision=1, event=AlertEventType.UPDATED, raised_at=seconds(0)), Passing.SILENCED),
        (resolved(raised_at=seconds(0)), Passing.SEND),
        (action(ActionKind.COMMENT, alert(raised_at=seconds(20)), seconds(30)), Passing.SILENCED),
        (action(ActionKind.CLOSE, alert(raised_at=seconds(0)), seconds(30), seen=0), Passing.SEND),
        (SILENCE, Passing.SEND),
    ],
)
def test_what_ends_an_alert_that_was_heard_before_the_silence_is_heard(
    event: Alert | AlertAction, expected: Passing
) -> None:
    assert passing(event, ALL, "cbd", SILENCE) is expected


def test_what_is_not_wanted_is_not_withheld_either() -> None:
    assert passing(alert(raised_at=seconds(20)), Filter(feeds=(Feed.TAX,)), None, SILENCE) is Passing.NOT_WANTED
