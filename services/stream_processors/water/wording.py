"""What the alerts of the feed water are about, in Chinese and in English; `engine.sentence` says it. Pure."""

from __future__ import annotations

from typing import Final

from schemas.verdict import Threshold
from schemas.vocabulary import VOCABULARY
from services.stream_processors.engine.both import NOTHING, Both
from services.stream_processors.engine.counting import Peak
from services.stream_processors.engine.event_time import MICROSECONDS, local_text
from services.stream_processors.engine.feed_rules import Said, Wording
from services.stream_processors.engine.sentence import Case, wording_of
from services.stream_processors.water.measured import NAMES, UNITS
from services.stream_processors.water.publication import CLASS_UNIT
from services.stream_processors.water.regime import (
    ALGAL_PH_RISE,
    ALGAL_SATURATION,
    ALGAL_SIGNAL,
    CLASS_WORSE,
    GAP_LATE,
    GAP_MISSING,
    REPORTED_FAULT,
    SENSOR_FAULT,
    Regime,
)
from services.stream_processors.water.rules import QUALITY, class_of_sample, deciding_items, item_value_texts
from services.stream_processors.water.silence import MISSING
from services.stream_processors.water.standard import ItemLimits, LimitTable

INTERVALS: Final = "sampling intervals"

_GONE: Final = Both(
    "站点长期无数据，视为已撤，告警结束",
    "the station was silent for so long that it counts as taken away; the alert ends",
)


def words_of(said: Said, started: Regime, peaked: Regime) -> Wording:
    """What an alert event says.

    Args:
        started: What was in force when the episode began: its target and limits are cited.
        peaked: What was in force at the worst sample: by it the sample was judged.
    """
    match said.rule:
        case rule if rule == CLASS_WORSE:
            case = _class_case(said, started, peaked)
        case rule if rule == SENSOR_FAULT:
            case = _fault_case(said, started, peaked)
        case rule if rule == ALGAL_SIGNAL:
            case = _algal_case(said, started)
        case _:
            case = _silence_case(said, started)
    now = said.episode.now
    if now is not None and now.level == 0:
        case = case._replace(over=_GONE)
    return wording_of(case, said, started.rules[said.rule])


def _place(said: Said, regime: Regime, name: str) -> Both:
    lake_zh, lake_en = regime.names.get(said.key, (said.key, said.key))
    if said.asset == said.key:
        return Both(lake_zh, lake_en)
    point = name or said.asset
    zh = point if said.key in regime.names and lake_zh in point else f"{lake_zh}·{point}"
    return Both(zh, f"{lake_en}, {point}")


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


def _named(fields: tuple[str, ...]) -> Both:
    return Both("、".join(NAMES[field][0] for field in fields), ", ".join(NAMES[field][1] for field in fields))


# --- class -----------------------------------------------------------------------------------------------------------


def _class_case(said: Said, started: Regime, peaked: Regime) -> Case:
    episode = said.episode
    target = started.target or peaked.target
    assert target is not None  # noqa: S101 - without a target no sample is beyond it
    name, body = episode.peak.payload[1:3]
    table, goal = peaked.tables[body], QUALITY[target.rank]
    worst, causes = _class_words(episode.peak, table, peaked, target.rank)
    stands = episode.now is not None and episode.now.level > 0
    now = _class_words(episode.standing, table, peaked, target.rank)[0] if stands else worst
    return Case(
        place=_place(said, started, name),
        now=now,
        worst=worst,
        over=Both(
            f"水质已恢复到目标{goal.class_zh}或更好", f"the water is back at the target {goal.class_en} or better"
        ),
        limit=Both(f"目标{goal.class_zh}", f"the target {goal.class_en}"),
        threshold=target.threshold,
        unit=CLASS_UNIT,
        more=_members(said),
        limits=tuple(limit for item, _ in causes for limit in table.thresholds(item, target.rank)),
        plan=Both(target.plan_name_zh, target.plan_name_en),
    )


def _class_words(
    peak: Peak, table: LimitTable, regime: Regime, target: int
) -> tuple[Both, list[tuple[ItemLimits, float]]]:
    """The class of a sample with what decided it and what was left out; and the items that decided it."""
    values, _, _, *left_out = peak.payload
    verdict = class_of_sample(values, table, regime.settings.class_)
    causes = item_value_texts(deciding_items(verdict, table), values, table)
    quality, decided = QUALITY[int(peak.value or 0)], _causes(causes, target)
    left = _named(left_out[0]) if left_out and left_out[0] else NOTHING
    return (
        Both(
            f"水质为{quality.class_zh}（{quality.word_zh}），{decided.zh}"
            + (f"，未计入存疑项目{left.zh}" if left.zh else ""),
            f"water is {quality.class_en} ({quality.word_en}), {decided.en}"
            + (f", leaving out {left.en} as doubtful" if left.en else ""),
        ),
        causes,
    )


def _causes(causes: list[tuple[ItemLimits, float]], rank: int) -> Both:
    parts = [(item, f"{value:g}{_unit(item.unit)}", item.exceedance(value, rank)) for item, value in causes]
    return Both(
        "、".join(
            f"{item.name_zh} {value}{'' if times is None else f'（超目标限值{times:.2f}倍）'}"
            for item, value, times in parts
        ),
        ", ".join(
            f"{item.name_en} {value}{'' if times is None else f' ({times:.2f} times over the limit)'}"
            for item, value, times in parts
        ),
    )


