"""What the alerts of the feed ev are about, in Chinese and in English; `engine.sentence` says it. Pure."""

from __future__ import annotations

from collections.abc import Callable

from schemas.verdict import Threshold
from schemas.vocabulary import VOCABULARY
from services.stream_processors.engine.both import Both
from services.stream_processors.engine.counting import Peak
from services.stream_processors.engine.feed_rules import Said, Wording
from services.stream_processors.engine.sentence import Case, wording_of
from services.stream_processors.ev.policy import (
    CONNECTOR_FAULT,
    CONNECTOR_SILENT,
    DARK_LIMIT,
    FAULT_LIMIT,
    LOAD_LIMIT,
    METER_IMPLAUSIBLE,
    MISMATCH_LIMIT,
    NEAR_LOAD_LIMIT,
    POWER_LIMIT,
    SILENCE_LIMIT,
    SITE_DARK,
    STATUS_MISMATCH,
    InForce,
)

_OVER = Both("现已恢复", "it is over")


def word(said: Said, policy: InForce) -> Wording:
    """Severity, threshold and texts of an alert event under the policy in force at the episode's start."""
    rule = policy.document.rule_policy(said.rule)
    payload = said.episode.peak.payload
    name = payload[0] if payload and isinstance(payload[0], str) else said.key
    place = name if said.asset == said.key else f"{name} {said.asset}"
    case = _group(said, place, policy) if said.members and said.rule != SITE_DARK else _case(said, place, policy)
    return wording_of(case, said, rule)


def _group(said: Said, place: str, policy: InForce) -> Case:
    count = len(said.members)
    rule = policy.document.rule_policy(said.rule)
    threshold = policy.threshold(rule.limit or FAULT_LIMIT)
    now = Both(
        f"{count}个充电接口同时告警“{rule.name_zh}”",
        f"{count} connectors have the alert '{rule.name}' at the same time",
    )
    limit = Both.same(f"{threshold.value:g} {threshold.unit}")
    return Case(Both.same(place), now, now, _OVER, limit, threshold, "connectors")


def _case(said: Said, place: str, policy: InForce) -> Case:
    match said.rule:
        case rule if rule == CONNECTOR_FAULT:
            limit = policy.threshold(FAULT_LIMIT)
            words = Both(f"持续{limit.value:g}秒", f"for {limit.value:g} s")
            return _of(said, place, _fault, limit)._replace(unit="1", limit=words)
        case rule if rule == CONNECTOR_SILENT:
            return _of(said, place, _silent, policy.threshold(SILENCE_LIMIT))
        case rule if rule == STATUS_MISMATCH:
            return _of(said, place, _mismatch, policy.threshold(MISMATCH_LIMIT))._replace(unit="readings")
        case rule if rule == METER_IMPLAUSIBLE:
            return _of(said, place, _meter, policy.threshold(POWER_LIMIT))._replace(unit="1")
        case rule if rule == SITE_DARK:
            return _of(said, place, _dark, policy.threshold(DARK_LIMIT))._replace(unit="connectors")
        case _:
            return _load(said, place, policy)


def _of(said: Said, place: str, told: Callable[[Peak], Both], limit: Threshold) -> Case:
    episode, words = said.episode, Both.same(f"{limit.value:g} {limit.unit}")
    return Case(Both.same(place), told(episode.standing), told(episode.peak), _OVER, words, limit, limit.unit)


def _fault(peak: Peak) -> Both:
    code = peak.payload[1]
    words = VOCABULARY["error_code"].get(code)
    return Both(f"故障（{words.zh if words else code}）", f"fault ({words.en if words else code})")


def _silent(_: Peak) -> Both:
    return Both("没有任何数据", "nothing is heard of it")


def _mismatch(peak: Peak) -> Both:
    word = peak.payload[1]
    return Both(f"状态与厂家原词（{word}）不符", f"the state contradicts the vendor's own word ({word})")


def _meter(peak: Peak) -> Both:
    return Both(f"电表数据不可信：{peak.payload[1]}", f"the meter cannot be right: {peak.payload[2]}")


def _dark(peak: Peak) -> Both:
    count = peak.payload[1]
    return Both(f"全站失联，{count}个充电接口均无联系", f"the whole site is out of contact, all {count} connectors")


def _load(said: Said, place: str, policy: InForce) -> Case:
    episode, near = said.episode, policy.threshold(NEAR_LOAD_LIMIT)
    limit = policy.load_limit(said.key) or policy.threshold(LOAD_LIMIT)
    now, worst = [
        Both(f"负荷{peak.value or 0:g} kW", f"the load is {peak.value or 0:g} kW")
        for peak in (episode.standing, episode.peak)
    ]
    return Case(
        place=Both.same(place),
        now=now,
        worst=worst,
        over=_OVER,
        limit=Both(
            f"变压器{limit.value:g} kW，{near.value:.0%}起预警",
            f"the transformer's {limit.value:g} kW, a warning from {near.value:.0%} of it",
        ),
        threshold=limit,
        unit="kW",
        limits=(near,),
    )
