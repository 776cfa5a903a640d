"""Alerts that nobody has taken, along drawn timelines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert, AlertEventType, Severity, Suppression, SuppressionKind
from schemas.alert_action import ActionKind, Actor, AlertAction, SilenceScope
from services.alert_delivery.errors import PolicyRefused
from services.alert_delivery.escalation import ENDED_KEPT, Escalations
from services.alert_delivery.escalation_policy import parse_policy
from tests.unit.alert_delivery.made import action, alert, resolved, seconds, silence

HEAD = """
[policy]
id = "e"
version = "3"
name = "Escalation"
name_zh = "升级"
owner = "Duty desk"
valid_from = 2026-01-01
"""
POLICY = parse_policy(
    f"""{HEAD}
[[escalate]]
severity = "I"
after_seconds = 60
[[escalate]]
severity = "III"
after_seconds = 600
""",
    file="e.toml",
)
ZONES = {"lot-1": "cbd"}
COVERED = Suppression(kind=SuppressionKind.INHIBITED, by="ev.site_dark/site-1", until=None)


def watching(*events: tuple[float, Alert | AlertAction]) -> Escalations:
    found = Escalations(ZONES)
    for at, event in events:
        if isinstance(event, Alert):
            found.take_alert(event, seconds(at))
        else:
            found.take_action(event, seconds(at))
    return found


def due(found: Escalations, at: float) -> list[AlertAction]:
    return list(found.due(POLICY, seconds(at)))


#   0 raised (III) ──────────────────── 600 due
def test_an_alert_that_nobody_takes_is_escalated_when_its_time_is_over() -> None:
    found = watching((0, alert()))
    assert due(found, 599) == []
    (escalation,) = due(found, 600)
    assert (escalation.kind, escalation.actor, escalation.by) == (ActionKind.ESCALATE, Actor.PLATFORM, "alert_delivery")
    assert escalation.alert is not None
    assert (escalation.alert.alert_id, escalation.alert.zone) == (alert().alert_id, "cbd")
    assert "policy e, version 3, of Duty desk" in escalation.words


def test_two_writers_or_one_that_was_started_again_say_the_same_thing() -> None:
    (one,), (other,) = due(watching((0, alert())), 600), due(watching((5, alert())), 9_000)
    assert one.action_id == other.action_id


def test_it_is_said_once() -> None:
    found = watching((0, alert()))
    (escalation,) = due(found, 600)
    found.said(escalation)
    assert due(found, 601) == []
    found.take_action(escalation, seconds(602))
    assert due(found, 10_000) == []
    assert due(watching((0, alert()), (600, escalation)), 10_000) == []


@pytest.mark.parametrize(
    "event",
    [
        action(ActionKind.ACKNOWLEDGE, alert(), seconds(5), seen=0),
        action(ActionKind.ASSIGN, alert(), seconds(5), seen=0, assignee="Li"),
        action(ActionKind.CLOSE, alert(), seconds(5), seen=0),
        resolved(),
        alert(revision=1, event=AlertEventType.RETRACTED),
        alert(revision=1, event=AlertEventType.UPDATED, suppression=COVERED),
        silence("lot-1", seconds(5), seconds(9_000)),
        silence("cbd", seconds(5), seconds(9_000), scope=SilenceScope.ZONE),
    ],
)
def test_who_was_taken_has_ended_or_is_not_to_be_heard_is_not_escalated(event: Alert | AlertAction) -> None:
    assert due(watching((0, alert()), (5, event)), 700) == []
    assert due(watching((5, event), (6, alert())), 700) == []


@pytest.mark.parametrize(
    "event",
    [
        action(ActionKind.COMMENT, alert(), seconds(5)),
        action(ActionKind.ACKNOWLEDGE, alert(), seconds(5), seen=3),
        silence("lot-1", seconds(5), seconds(500)),
        silence("lot-2", seconds(5), seconds(9_000)),
    ],
)
def test_who_was_talked_about_only_is(event: AlertAction) -> None:
    assert len(due(watching((0, alert()), (5, event)), 700)) == 1


#   0 raised III ──── 100 grows to I ─ 160 due
def test_the_time_of_a_worse_severity_counts_from_when_it_was_said() -> None:
    worse = alert(revision=1, event=AlertEventType.ESCALATED, severity=Severity.RED)
    found = watching((0, alert()), (100, worse))
    assert due(found, 159) == []
    assert len(due(found, 160)) == 1


def test_a_severity_that_the_policy_leaves_out_is_never_escalated_and_no_policy_holds_before_its_day() -> None:
    assert due(watching((0, alert(severity=Severity.BLUE))), 10**8) == []
    assert list(watching((0, alert())).due(POLICY, datetime(2025, 12, 31, tzinfo=UTC))) == []


def test_an_alert_that_was_raised_late_has_its_whole_time() -> None:
    """Nobody could take what was not said yet."""
    late = alert(raised_at=seconds(-7_200))
    assert due(watching((0, late)), 10) == []


def test_a_replay_is_nobody_s_business_and_a_drill_is() -> None:
    assert due(watching((0, alert(lane="replay:2025"))), 9_000) == []
    (escalation,) = due(watching((0, alert(lane="exercise:flood"))), 9_000)
    assert escalation.lane == "exercise:flood"


def test_what_has_ended_long_ago_is_forgotten_and_what_is_open_is_not() -> None:
    found = watching((0, alert("lot-1")), (0, alert("lot-2")), (5, resolved("lot-2")))
    found.forget(seconds(5) + ENDED_KEPT)
    assert len(found) == 2
    found.forget(seconds(6) + ENDED_KEPT)
    assert len(found) == 1
    assert len(due(found, 10**6)) == 1


#   0 raised (gone) ── acknowledged (gone) ── 100 updated ── 200 grows to I
def test_an_alert_whose_beginning_was_not_read_is_not_escalated() -> None:
    """Somebody may have taken it: what the log had of that is gone."""
    updated = alert(revision=5, event=AlertEventType.UPDATED)
    worse = alert(revision=6, event=AlertEventType.ESCALATED, severity=Severity.RED)
    assert due(watching((100, updated)), 10**6) == []
    assert due(watching((100, updated), (200, worse)), 10**6) == []
    talked_about = action(ActionKind.COMMENT, alert(), seconds(150))
    assert due(watching((90, talked_about), (100, updated), (200, worse)), 10**6) == []


def test_what_is_done_in_a_replay_is_not_followed() -> None:
    replayed = alert(lane="replay:2025")
    found = watching((0, action(ActionKind.COMMENT, replayed, seconds(1))))
    found.take_action(silence("lot-1", seconds(1), seconds(90), lane=replayed.lane), seconds(1))
    assert len(found) == 0
    assert found.silences.of(replayed.lane, "lot-1", None, seconds(2)) is None
    assert len(watching((0, action(ActionKind.COMMENT, alert(lane="exercise:flood"), seconds(1))))) == 1


def test_actions_on_an_alert_that_is_not_known_are_forgotten_by_their_age() -> None:
    found = watching((0, alert()), (5, resolved()))
    found.forget(seconds(6) + ENDED_KEPT)
    found.take_action(action(ActionKind.COMMENT, alert(), seconds(9)), seconds(9) + ENDED_KEPT)
    found.forget(seconds(9) + 2 * ENDED_KEPT)
    assert len(found) == 1
    found.forget(seconds(10) + 2 * ENDED_KEPT)
    assert len(found) == 0


def test_comments_without_end_do_not_hide_that_an_alert_was_escalated() -> None:
    found = watching((0, alert()))
    (escalation,) = due(found, 600)
    for number in range(1_001):
        found.take_action(action(ActionKind.COMMENT, alert(), seconds(number)), seconds(number))
    found.take_action(escalation, seconds(1_002))
    assert due(found, 1_003) == []


@given(st.permutations([0, 1, 2]))
def test_actions_that_come_before_their_alert_count_all_the_same(order: list[int]) -> None:
    taken = action(ActionKind.ACKNOWLEDGE, alert(), seconds(5), seen=0)
    events = [(0, alert()), (5, taken), (7, alert(revision=1, event=AlertEventType.UPDATED))]
    assert due(watching(*(events[each] for each in order)), 5_000) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("policy = ", "e.toml"),
        (HEAD, "escalate"),
        (f'{HEAD}[[escalate]]\nseverity = "V"\nafter_seconds = 5', "escalate.0.severity"),
        (f'{HEAD}[[escalate]]\nseverity = "I"\nafter_seconds = 0', "escalate.0.after_seconds"),
        (
            f'{HEAD}[[escalate]]\nseverity = "I"\nafter_seconds = 5\n[[escalate]]\nseverity = "I"\nafter_seconds = 6',
            "twice",
        ),
        (HEAD.replace('owner = "Duty desk"', "") + "escalate = []", "policy.owner"),
    ],
)
def test_a_policy_without_an_owner_or_with_a_figure_that_nobody_means_is_refused(text: str, said: str) -> None:
    with pytest.raises(PolicyRefused, match=said):
        parse_policy(text, file="e.toml")


def test_the_policy_that_is_shipped_covers_every_severity_and_has_an_owner() -> None:
    file = Path(__file__).resolve().parents[3] / "deploy" / "alerting" / "escalation.toml"
    policy = parse_policy(file.read_text(encoding="utf-8"), file=file.name)
    times = [policy.after(severity) for severity in Severity]
    assert times == sorted(times)
    assert None not in times
    assert policy.policy.owner
    assert policy.after(Severity.RED) == timedelta(minutes=5)
