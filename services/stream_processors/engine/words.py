"""An alert put into words: the feed's own, or plain ones when these fail. An alert is never lost for want of words."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from schemas.alert import Alert, AlertText, alert_id
from schemas.fields import Feed
from schemas.plan.in_force import Versions
from schemas.plan.policy import PolicyDocument
from schemas.verdict import Comparator, Evidence, SourceKind, Threshold, ThresholdSource
from services.stream_processors.engine.announcing import Utterance
from services.stream_processors.engine.event_time import from_us, iso
from services.stream_processors.engine.feed_rules import FeedRules, Said, Wording

_EVIDENCE_MAX: Final = 1_000


class Place(NamedTuple):
    """Where an alert belongs."""

    feed: Feed
    key: str
    lane: str
    topic: str
    partition: int


def alert_of(rules: FeedRules[Any], one: Utterance, place: Place) -> Alert:
    """The alert event in the feed's words.

    Raises:
        Exception: whatever the feed's wording raises, or pydantic about what it says.
    """
    return alert_in_words(one, place, rules.wording(_said(one, place)))


def plain_alert(policies: Versions[PolicyDocument], one: Utterance, place: Place) -> Alert:
    """The alert event in plain words: the name of the rule and of the asset, with the limit that the rule guards.

    Raises:
        ValueError: not even that can be said (no policy has such a rule, or its asset has no valid name).
    """
    rule_id, asset, started_us = one.key
    document = policies.at(started_us) or (policies.all[-1].content if policies.all else None)
    if document is None:
        raise ValueError("no policy is known")
    policy, head = document.rule_policy(rule_id), document.policy
    if policy.limit is not None:
        threshold = document.threshold(policy.limit)
    else:
        source = ThresholdSource(
            kind=SourceKind.POLICY, id=head.id, version=head.version, where=head.owner, valid_from=head.valid_from
        )
        threshold = Threshold(id=rule_id, value=0, unit="1", comparator=Comparator.LE, source=source)
    words = Wording(
        place=asset,
        severity=policy.severity_of(one.statement.episode.level),
        unit=threshold.unit,
        threshold=threshold,
        zh=f"{policy.name_zh}：{asset}。{policy.advice_zh}",
        en=f"{policy.name}: {asset}. {policy.advice_en}",
    )
    return alert_in_words(one, place, words)


def _said(one: Utterance, place: Place) -> Said:
    rule, asset, _ = one.key
    return Said(one.event, rule, asset, place.key, place.lane, one.statement.episode, one.statement.members)


def alert_in_words(one: Utterance, place: Place, words: Wording) -> Alert:
    """The alert event in given words.

    Raises:
        ValidationError: something of it is not what the contract allows.
    """
    (rule, asset, started_us), statement = one.key, one.statement
    episode = statement.episode
    return Alert(
        alert_id=alert_id(rule, asset, place.lane, iso(started_us)),
        revision=one.revision,
        event=one.event,
        rule=rule,
        feed=place.feed,
        lane=place.lane,
        asset=asset,
        place=words.place,
        severity=words.severity,
        started_at=from_us(episode.started_us),
        raised_at=from_us(episode.raised_us),
        ended_at=None if episode.ended_us is None else from_us(episode.ended_us),
        previous_at=None if one.previous_us is None else from_us(one.previous_us),
        observed_value=episode.peak.value,
        observed_unit=words.unit,
        threshold=words.threshold,
        limits=words.limits,
        suppression=statement.suppression,
        members=statement.members,
        evidence=Evidence(topic=place.topic, partition=place.partition, offsets=_cited(episode.offsets)),
        text=AlertText(zh=words.zh, en=words.en),
    )


def _cited(offsets: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(offsets)))[:_EVIDENCE_MAX]
