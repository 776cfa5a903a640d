"""What the alerts of the feed ev say, in Chinese and in English. Pure."""

from __future__ import annotations

from typing import NamedTuple

from schemas.alert import AlertEventType
from schemas.verdict import Threshold
from services.stream_processors.engine.event_time import local_text
from services.stream_processors.engine.feed_rules import Said, Wording
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


class _Case(NamedTuple):
    threshold: Threshold
    unit: str
    zh: str
    en: str
    limits: tuple[Threshold, ...] = ()


def word(said: Said, policy: InForce) -> Wording:
    """Severity, threshold and texts of an alert event under the policy in force at the episode's start."""
    rule = policy.document.rule_policy(said.rule)
    payload = said.episode.peak.payload
    name = payload[0] if payload and isinstance(payload[0], str) else said.key
    place = name if said.asset == said.key else f"{name} {said.asset}"
    case = _group(said, policy) if said.members and said.rule != SITE_DARK else _case(said, policy)
    since = local_text(said.episode.started_us)
    until = None if said.episode.ended_us is None else local_text(said.episode.ended_us)
    source = case.threshold.source
    cited_zh, cited_en = f"（依据：{source.id}，{source.where}）", f" (source: {source.id}, {source.where})"
    match said.event:
        case AlertEventType.RETRACTED:
            zh = f"撤回：迟到的数据表明，{place}自{since}（北京时间）起的告警“{rule.name_zh}”不成立。"
            en = f"Withdrawn: late data show that the alert '{rule.name}' at {place} from {since} has no basis."
        case _ if until is not None:
            zh = f"{place}：{case.zh}，{since}至{until}（北京时间），现已恢复{cited_zh}。"
            en = f"{place}: {case.en}, from {since} to {until} (Beijing time); it is over{cited_en}."
        case _:
            amended = said.event is AlertEventType.AMENDED
            zh = (
                f"{'更正（有迟到数据）：' if amended else ''}{place}：{case.zh}，自{since}（北京时间）起{cited_zh}。"
                f"{rule.advice_zh}"
            )
            en = (
                f"{'Corrected by late data: ' if amended else ''}{place}: {case.en}, since {since} (Beijing time)"
                f"{cited_en}. {rule.advice_en}"
            )
    return Wording(
        place=place[:200],
        severity=rule.severity_of(said.episode.level),
        unit=case.unit,
        threshold=case.threshold,
        zh=zh,
        en=en,
        limits=case.limits,
    )


def _group(said: Said, policy: InForce) -> _Case:
    count = len(said.members)
    rule = policy.document.rule_policy(said.rule)
    threshold = policy.threshold(rule.limit or FAULT_LIMIT)
    return _Case(
        threshold,
        "connectors",
        f"{count}个充电接口同时告警“{rule.name_zh}”",
        f"{count} connectors have the alert '{rule.name}' at the same time",
    )


def _case(said: Said, policy: InForce) -> _Case:
    peak = said.episode.peak
    payload, value = peak.payload, peak.value or 0.0
    if said.rule == CONNECTOR_FAULT:
        limit = policy.threshold(FAULT_LIMIT)
        what = payload[1]
        return _Case(
            limit, "1", f"故障（{what}）超过{limit.value:g}秒", f"fault ({what}) for more than {limit.value:g} s"
        )
    if said.rule == CONNECTOR_SILENT:
        limit = policy.threshold(SILENCE_LIMIT)
        return _Case(
            limit, "s", f"超过{limit.value:g}秒没有任何数据", f"nothing was heard for more than {limit.value:g} s"
        )
    if said.rule == STATUS_MISMATCH:
        return _Case(
            policy.threshold(MISMATCH_LIMIT),
            "readings",
            f"状态与厂家原词（{payload[1]}）不符",
            f"the state contradicts the vendor's own word ({payload[1]})",
        )
    if said.rule == METER_IMPLAUSIBLE:
        limit = policy.threshold(POWER_LIMIT)
        return _Case(limit, "1", f"电表数据不可信：{payload[1]}", f"the meter cannot be right: {payload[2]}")
    if said.rule == SITE_DARK:
        limit = policy.threshold(DARK_LIMIT)
        return _Case(
            limit,
            "connectors",
            f"全站失联，{payload[1]}个充电接口均无联系",
            f"the whole site is out of contact, all {payload[1]} connectors",
        )
    limit = policy.load_limit(said.key) or policy.threshold(LOAD_LIMIT)
    return _Case(
        limit,
        "kW",
        f"负荷{value:g} kW，变压器限值{limit.value:g} kW",
        f"the load is {value:g} kW, the transformer's limit {limit.value:g} kW",
        (policy.threshold(NEAR_LOAD_LIMIT),),
    )
