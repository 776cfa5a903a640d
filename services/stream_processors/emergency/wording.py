"""What the alerts of the feed emergency are about, in Chinese and in English; `engine.sentence` says it. Pure."""

from __future__ import annotations

from schemas.plan.book import Target
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
from services.stream_processors.engine.both import NOTHING, Both
from services.stream_processors.engine.counting import Peak
from services.stream_processors.engine.feed_rules import Said, Wording
from services.stream_processors.engine.sentence import Case, wording_of


def judged_at_us(said: Said) -> int:
    """When the documents that an alert cites were in force: at the start of the call, else of the episode.

    A call keeps the times that followed from them, so that it is never judged by one version and cites another.
    """
    payload = said.episode.peak.payload
    if said.rule != COVERAGE_LOW and len(payload) > 2:
        return int(payload[2])
    return said.episode.started_us


def word(said: Said, policy: InForce, target: Target | None) -> Wording:
    """Severity, threshold and texts of an alert event under the documents in force at `judged_at_us`."""
    payload = said.episode.peak.payload
    street = payload[0] if payload and isinstance(payload[0], str) else None
    place = said.asset if said.rule == COVERAGE_LOW or street is None else f"{street} {said.asset}"
    return wording_of(_case(said, Both.same(place), policy, target), said, policy.document.rule_policy(said.rule))


def _case(said: Said, place: Both, policy: InForce, target: Target | None) -> Case:
    match said.rule:
        case rule if rule == BREACH:
            return _breach(said, place, policy, target)
        case rule if rule == COVERAGE_LOW:
            return _coverage(said, place, policy)
        case rule if rule == AT_RISK:
            limit = policy.threshold(RISK_LIMIT)
            now = Both("接警后仍无单元到场", "no unit is on scene yet")
            over = Both("风险已解除或已超时", "it was answered, or the deadline has passed")
        case _:
            limit = policy.threshold(DISPATCH_LIMIT)
            now = Both("接警后仍未派出单元", "no unit has been dispatched yet")
            over = Both("已派出", "one was dispatched, or the call is closed")
    words = Both(f"接警后{limit.value:g}秒", f"{limit.value:g} s after the call")
    return Case(place, now, now, over, words, limit, "s")


def _breach(said: Said, place: Both, policy: InForce, target: Target | None) -> Case:
    threshold = policy.threshold(RESPONSE_LIMIT) if target is None else target.threshold
    value, has_arrived = said.episode.peak.value or 0.0, said.episode.peak.payload[1]
    now = Both(f"急救响应超过{threshold.value:g}分钟", f"no unit was on scene within {threshold.value:g} minutes")
    over = (
        Both(f"响应时间{value:.2f}分钟", f"the response time was {value:.2f} min")
        if has_arrived
        else Both("无单元到场，任务已结束", "no unit arrived, the call is closed")
    )
    return Case(
        place=place,
        now=now,
        worst=now,
        over=over,
        limit=Both(f"接警后{threshold.value:g}分钟内到场", f"on scene within {threshold.value:g} min of the call"),
        threshold=threshold,
        unit="min",
        plan=None if target is None else Both(target.plan_name_zh, target.plan_name),
    )


def _coverage(said: Said, place: Both, policy: InForce) -> Case:
    limit, episode = policy.threshold(COVERAGE_LIMIT), said.episode
    _, _, cells, move = episode.peak.payload
    lost = best = NOTHING
    if cells:
        lost = Both(f"失去覆盖的网格：{'、'.join(cells)}。", f"Cells that lost cover: {', '.join(cells)}.")
    if move:
        unit, to, to_zh, people = move
        best = Both(
            f"建议调{unit}至{to_zh}，可恢复{people}人。",
            f"Best move: moving {unit} to {to} brings back {people} people.",
        )
    return Case(
        place=place,
        now=_reach(episode.standing),
        worst=_reach(episode.peak),
        over=Both("覆盖已恢复", "coverage is restored"),
        limit=Both(f"不低于{limit.value:.0%}的居民", f"{limit.value:.0%} of residents at least"),
        threshold=limit,
        unit="share of residents",
        more=Both(lost.zh + best.zh, " ".join(one for one in (lost.en, best.en) if one)),
    )


def _reach(peak: Peak) -> Both:
    share, uncovered = peak.value or 0.0, peak.payload[1]
    reach = Both(f"可及时到达的居民占{share:.1%}", f"{share:.1%} of residents can be reached in time")
    if not uncovered:
        return reach
    return Both(f"{reach.zh}，{uncovered}人不在覆盖范围", f"{reach.en}; {uncovered} people are out of reach")
