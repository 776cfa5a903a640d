"""What the alerts of the feed tax are about, in Chinese and in English; `engine.sentence` says it. Pure."""

from __future__ import annotations

from schemas.plan.book import Target
from services.stream_processors.engine.both import Both
from services.stream_processors.engine.feed_rules import Said, Wording
from services.stream_processors.engine.sentence import Case, wording_of
from services.stream_processors.tax.policy import (
    AMOUNT_IMPLAUSIBLE,
    AMOUNT_LIMIT,
    FELL_BELOW,
    PACE_BEHIND,
    REPEAT_LIMIT,
    SIGN_LIMIT,
    WRONG_SIGN,
    InForce,
    yuan,
)
from services.stream_processors.tax.usual import Implausible

_OVER = Both("现已结束", "it is over")


def word(said: Said, policy: InForce, target: Target | None) -> Wording:
    """Severity, threshold and texts of an alert event under the documents in force at the episode's start."""
    payload = said.episode.peak.payload
    name = payload[0] if payload and isinstance(payload[0], str) else said.asset
    return wording_of(_case(said, Both.same(name), policy, target), said, policy.document.rule_policy(said.rule))


def _case(said: Said, place: Both, policy: InForce, target: Target | None) -> Case:
    value, payload = said.episode.peak.value or 0.0, said.episode.peak.payload
    if said.rule == FELL_BELOW:
        limit = policy.limit
        now = Both(
            f"退税或更正后本年税收降至{value:,.2f}元，不再计入亿元楼宇",
            f"after a refund or correction its tax of the year is CNY {value:,.2f}, and it is no longer counted",
        )
        words = Both(f"{limit.value:,.0f}元", f"CNY {limit.value:,.0f}")
        over = Both("已恢复计入亿元楼宇，或年度已结束", "it is counted again, or the year is over")
        return Case(place, now, now, over, words, limit, "CNY")
    if said.rule == PACE_BEHIND:
        return _pace(said, place, policy, target)
    if said.rule == WRONG_SIGN:
        limit = policy.document.threshold(SIGN_LIMIT)
        now = Both(
            f"入账金额{value:,.2f}元的正负号与类别（{payload[1]}）不符，单号{payload[2]}",
            f"the amount CNY {value:,.2f} has the wrong sign for a {payload[1]}, receipt {payload[2]}",
        )
        return Case(place, now, now, _OVER, Both.same(f"{limit.value:g} {limit.unit}"), limit, "CNY")
    if said.rule == AMOUNT_IMPLAUSIBLE:
        return _amount(said, place, policy, value)
    limit = policy.document.threshold(REPEAT_LIMIT)
    now = Both(
        f"单号{payload[1]}重复入账，金额{value:,.2f}元，{payload[2]}",
        f"receipt {payload[1]} was entered again with CNY {value:,.2f}; {payload[3]}",
    )
    return Case(place, now, now, _OVER, Both.same(f"{limit.value:g} {limit.unit}"), limit, "CNY")


def _amount(said: Said, place: Both, policy: InForce, value: float) -> Case:
    limit, told = policy.document.threshold(AMOUNT_LIMIT), Implausible(*said.episode.peak.payload)
    usual = yuan(told.second)
    now = Both(
        f"入账{value:,.2f}元（单号{told.receipt}），为同类税款以往第二大金额{usual:,.2f}元的{value / usual:,.0f}倍",
        f"receipt {told.receipt} has CNY {value:,.2f}, {value / usual:,.0f} times the second largest amount known "
        f"there of its kind of tax, CNY {usual:,.2f}",
    )
    over = Both("已更正，或年度已结束", "it was corrected, or the year is over")
    words = Both(f"{limit.value:g}倍", f"{limit.value:g} times")
    return Case(place, now, now, over, words, limit, "CNY")


def _pace(said: Said, place: Both, policy: InForce, target: Target | None) -> Case:
    wanted = policy.limit if target is None else target.threshold
    upper, value = said.episode.peak.payload[2], said.episode.peak.value or 0.0
    now = Both(
        f"按目前进度，年底亿元楼宇至多{upper}栋（预计{value:.1f}栋）",
        f"at this rate at most {upper} buildings by the end of the year ({value:.1f} expected)",
    )
    return Case(
        place=place,
        now=now,
        worst=now,
        over=Both("按目前进度可达目标，或年度已结束", "the target is within reach again, or the year is over"),
        limit=Both(f"目标{wanted.value:g}栋", f"the target of {wanted.value:g} buildings"),
        threshold=wanted,
        unit="buildings",
        limits=(policy.limit,),
        plan=None if target is None else Both(target.plan_name_zh, target.plan_name),
    )
