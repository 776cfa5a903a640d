"""What the alerts of the feed emergency say, in Chinese and in English. Pure."""

from __future__ import annotations

from typing import NamedTuple

from schemas.alert import AlertEventType
from schemas.plan.book import Target
from schemas.verdict import Threshold
from services.stream_processors.emergency.policy import (
    AT_RISK,
    BREACH,
    COVERAGE_LIMIT,
    COVERAGE_LOW,
    DISPATCH_LIMIT,
    RESPONSE_LIMIT,
    RISK_LIMIT,
    InForce,
)
from services.stream_processors.engine.event_time import local_text
from services.stream_processors.engine.feed_rules import Said, Wording


class _Case(NamedTuple):
    threshold: Threshold
    unit: str
    zh: str
    en: str
    over_zh: str = "现已恢复"
    over_en: str = "it is over"


def word(said: Said, policy: InForce, target: Target | None) -> Wording:
    """Severity, threshold and texts of an alert event under the documents in force at the episode's start."""
    rule = policy.document.rule_policy(said.rule)
    payload = said.episode.peak.payload
    street = payload[0] if payload and isinstance(payload[0], str) else None
    place = said.asset if said.rule == COVERAGE_LOW or street is None else f"{street} {said.asset}"
    case = _case(said, policy, target)
    source = case.threshold.source
    plan = "" if target is None or said.rule != BREACH else target.plan_name_zh
    pages = source.where.removeprefix("pages").removeprefix("page").strip().replace(", ", "、")
    cited_zh = f"（《{plan}》第{pages}页）" if plan else f"（依据：{source.id}，{source.where}）"
    cited_en = f" ({source.id}, {source.where})"
    since = local_text(said.episode.started_us)
    if said.event is AlertEventType.RETRACTED:
        zh = f"撤回：迟到的数据表明，{place}自{since}（北京时间）起的告警“{rule.name_zh}”不成立。"
        en = f"Withdrawn: late data show that the alert '{rule.name}' for {place} from {since} has no basis."
    elif said.episode.ended_us is not None:
        until = local_text(said.episode.ended_us)
        zh = f"{place}：{case.zh}{cited_zh}，{since}至{until}（北京时间），{case.over_zh}。"
        en = f"{place}: {case.en}{cited_en}, from {since} to {until} (Beijing time); {case.over_en}."
    else:
        again = said.event is AlertEventType.AMENDED
        again_zh, again_en = ("更正（有迟到数据）：", "Corrected by late data: ") if again else ("", "")
        zh = f"{again_zh}{place}：{case.zh}{cited_zh}，自{since}（北京时间）起。{rule.advice_zh}"
        en = f"{again_en}{place}: {case.en}{cited_en}, since {since} (Beijing time). {rule.advice_en}"
    return Wording(
        place=place[:200],
        severity=rule.severity_of(said.episode.level),
        unit=case.unit,
        threshold=case.threshold,
        zh=zh,
        en=en,
    )


def _case(said: Said, policy: InForce, target: Target | None) -> _Case:
    value, payload = said.episode.peak.value or 0.0, said.episode.peak.payload
    if said.rule == BREACH:
        threshold = policy.threshold(RESPONSE_LIMIT) if target is None else target.threshold
        return _Case(
            threshold,
            "min",
            f"急救响应超过{threshold.value:g}分钟",
            f"no unit was on scene within {threshold.value:g} minutes",
            f"响应时间{value:.2f}分钟" if payload[1] else "无单元到场，任务已结束",
            f"the response time was {value:.2f} min" if payload[1] else "no unit arrived, the call is closed",
        )
    if said.rule == AT_RISK:
        limit = policy.threshold(RISK_LIMIT)
        return _Case(
            limit,
            "s",
            f"接警{limit.value:g}秒后仍无单元到场",
            f"no unit is on scene {limit.value:g} s after the call",
            "风险已解除或已超时",
            "it was answered, or the deadline has passed",
        )
    if said.rule == COVERAGE_LOW:
        limit = policy.threshold(COVERAGE_LIMIT)
        uncovered, cells, move = payload[1], payload[2], payload[3]
        lost_zh = f"，失去覆盖的网格：{'、'.join(cells)}" if cells else ""
        lost_en = f"; cells that lost cover: {', '.join(cells)}" if cells else ""
        best_zh = f"；建议调{move[0]}至{move[2]}，可恢复{move[3]}人" if move else ""
        best_en = f"; moving {move[0]} to {move[1]} brings back {move[3]} people" if move else ""
        return _Case(
            limit,
            "share of residents",
            f"可及时到达的居民占{value:.1%}，低于{limit.value:.0%}，{uncovered}人不在覆盖范围{lost_zh}{best_zh}",
            f"{value:.1%} of residents can be reached in time, less than {limit.value:.0%}; {uncovered} people are out"
            f" of reach{lost_en}{best_en}",
        )
    limit = policy.threshold(DISPATCH_LIMIT)
    return _Case(
        limit,
        "s",
        f"接警{limit.value:g}秒后仍未派出单元",
        f"no unit was dispatched {limit.value:g} s after the call",
        "已派出",
        "one was dispatched, or the call is closed",
    )
