"""What the alerts of the feed parking say, in Chinese and in English. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.alert import AlertEventType
from schemas.plan.policy import RulePolicy
from schemas.verdict import Comparator, Threshold
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.event_time import local_text
from services.stream_processors.engine.feed_rules import Said, Wording
from services.stream_processors.parking.counts import BELOW_ZERO, FULL
from services.stream_processors.parking.findings import is_at_bound
from services.stream_processors.parking.places import Lot, WalkingDistances
from services.stream_processors.parking.policy import (
    COUNT_IMPOSSIBLE,
    COUNTER_STUCK,
    FULL_LIMIT,
    LEAST_LIMIT,
    LOT_FULL,
    NEARLY_FULL_LIMIT,
    SILENCE_LIMIT,
    STILL_AT_BOUND_LIMIT,
    STILL_LIMIT,
    InForce,
)

_GROUP_NAMED: Final = 10
_NEIGHBOURS: Final = 3
"""So many neighbouring lots are named in the text of a full one."""


class _Case(NamedTuple):
    """What is particular to one rule."""

    threshold: Threshold
    unit: str
    zh: str
    """What is wrong, after the place."""
    en: str
    over_zh: str
    """What is right again, when it has ended."""
    over_en: str
    more_zh: str = ""
    more_en: str = ""
    limits: tuple[Threshold, ...] = ()
    past_en: str = ""
    """In place of `en` when it has ended."""


def word(said: Said, policy: InForce, lots: Mapping[str, Lot], distances: WalkingDistances) -> Wording:
    """Severity, threshold and texts of an alert event under the policy in force at the episode's start."""
    rule = policy.document.rule_policy(said.rule)
    if said.members and not said.episode.peak.payload:
        return _group(said, rule, policy)
    case = _case(said, policy, lots, distances)
    name = _name(said, lots)
    place_en = said.asset if name == said.asset else f"{said.asset} ({name})"
    return Wording(
        place=name,
        severity=rule.severity_of(said.episode.peak.level),
        unit=case.unit,
        threshold=case.threshold,
        zh=_zh(said, case, rule, name),
        en=_en(said, case, rule, place_en),
        limits=case.limits,
    )


def _group(said: Said, rule: RulePolicy, policy: InForce) -> Wording:
    """Many lots of a zone with the same alert at the same time: one alert of the zone."""
    limit = policy.threshold(rule.limit or LEAST_LIMIT)
    lots = [asset for _, asset in said.members]
    named = ", ".join(lots[:_GROUP_NAMED]) + (" ..." if len(lots) > _GROUP_NAMED else "")
    case = _Case(
        threshold=limit,
        unit="car parks",
        zh=f"有{len(lots)}个停车场同时告警“{rule.name_zh}”（{named}）",
        en=f"has {len(lots)} car parks with the alert '{rule.name}' at the same time ({named})",
        over_zh="的多数停车场已恢复",
        over_en="has fewer of them again",
    )
    return Wording(
        place=said.key,
        severity=rule.severity_of(said.episode.peak.level),
        unit=case.unit,
        threshold=limit,
        zh=_zh(said, case, rule, said.key),
        en=_en(said, case, rule, said.key),
    )


def _name(said: Said, lots: Mapping[str, Lot]) -> str:
    payload = said.episode.peak.payload
    if payload and isinstance(payload[0], str) and payload[0]:
        return payload[0]
    known = lots.get(said.asset)
    return said.asset if known is None else known.name_zh


def _zh(said: Said, case: _Case, rule: RulePolicy, place: str) -> str:
    episode, started = said.episode, local_text(said.episode.started_us)
    if said.event is AlertEventType.RETRACTED:
        return f"撤回：迟到的数据表明，{place}自{started}（北京时间）起的“{rule.name_zh}”告警不成立。"
    amended = "更正（有迟到数据）：" if said.event is AlertEventType.AMENDED else ""
    source = f"{case.threshold.source.id}第{case.threshold.source.version}版"
    if episode.ended_us is not None:
        span = f"{started}至{local_text(episode.ended_us)}（北京时间）"
        return f"{amended}{place}{case.over_zh}：{span}{case.zh}（{source}）。"
    return f"{amended}{place}{case.zh}（{source}），自{started}（北京时间）起。{case.more_zh}{rule.advice_zh}"


def _en(said: Said, case: _Case, rule: RulePolicy, place: str) -> str:
    episode, started = said.episode, local_text(said.episode.started_us)
    if said.event is AlertEventType.RETRACTED:
        return (
            f"Withdrawn: data that came late show that the alert '{rule.name}' at {place} from {started} "
            "(Beijing time) has no basis."
        )
    amended = "Corrected by late data: " if said.event is AlertEventType.AMENDED else ""
    source = f"{case.threshold.source.id}, version {case.threshold.source.version}"
    if episode.ended_us is not None:
        span = f"from {started} to {local_text(episode.ended_us)} (Beijing time)"
        return f"{amended}{place} {case.over_en}; {span} it {case.past_en or case.en} ({source})."
    return f"{amended}{place} {case.en} ({source}), since {started} (Beijing time). {case.more_en}{rule.advice_en}"


