"""Whoever reads alerts and actions, however the two topics interleave, ends with the same life."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, SilenceScope, action_id_of
from schemas.fields import LIVE, Feed
from schemas.subscription import Filter
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.alert_life.filters import wants
from services.alert_life.life import (
    COMMENTS_KEPT,
    EXCLUSIVE_KEPT,
    NOTHING_KNOWN,
    Fate,
    Life,
    Standing,
    with_action,
    with_event,
)
from services.alert_life.silences import IDS_KEPT, Silences

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
ID = alert_id("parking.full", "lot-1", LIVE, "1")
SOURCE = ThresholdSource(kind=SourceKind.POLICY, id="parking", version="1", where="owner", valid_from=START.date())


def minutes(number: float) -> datetime:
    return START + timedelta(minutes=number)


def alert(
    revision: int = 0,
    event: AlertEventType = AlertEventType.RAISED,
    *,
    severity: Severity = Severity.YELLOW,
    ended_at: datetime | None = None,
    lane: str = LIVE,
) -> Alert:
    return Alert(
        alert_id=ID,
        revision=revision,
        event=event,
        rule="parking.full",
        feed=Feed.PARKING,
        lane=lane,
        asset="lot-1",
        place="Lot 1",
        severity=severity,
        started_at=START,
        raised_at=START,
        ended_at=ended_at,
        observed_value=1.0,
        observed_unit="1",
        threshold=Threshold(id="parking.full", value=1.0, unit="1", comparator=Comparator.LT, source=SOURCE),
        evidence=None,
        text=AlertText(zh="满", en="full"),
    )


def action(kind: ActionKind, number: int, *, seen: int | None = None, by: str = "wang", **more: object) -> AlertAction:
    fields: dict[str, object] = {
        "action_id": action_id_of(kind, str(number)),
        "kind": kind,
        "at": minutes(number),
        "actor": Actor.PERSON,
        "by": by,
        "lane": LIVE,
        "asset": "lot-1",
        "alert": AlertSummary.of(alert(), zone="zone-1"),
        "seen": seen,
        "assignee": "Li" if kind is ActionKind.ASSIGN else None,
        "words": "because" if kind in (ActionKind.CLOSE, ActionKind.COMMENT) else "",
    }
    return AlertAction.model_validate(fields | more)


def silence(number: int, scope: SilenceScope, place: str, until: datetime) -> AlertAction:
    more = {"alert": None, "scope": scope, "asset": place, "until": until, "words": "works"}
    return action(ActionKind.SILENCE, number, **more)


def lived(*steps: Alert | AlertAction) -> tuple[Life, list[Fate]]:
    life, fates = NOTHING_KNOWN, []
    for step in steps:
        if isinstance(step, Alert):
            life = with_event(life, step)
        else:
            life, fate = with_action(life, step)
            fates.append(fate)
    return life, fates


def test_of_two_who_act_at_once_the_first_in_the_log_counts_and_the_other_is_told() -> None:
    life, fates = lived(
        alert(),
        action(ActionKind.ACKNOWLEDGE, 1, seen=0, by="wang"),
        action(ActionKind.ACKNOWLEDGE, 2, seen=0, by="li"),
        action(ActionKind.ASSIGN, 3, seen=1, by="li"),
    )
    assert fates == [Fate.COUNTS, Fate.OVERTAKEN, Fate.COUNTS]
    assert life.acknowledged is not None
    assert (life.acknowledged.by, life.assignee, life.seen) == ("wang", "Li", 2)
    assert life.time_to_acknowledge == timedelta(minutes=1)


def test_the_same_action_again_counts_once() -> None:
    one = action(ActionKind.COMMENT, 1)
    life, fates = lived(one, one)
    assert fates == [Fate.COUNTS, Fate.REPEATED]
    assert life.actions == (one,)


def test_comments_without_end_hold_back_neither_an_escalation_nor_a_receipt() -> None:
    escalation = action(ActionKind.ESCALATE, 5, actor=Actor.PLATFORM, by="alert_delivery")
    receipt = action(ActionKind.RECEIVE, 6, actor=Actor.CONSUMER, by="brain")
    comments = [action(ActionKind.COMMENT, number) for number in range(COMMENTS_KEPT + 1)]
    life, fates = lived(alert(), *comments, escalation, receipt)
    assert fates[-3:] == [Fate.TOO_MANY, Fate.COUNTS, Fate.COUNTS]
    assert (life.escalated is not None, set(life.received), life.comments) == (True, {"brain"}, COMMENTS_KEPT)


def test_exclusive_actions_without_end_do_not_count_without_end() -> None:
    told = [action(ActionKind.ACKNOWLEDGE, number, seen=number) for number in range(EXCLUSIVE_KEPT)]
    more = [action(ActionKind.CLOSE, number, seen=EXCLUSIVE_KEPT) for number in range(2)]
    life, fates = lived(alert(), *told, *more, action(ActionKind.CLOSE, 9, seen=3))
    assert fates[-4:] == [Fate.COUNTS, Fate.TOO_MANY, Fate.TOO_MANY, Fate.OVERTAKEN]
    assert life.seen == len(life.actions) == len(life.action_ids) == EXCLUSIVE_KEPT
    assert life.closed is None


def test_who_drops_the_actions_reckons_the_same() -> None:
    whole, bare = NOTHING_KNOWN, NOTHING_KNOWN
    for number in range(COMMENTS_KEPT + 3):
        one = action(ActionKind.COMMENT, number)
        (whole, fate), (bare, other) = with_action(whole, one), with_action(bare, one)
        assert fate is other
        bare = replace(bare, actions=())
    assert bare.comments == whole.comments == len(whole.actions)


def test_of_each_consumer_s_receipts_the_first_counts() -> None:
    by = ("brain", "desk", "brain")
    receipts = [action(ActionKind.RECEIVE, n, actor=Actor.CONSUMER, by=each) for n, each in enumerate(by)]
    life, fates = lived(*receipts)
    assert fates == [Fate.COUNTS, Fate.COUNTS, Fate.REPEATED]
    assert life.received == {"brain": minutes(0), "desk": minutes(1)}
    assert len(life.actions) == 2


def test_a_receipt_by_who_is_no_consumer_is_one_more_comment() -> None:
    life, fates = lived(*(action(ActionKind.RECEIVE, number) for number in range(COMMENTS_KEPT + 1)))
    assert (fates[0], fates[-1], life.received) == (Fate.COUNTS, Fate.TOO_MANY, {})


def test_what_was_closed_is_open_again_when_it_grows_worse() -> None:
    closed, _ = lived(alert(), action(ActionKind.CLOSE, 1, seen=0))
    assert closed.standing is Standing.CLOSED
    assert with_event(closed, alert(1, AlertEventType.UPDATED)).standing is Standing.CLOSED
    worse = with_event(closed, alert(1, AlertEventType.ESCALATED, severity=Severity.RED))
    assert worse.standing is Standing.OPEN


def test_an_end_is_an_end_whoever_has_it() -> None:
    ended = alert(1, AlertEventType.RESOLVED, ended_at=minutes(30))
    life, _ = lived(alert(), action(ActionKind.ACKNOWLEDGE, 1, seen=0), ended, alert())
    assert life.standing is Standing.RESOLVED
    assert life.time_to_resolve == timedelta(minutes=30)
    retracted = with_event(life, alert(2, AlertEventType.RETRACTED, ended_at=minutes(30)))
    assert retracted.standing is Standing.RETRACTED
    assert retracted.time_to_resolve is None


STEPS = (
    alert(),
    alert(1, AlertEventType.ESCALATED, severity=Severity.RED),
    alert(2, AlertEventType.RESOLVED, ended_at=minutes(90)),
    action(ActionKind.ACKNOWLEDGE, 1, seen=0),
    action(ActionKind.CLOSE, 2, seen=0),
    action(ActionKind.ASSIGN, 3, seen=1),
    action(ActionKind.COMMENT, 4),
    action(ActionKind.RECEIVE, 5, actor=Actor.CONSUMER, by="brain"),
    action(ActionKind.ESCALATE, 6, actor=Actor.PLATFORM, by="alert_delivery"),
)


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(range(len(STEPS))), max_size=6))
def test_however_the_topics_interleave_and_repeat_the_life_is_the_same(dice: random.Random, again: list[int]) -> None:
    plain, _ = lived(*STEPS)
    alerts = [step for step in STEPS if isinstance(step, Alert)]
    actions = [step for step in STEPS if isinstance(step, AlertAction)]
    mixed: list[Alert | AlertAction] = []
    while alerts or actions:
        mixed.append((alerts if alerts and (not actions or dice.random() < 0.5) else actions).pop(0))
    for number in again:  # what has been produced again stands behind its first time
        step = STEPS[number]
        mixed.insert(dice.randint(mixed.index(step) + 1, len(mixed)), step)
    assert lived(*mixed)[0] == plain


def test_a_silence_covers_its_asset_or_zone_until_its_time_or_its_end() -> None:
    silences = Silences()
    silences.take(silence(0, SilenceScope.ASSET, "lot-1", minutes(60)))
    silences.take(silence(1, SilenceScope.ZONE, "zone-2", minutes(30)))
    assert silences.of(LIVE, "lot-1", "zone-1", minutes(59)) is not None
    assert silences.of(LIVE, "lot-1", "zone-1", minutes(60)) is None
    assert silences.of(LIVE, "lot-9", "zone-2", minutes(2)) is not None
    assert silences.of("exercise:x", "lot-1", "zone-2", minutes(2)) is None
    assert [one.asset for one in silences.open(minutes(2))] == ["zone-2", "lot-1"]
    end = {"alert": None, "scope": SilenceScope.ASSET, "asset": "lot-1"}
    silences.take(action(ActionKind.UNSILENCE, 5, **end))
    assert silences.of(LIVE, "lot-1", "zone-1", minutes(10)) is None


def unsilence(number: int, place: str) -> AlertAction:
    return action(ActionKind.UNSILENCE, number, alert=None, scope=SilenceScope.ASSET, asset=place)


def test_a_silence_that_comes_again_after_its_end_does_not_silence_again_and_an_end_does_not_end_another() -> None:
    first, end, other = (
        silence(0, SilenceScope.ASSET, "lot-1", minutes(60)),
        unsilence(1, "lot-1"),
        silence(2, SilenceScope.ASSET, "lot-1", minutes(90)),
    )
    silences = Silences()
    assert [silences.take(each) for each in (first, end, first)] == [Fate.COUNTS, Fate.COUNTS, Fate.REPEATED]
    assert silences.of(LIVE, "lot-1", None, minutes(2)) is None
    assert [silences.take(each) for each in (other, end, first)] == [Fate.COUNTS, Fate.REPEATED, Fate.REPEATED]
    assert silences.of(LIVE, "lot-1", None, minutes(70)) == other


def test_not_every_silence_that_ever_was_is_remembered() -> None:
    silences = Silences()
    ends = [unsilence(number, "lot-1") for number in range(IDS_KEPT + 1)]
    for each in ends:
        silences.take(each)
    assert (silences.take(ends[1]), silences.take(ends[0])) == (Fate.REPEATED, Fate.COUNTS)


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        (Filter(), True),
        (Filter(feeds=(Feed.WATER,)), False),
        (Filter(severities=(Severity.RED, Severity.YELLOW)), True),
        (Filter(zones=("zone-1",)), True),
        (Filter(zones=("zone-2",)), False),
        (Filter(rules=("parking.*",)), True),
        (Filter(rules=("parking.ful",)), False),
        (Filter(events=("acknowledged",)), False),
    ],
)
def test_a_filter_lets_pass_what_it_names(wanted: Filter, passes: bool) -> None:
    assert wants(wanted, alert(), "zone-1") is passes


def test_a_receipt_is_sent_to_whoever_asks_for_it_by_name_and_to_nobody_else() -> None:
    receipt = action(ActionKind.RECEIVE, 0, actor=Actor.CONSUMER, by="brain")
    assert not wants(Filter(), receipt, None)
    assert not wants(Filter(rules=("parking.*",)), receipt, None)
    assert wants(Filter(events=("raised", "received")), receipt, None)
    assert wants(Filter(), action(ActionKind.ACKNOWLEDGE, 0, seen=0, actor=Actor.CONSUMER, by="brain"), None)


def test_exercises_and_silences_pass_or_not_as_asked() -> None:
    assert not wants(Filter(exercises=False), alert(lane="exercise:flood"), None)
    quiet = silence(0, SilenceScope.ZONE, "zone-1", minutes(9))
    assert wants(Filter(zones=("zone-1",)), quiet, "zone-1")
    assert not wants(Filter(feeds=(Feed.WATER,)), quiet, "zone-1")


@pytest.mark.parametrize(
    "more",
    [
        {"kind": ActionKind.ACKNOWLEDGE},
        {"kind": ActionKind.COMMENT, "words": "  "},
        {"kind": ActionKind.COMMENT, "alert": None},
        {"kind": ActionKind.ASSIGN, "seen": 0, "assignee": None},
        {"kind": ActionKind.SILENCE, "alert": None, "scope": SilenceScope.ASSET, "until": minutes(1), "words": "x"},
    ],
)
def test_an_action_that_lacks_what_its_kind_needs_is_refused(more: dict[str, object]) -> None:
    kind = more.pop("kind")
    assert isinstance(kind, ActionKind)
    with pytest.raises(ValidationError):
        action(kind, 2, **more)  # type: ignore[arg-type]
