"""What the alerts of the feed parking are about, in Chinese and in English; `engine.sentence` says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.district import Lot
from schemas.plan.policy import RulePolicy
from schemas.verdict import Comparator, Threshold
from services.stream_processors.engine.both import NOTHING, Both
from services.stream_processors.engine.counting import Episode, Peak
from services.stream_processors.engine.feed_rules import Said, Wording
from services.stream_processors.engine.sentence import Case, wording_of
from services.stream_processors.parking.counts import BELOW_ZERO, FULL
from services.stream_processors.parking.findings import is_at_bound
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
from services.stream_processors.parking.walking import WalkingDistances

_GROUP_NAMED: Final = 10
_NEIGHBOURS: Final = 3
"""So many neighbouring lots are named in the text of a full one."""


def word(said: Said, policy: InForce, lots: Mapping[str, Lot], distances: WalkingDistances) -> Wording:
    """Severity, threshold and texts of an alert event under the policy in force at the episode's start."""
    rule = policy.document.rule_policy(said.rule)
    if said.members and not said.episode.peak.payload:
        return wording_of(_group(said, rule, policy), said, rule)
    return wording_of(_case(said, policy, lots, distances), said, rule)


def _group(said: Said, rule: RulePolicy, policy: InForce) -> Case:
    """Many lots of a zone with the same alert at the same time: one alert of the zone."""
    limit = policy.threshold(rule.limit or LEAST_LIMIT)
    lots = [asset for _, asset in said.members]
    named = ", ".join(lots[:_GROUP_NAMED]) + (" ..." if len(lots) > _GROUP_NAMED else "")
    now = Both(
        f"有{len(lots)}个停车场同时告警“{rule.name_zh}”（{named}）",
        f"{len(lots)} car parks have the alert '{rule.name}' at the same time ({named})",
    )
    return Case(
        place=Both.same(said.key),
        now=now,
        worst=now,
        over=Both("多数停车场已恢复", "fewer car parks have it again"),
        limit=Both(f"每个停车场{limit.value:g} {limit.unit}", f"of each car park {limit.value:g} {limit.unit}"),
        threshold=limit,
        unit="car parks",
    )


def _place(said: Said, lots: Mapping[str, Lot]) -> Both:
    payload = said.episode.peak.payload
    known = lots.get(said.asset)
    name = said.asset if known is None else known.name_zh
    if payload and isinstance(payload[0], str) and payload[0]:
        name = payload[0]
    if known is not None and known.name:
        return Both(name, known.name)
    return Both(name, said.asset if name == said.asset else f"{said.asset} ({name})")


def _case(said: Said, policy: InForce, lots: Mapping[str, Lot], distances: WalkingDistances) -> Case:
    place, episode = _place(said, lots), said.episode
    if said.rule == LOT_FULL:
        return _full(said, place, policy, _neighbours(said.asset, lots, distances))
    if said.rule == COUNT_IMPOSSIBLE:
        return _impossible(episode, place, policy)
    if said.rule == COUNTER_STUCK:
        return _stuck(episode, place, policy)
    return _silent(place, policy)


def _full(said: Said, place: Both, policy: InForce, neighbours: Both) -> Case:
    episode = said.episode
    nearly, full = policy.threshold(NEARLY_FULL_LIMIT), policy.threshold(FULL_LIMIT)
    is_full = episode.peak.level >= FULL
    limits = {
        True: Both(f"剩余{full.value:g}个为满位", f"full at {full.value:g} free"),
        False: Both(f"占用率{nearly.value:.0%}起为接近满位", f"nearly full from an occupancy of {nearly.value:.0%}"),
    }
    # Both limits where the lot has come down from the one to the other.
    named = [limits[True], limits[False]] if is_full and episode.now is not None else [limits[is_full]]
    return Case(
        place=place,
        now=_fullness(episode.standing),
        worst=_fullness(episode.peak),
        over=Both("已有空位", "has room again"),
        limit=Both("、".join(one.zh for one in named), ", ".join(one.en for one in named)),
        threshold=full if is_full else nearly,
        unit=full.unit if is_full else nearly.unit,
        more=neighbours,
        limits=(nearly,) if is_full else (full,),
        label=place.zh,
    )