def _case(said: Said, policy: InForce, lots: Mapping[str, Lot], distances: WalkingDistances) -> _Case:
    episode = said.episode
    if said.rule == LOT_FULL:
        return _full(said, policy, lots, distances)
    if said.rule == COUNT_IMPOSSIBLE:
        return _impossible(episode, policy)
    if said.rule == COUNTER_STUCK:
        return _stuck(episode, policy)
    return _silent(policy)


def _full(said: Said, policy: InForce, lots: Mapping[str, Lot], distances: WalkingDistances) -> _Case:
    peak = said.episode.peak
    _, room, usable, _ = _parts(peak.payload, 4)
    nearly, full = policy.threshold(NEARLY_FULL_LIMIT), policy.threshold(FULL_LIMIT)
    more_zh, more_en = _neighbours(said.asset, lots, distances)
    en_full = f"full ({room} of {usable} usable spaces free; full at {full.value:g})"
    if peak.level >= FULL:
        return _Case(
            threshold=full,
            unit=full.unit,
            zh=f"满位（{usable}个可用车位剩余{room}个，满位限值{full.value:g}个）",
            en=f"is {en_full}",
            past_en=f"was {en_full}",
            over_zh="已有空位",
            over_en="has room again",
            more_zh=more_zh,
            more_en=more_en,
            limits=(nearly,),
        )
    en_nearly = (
        f"nearly full (occupancy {peak.value or 0:.1%}, {room} of {usable} usable spaces free; "
        f"limit {nearly.value:.0%})"
    )
    return _Case(
        threshold=nearly,
        unit=nearly.unit,
        zh=f"接近满位（占用率{peak.value or 0:.1%}，{usable}个可用车位剩余{room}个，限值{nearly.value:.0%}）",
        en=f"is {en_nearly}",
        past_en=f"was {en_nearly}",
        over_zh="已有空位",
        over_en="has room again",
        more_zh=more_zh,
        more_en=more_en,
        limits=(full,),
    )


def _neighbours(asset: str, lots: Mapping[str, Lot], distances: WalkingDistances) -> tuple[str, str]:
    """The nearest lots by walking distance, whether they have room or not: that changes, the alert does not."""
    near = distances.nearest(asset)[:_NEIGHBOURS]
    if not near:
        return "", ""
    zh = "、".join(f"{lots[lot].name_zh}（步行约{metres}米）" for metres, lot in near)
    en = ", ".join(f"{lot} ({metres} m)" for metres, lot in near)
    return (
        f"最近的停车场：{zh}；是否有空位见诱导指标 parking.guidance。",
        f"Nearest lots on foot: {en}; which of them have room, the figure parking.guidance says. ",
    )


def _impossible(episode: Episode, policy: InForce) -> _Case:
    _, why, free, total, below, above = _parts(episode.peak.payload, 6)
    least = policy.threshold(LEAST_LIMIT)
    negative = why == BELOW_ZERO
    # The upper end is the reading's own number of spaces; the rule that it binds is the policy's.
    most = Threshold(
        id="parking.free_most", value=float(total), unit=least.unit, comparator=Comparator.LE, source=least.source
    )
    zh = f"剩余车位数为{free}，小于{least.value:g}" if negative else f"剩余车位数为{free}，大于车位总数{total}"
    en = f"{free} free spaces, fewer than {least.value:g}" if negative else f"{free} free spaces of only {total}"
    return _Case(
        threshold=least if negative else most,
        unit=least.unit,
        zh=f"车位计数不可能（{why}）：{zh}；至今负数{below}次、超过总数{above}次",
        en=f"told counts that cannot be ({why}): {en}; so far {below} below zero, {above} above the capacity",
        over_zh="的车位计数已恢复正常",
        over_en="tells counts that can be again",
    )


def _stuck(episode: Episode, policy: InForce) -> _Case:
    _, free, total, out = _parts(episode.peak.payload, 4)
    limit = policy.threshold(STILL_AT_BOUND_LIMIT if is_at_bound(free, total, out) else STILL_LIMIT)
    hours, most = (episode.peak.value or 0) / 3_600, limit.value / 3_600
    return _Case(
        threshold=limit,
        unit=limit.unit,
        zh=f"的剩余车位数停在{free}已{hours:.1f}小时（限值{most:g}小时），期间应有车流",
        en=f"has told {free} free spaces of {total} for {hours:.1f} h (limit {most:g} h) while there must have been "
        "traffic",
        over_zh="的计数已恢复变化",
        over_en="counts again",
    )


def _silent(policy: InForce) -> _Case:
    limit = policy.threshold(SILENCE_LIMIT)
    minutes = limit.value / 60
    return _Case(
        threshold=limit,
        unit=limit.unit,
        zh=f"无数据（限值{minutes:g}分钟）",
        en=f"sent no readings (limit {minutes:g} min)",
        over_zh="已恢复上报",
        over_en="is heard again",
    )


def _parts(payload: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    if len(payload) != count:
        raise ValueError(f"an alert of this rule carries {count} parts, this one {len(payload)}")
    return payload