def _members(said: Said) -> Both:
    """The alert of a lake stands for those of its points."""
    points = len({asset for _, asset in said.members})
    if not points:
        return NOTHING
    return Both(
        f"本告警代表湖内{points}个点位的同类告警。",
        f"It stands for the same alert of {points} {'point' if points == 1 else 'points'} of the lake.",
    )


# --- sensor fault ----------------------------------------------------------------------------------------------------


def _fault_case(said: Said, started: Regime, peaked: Regime) -> Case:
    episode = said.episode
    kind, fields, _, limit_id, limit, _, name, _ = episode.peak.payload
    unit = UNITS[fields[0]] if kind in {"range", "step"} and fields else "1"
    stands = episode.now is not None and episode.now.level > 0
    worst = _fault_words(episode.peak)
    return Case(
        place=_place(said, started, name),
        now=_fault_words(episode.standing) if stands else worst,
        worst=worst,
        over=Both("数据已恢复可信", "its data can be believed again"),
        limit=_fault_limit(kind, limit, _unit(unit)),
        threshold=_limit_of(limit_id, limit, peaked),
        unit=unit,
        more=Both(
            "只在一个点位存疑的数值不计入水质类别。", "Values doubted at one point alone do not count for the class."
        ),
    )


def _limit_of(limit_id: str, limit: float, regime: Regime) -> Threshold:
    """The limit as the reading was judged by it: an instrument's own range or a longer time have their own value."""
    stated = limit_id in {entry.id for entry in regime.policy.limit}
    known = regime.policy.threshold(limit_id if stated else REPORTED_FAULT)
    return known.model_copy(update={"id": limit_id, "value": limit})


def _fault_words(peak: Peak) -> Both:
    kind, fields, value, _, _, reported, *_ = peak.payload
    names, unit = _named(fields), _unit(UNITS[fields[0]]) if fields else ""
    match kind:
        case "range":
            why = Both(f"读数{value:g}{unit}超出可能范围", f"read {value:g}{unit}, beyond what can be")
        case "step":
            why = Both(f"单项突变{value:g}{unit}", f"alone jumped by {value:g}{unit}")
        case "flat_line":
            why = Both(f"连续{value:g}次读数完全相同", f"stood still for {value:g} readings")
        case "cross_check":
            why = Both(
                f"相互矛盾：氨氮为总氮的{value:.2f}倍",
                f"contradict each other: ammonia is {value:.2f} times total nitrogen",
            )
        case _:
            words = VOCABULARY["quality"].get(reported)
            why = Both(f"站点自报异常“{words.zh if words else reported}”", f"the station itself reports '{reported}'")
    return Both(f"疑似仪器故障，{names.zh}{why.zh}", f"instrument fault suspected, {f'{names.en} {why.en}'.strip()}")


def _fault_limit(kind: str, limit: float, unit: str) -> Both:
    match kind:
        case "flat_line":
            return Both(f"{limit:g}次相同", f"{limit:g} equal readings")
        case "cross_check":
            return Both(f"最多{limit:g}倍", f"{limit:g} times at most")
        case "reported":
            return Both("无自报异常", "no mark of a fault")
        case _:
            return Both.same(f"{limit:g}{unit}")


# --- algae and silence -----------------------------------------------------------------------------------------------


def _algal_case(said: Said, regime: Regime) -> Case:
    percent, ph, name, _ = said.episode.peak.payload
    threshold = regime.policy.threshold(ALGAL_SATURATION)
    now = Both(
        f"出现藻类活动信号（非仪器故障），溶解氧饱和度{percent:.0f}%，pH升至{ph:g}",
        f"algal signal (no instrument fault), oxygen saturation {percent:.0f} %, pH risen to {ph:g}",
    )
    return Case(
        place=_place(said, regime, name),
        now=now,
        worst=now,
        over=Both("藻类活动信号已结束", "the algal signal is over"),
        limit=Both.same(f"{threshold.value:g} %"),
        threshold=threshold,
        unit="%",
        limits=(regime.policy.threshold(ALGAL_PH_RISE),),
    )


def _silence_case(said: Said, regime: Regime) -> Case:
    name, _, last_us, *interval = said.episode.peak.payload
    is_missing = said.episode.peak.level == MISSING
    threshold = regime.policy.threshold(GAP_MISSING if is_missing else GAP_LATE)
    length = _span(interval[0] if interval else regime.fixed_us or regime.unknown_us)
    word = Both("数据缺失", "data are missing") if is_missing else Both("数据迟到", "data are late")
    last = local_text(last_us)
    now = Both(f"{word.zh}，最后一条数据为{last}", f"{word.en}, the last reading is of {last}")
    return Case(
        place=_place(said, regime, name),
        now=now,
        worst=now,
        over=Both("已恢复上报", "it reports again"),
        limit=Both(
            f"{threshold.value:g}个采样周期（每周期{length.zh}）",
            f"{threshold.value:g} sampling intervals of {length.en}",
        ),
        threshold=threshold,
        unit=INTERVALS,
    )


def _span(span_us: int) -> Both:
    """A sampling interval as people say it."""
    seconds = span_us / MICROSECONDS
    for length, zh, en in ((3_600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= length:
            return Both(f"{seconds / length:.4g}{zh}", f"{seconds / length:.4g} {en}")
    return Both(f"{seconds:.4g}秒", f"{seconds:.4g} s")