def _fullness(peak: Peak) -> Both:
    _, room, usable, _ = _parts(peak.payload, 4)
    if peak.level >= FULL:
        return Both(f"满位（{usable}个可用车位剩余{room}个）", f"full ({room} of {usable} usable spaces free)")
    share = peak.value or 0
    return Both(
        f"接近满位（占用率{share:.1%}，{usable}个可用车位剩余{room}个）",
        f"nearly full (occupancy {share:.1%}, {room} of {usable} usable spaces free)",
    )


def _neighbours(asset: str, lots: Mapping[str, Lot], distances: WalkingDistances) -> Both:
    """The nearest lots by walking distance, whether they have room or not: that changes, the alert does not."""
    near = distances.nearest(asset)[:_NEIGHBOURS]
    if not near:
        return NOTHING
    zh = "、".join(f"{lots[lot].name_zh}（步行约{metres}米）" for metres, lot in near)
    en = ", ".join(f"{lots[lot].name or lot} ({metres} m)" for metres, lot in near)
    return Both(
        f"最近的停车场：{zh}；是否有空位见诱导指标 parking.guidance。",
        f"Nearest lots on foot: {en}; which of them have room, the figure parking.guidance says.",
    )


def _impossible(episode: Episode, place: Both, policy: InForce) -> Case:
    _, why, free, total, below, above = _parts(episode.peak.payload, 6)
    least = policy.threshold(LEAST_LIMIT)
    negative = why == BELOW_ZERO
    # The upper end is the reading's own number of spaces; the rule that it binds is the policy's.
    most = Threshold(
        id="parking.free_most", value=float(total), unit=least.unit, comparator=Comparator.LE, source=least.source
    )
    now = Both(
        f"车位计数不可能（{why}）：剩余车位数为{free}（总数{total}）；至今负数{below}次、超过总数{above}次",
        f"it told counts that cannot be ({why}): {free} free spaces of {total}; so far {below} below zero, "
        f"{above} above the capacity",
    )
    return Case(
        place=place,
        now=now,
        worst=now,
        over=Both("车位计数已恢复正常", "it tells counts that can be again"),
        limit=Both(f"剩余车位不少于{least.value:g}个", f"{least.value:g} free spaces at least")
        if negative
        else Both(f"剩余车位不多于车位总数{total}个", f"{total} free spaces at most, the number of spaces"),
        threshold=least if negative else most,
        unit=least.unit,
        label=place.zh,
    )


def _stuck(episode: Episode, place: Both, policy: InForce) -> Case:
    _, free, total, out = _parts(episode.peak.payload, 4)
    limit = policy.threshold(STILL_AT_BOUND_LIMIT if is_at_bound(free, total, out) else STILL_LIMIT)
    hours, most = (episode.peak.value or 0) / 3_600, limit.value / 3_600
    now = Both(
        f"剩余车位数停在{free}（总数{total}）已{hours:.1f}小时，期间应有车流",
        f"it has told {free} free spaces of {total} for {hours:.1f} h while there must have been traffic",
    )
    return Case(
        place=place,
        now=now,
        worst=now,
        over=Both("计数已恢复变化", "it counts again"),
        limit=Both(f"{most:g}小时", f"{most:g} h"),
        threshold=limit,
        unit=limit.unit,
        label=place.zh,
    )


def _silent(place: Both, policy: InForce) -> Case:
    limit = policy.threshold(SILENCE_LIMIT)
    minutes = limit.value / 60
    now = Both("无数据", "it sent no readings")
    return Case(
        place=place,
        now=now,
        worst=now,
        over=Both("已恢复上报", "it is heard again"),
        limit=Both(f"{minutes:g}分钟", f"{minutes:g} min"),
        threshold=limit,
        unit=limit.unit,
        label=place.zh,
    )


def _parts(payload: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    if len(payload) != count:
        raise ValueError(f"an alert of this rule carries {count} parts, this one {len(payload)}")
    return payload
