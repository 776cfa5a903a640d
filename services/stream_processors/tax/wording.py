"""What the alerts of the feed tax say, in Chinese and in English. Pure."""

from __future__ import annotations

from typing import NamedTuple

from schemas.alert import AlertEventType
from schemas.verdict import Threshold
from services.stream_processors.engine.event_time import local_text
from services.stream_processors.engine.feed_rules import Said, Wording
from services.stream_processors.tax.policy import (
    FELL_BELOW,
    PACE_BEHIND,
    REPEAT_LIMIT,
    SIGN_LIMIT,
    WRONG_SIGN,
    InForce,
)


class _Case(NamedTuple):
    threshold: Threshold
    unit: str
    zh: str
    en: str


def word(said: Said, policy: InForce, target: Threshold | None) -> Wording:
    """Severity, threshold and texts of an alert event under the documents in force at the episode's start."""
    rule = policy.document.rule_policy(said.rule)
    payload = said.episode.peak.payload
    name = payload[0] if payload and isinstance(payload[0], str) else said.asset
    case = _case(said, policy, target)
    source = case.threshold.source
    cited_zh, cited_en = f"（依据：{source.id}，{source.where}）", f" (source: {source.id}, {source.where})"
    since = local_text(said.episode.started_us)
    amended = said.event is AlertEventType.AMENDED
    if said.event is AlertEventType.RETRACTED:
        zh = f"撤回：迟到的数据表明，{name}自{since}（北京时间）起的告警“{rule.name_zh}”不成立。"
        en = f"Withdrawn: late data show that the alert '{rule.name}' about {name} from {since} has no basis."
    elif said.episode.ended_us is not None:
        until = local_text(said.episode.ended_us)
        zh = f"{name}：{case.zh}{cited_zh}，{since}至{until}（北京时间），现已结束。"
        en = f"{name}: {case.en}{cited_en}, from {since} to {until} (Beijing time); it is over."
    else:
        again_zh, again_en = ("更正（有迟到数据）：", "Corrected by late data: ") if amended else ("", "")
        zh = f"{again_zh}{name}：{case.zh}{cited_zh}，自{since}（北京时间）起。{rule.advice_zh}"
        en = f"{again_en}{name}: {case.en}{cited_en}, since {since} (Beijing time). {rule.advice_en}"
    return Wording(
        place=name[:200],
        severity=rule.severity_of(said.episode.level),
        unit=case.unit,
        threshold=case.threshold,
        zh=zh,
        en=en,
        limits=(policy.limit,) if said.rule == PACE_BEHIND else (),
    )


def _case(said: Said, policy: InForce, target: Threshold | None) -> _Case:
    value, payload = said.episode.peak.value or 0.0, said.episode.peak.payload
    if said.rule == FELL_BELOW:
        limit = policy.limit
        return _Case(
            limit,
            "CNY",
            f"退税或更正后本年税收降至{value:,.2f}元，低于{limit.value:,.0f}元，不再计入亿元楼宇",
            f"after a refund or correction its tax of the year is CNY {value:,.2f}, below CNY {limit.value:,.0f}: it is"
            " no longer counted",
        )
    if said.rule == PACE_BEHIND:
        wanted = target or policy.limit
        return _Case(
            wanted,
            "buildings",
            f"按目前进度，年底亿元楼宇至多{payload[2]}栋（预计{value:.1f}栋），目标{wanted.value:g}栋",
            f"at this rate at most {payload[2]} buildings by the end of the year ({value:.1f} expected), the target is"
            f" {wanted.value:g}",
        )
    if said.rule == WRONG_SIGN:
        return _Case(
            policy.document.threshold(SIGN_LIMIT),
            "CNY",
            f"入账金额{value:,.2f}元的正负号与类别（{payload[1]}）不符，单号{payload[2]}",
            f"the amount CNY {value:,.2f} has the wrong sign for a {payload[1]}, receipt {payload[2]}",
        )
    return _Case(
        policy.document.threshold(REPEAT_LIMIT),
        "CNY",
        f"单号{payload[1]}重复入账，金额{value:,.2f}元，{payload[2]}",
        f"receipt {payload[1]} was entered again with CNY {value:,.2f}; {payload[3]}",
    )
