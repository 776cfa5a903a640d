"""The alerts of the feed water in words: severity, limits with their sources, texts in both languages. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.alert import AlertEventType
from schemas.plan.policy import RulePolicy
from schemas.verdict import Threshold
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.event_time import local_text
from services.stream_processors.engine.feed_rules import Said, Wording
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
from services.stream_processors.water.standard import ItemLimits

INTERVALS: Final = "sampling intervals"


class Place(NamedTuple):
    """Where, in both languages."""

    zh: str
    en: str

    @property
    def both(self) -> str:
        """Both names."""
        return (self.zh if self.zh == self.en else f"{self.zh} {self.en}")[:200]


def wording_of(said: Said, started: Regime, peaked: Regime) -> Wording:
    """What an alert event says.

    Args:
        started: What was in force when the episode began: its target and limits are cited.
        peaked: What was in force at the worst sample: by it the sample was judged.
    """
    match said.rule:
        case rule if rule == CLASS_WORSE:
            return _class_wording(said, started, peaked)
        case rule if rule == SENSOR_FAULT:
            return _fault_wording(said, started, peaked)
        case rule if rule == ALGAL_SIGNAL:
            return _algal_wording(said, started)
        case _:
            return _silence_wording(said, started)


def _place(said: Said, regime: Regime, name: str) -> Place:
    lake_zh, lake_en = regime.names.get(said.key, (said.key, said.key))
    if said.asset == said.key:
        return Place(lake_zh, lake_en)
    point = name or said.asset
    zh = point if said.key in regime.names and lake_zh in point else f"{lake_zh}·{point}"
    return Place(zh, f"{lake_en}, {point}")


def _prefix(said: Said) -> tuple[str, str]:
    if said.event is AlertEventType.AMENDED:
        return "更正（有迟到数据）：", "Corrected by late data: "
    return "", ""


def _withdrawn(said: Said, place: Place, what_zh: str, what_en: str) -> tuple[str, str]:
    started = local_text(said.episode.started_us)
    return (
        f"撤回：迟到的数据表明，{place.zh}自{started}（北京时间）起的{what_zh}不成立。",
        (
            f"Withdrawn: data that came late show that the {what_en} at {place.en} from {started} "
            "(Beijing time) has no basis."
        ),
    )


def _cited(limit: Threshold) -> tuple[str, str]:
    """Source of an operator's limit: owner, policy and version."""
    source = limit.source
    return f"{source.where}，{source.id} 第{source.version}版", f"{source.where}, {source.id} version {source.version}"


# --- class -----------------------------------------------------------------------------------------------------------


def _class_wording(said: Said, started: Regime, peaked: Regime) -> Wording:
    episode = said.episode
    values, name, body = episode.peak.payload
    place = _place(said, started, name)
    policy, target = started.rules[CLASS_WORSE], started.target or peaked.target
    assert target is not None  # noqa: S101 - without a target no sample is beyond it
    table = peaked.tables[body]
    verdict = class_of_sample(values, table, peaked.settings.class_)
    causes = item_value_texts(deciding_items(verdict, table), values, table)
    zh, en = _class_texts(said, place, started, policy, causes)
    return Wording(
        place=place.both,
        severity=policy.severity_of(episode.peak.level if episode.ended_us is not None else episode.level),
        unit=CLASS_UNIT,
        threshold=target.threshold,
        zh=zh,
        en=en,
        limits=tuple(limit for item, _ in causes for limit in table.thresholds(item, target.rank)),
    )


def _class_texts(
    said: Said, place: Place, regime: Regime, policy: RulePolicy, causes: list[tuple[ItemLimits, float]]
) -> tuple[str, str]:
    if said.event is AlertEventType.RETRACTED:
        return _withdrawn(said, place, "水质告警", "water alert")
    episode, target = said.episode, regime.target
    assert target is not None  # noqa: S101 - as above
    began = local_text(episode.started_us)
    quality, goal = QUALITY[int(episode.peak.value or 0)], QUALITY[target.rank]
    amended_zh, amended_en = _prefix(said)
    pages = target.threshold.source.where.removeprefix("pages").removeprefix("page").strip()
    source_zh = f"《{target.plan_name_zh}》第{pages.replace(', ', '、')}页"
    source_en = f"{target.plan_name_en}, {target.threshold.source.where}"
    if episode.ended_us is not None:
        ended = local_text(episode.ended_us)
        return (
            (
                f"{amended_zh}{place.zh}水质已恢复到目标{goal.class_zh}（{source_zh}）：{began}至"
                f"{ended}（北京时间）劣于目标，最差为{quality.class_zh}（{quality.word_zh}）。"
            ),
            (
                f"{amended_en}Water at {place.en} is back at the target {goal.class_en} ({source_en}): worse from "
                f"{began} to {ended} (Beijing time), at worst {quality.class_en} ({quality.word_en})."
            ),
        )
    per_round = said.asset == said.key
    samples_zh, samples_en = ("轮", "sampling rounds") if per_round else ("次", "samples")
    causes_zh, causes_en = _causes(causes, target.rank)
    lately_zh, lately_en = _lately(episode)
    return (
        (
            f"{amended_zh}{place.zh}水质为{quality.class_zh}（{quality.word_zh}），劣于目标{goal.class_zh}（{source_zh}）："
            f"{causes_zh}。自{began}（北京时间）起连续{policy.raise_after}{samples_zh}采样劣于目标。{lately_zh}{policy.advice_zh}"
        ),
        (
            f"{amended_en}Water at {place.en} is {quality.class_en} ({quality.word_en}), worse than the target "
            f"{goal.class_en} ({source_en}): {causes_en}. {policy.raise_after} {samples_en} in a row since {began} "
            f"(Beijing time). {lately_en}{policy.advice_en}"
        ),
    )


def _lately(episode: Episode) -> tuple[str, str]:
    """Said when the water has become better than at its worst and still does not meet the target."""
    if episode.level >= episode.peak.level:
        return "", ""
    return (
        f"目前已减轻，劣于目标{episode.level}级。",
        f"It has eased to {episode.level} class{'' if episode.level == 1 else 'es'} beyond the target. ",
    )


def _causes(causes: list[tuple[ItemLimits, float]], rank: int) -> tuple[str, str]:
    parts = [(item, f"{value:g}{_unit(item.unit)}", item.exceedance(value, rank)) for item, value in causes]
    return (
        "、".join(
            f"{item.name_zh} {value}{'' if times is None else f'（超目标限值{times:.2f}倍）'}"
            for item, value, times in parts
        ),
        ", ".join(
            f"{item.name_en} {value}{'' if times is None else f' ({times:.2f} times over the limit)'}"
            for item, value, times in parts
        ),
    )


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


# --- sensor fault ----------------------------------------------------------------------------------------------------


def _fault_wording(said: Said, started: Regime, peaked: Regime) -> Wording:
    episode, policy = said.episode, started.rules[SENSOR_FAULT]
    kind, fields, _, limit_id, limit, reported, name, _ = episode.peak.payload
    place = _place(said, started, name)
    threshold = _limit_of(limit_id, limit, peaked)
    zh, en = _fault_texts(said, place, policy, threshold, reported if kind == "reported" else "")
    return Wording(
        place=place.both,
        severity=policy.severity_of(episode.peak.level if episode.ended_us is not None else episode.level),
        unit=UNITS[fields[0]] if kind in {"range", "step"} and fields else "1",
        threshold=threshold,
        zh=zh,
        en=en,
    )


def _limit_of(limit_id: str, limit: float, regime: Regime) -> Threshold:
    """The limit as the reading was judged by it: an instrument's own range or a longer time have their own value."""
    stated = limit_id in {entry.id for entry in regime.policy.limit}
    known = regime.policy.threshold(limit_id if stated else REPORTED_FAULT)
    return known.model_copy(update={"id": limit_id, "value": limit})


def _fault_texts(said: Said, place: Place, policy: RulePolicy, threshold: Threshold, reported: str) -> tuple[str, str]:
    if said.event is AlertEventType.RETRACTED:
        return _withdrawn(said, place, "仪器故障告警", "sensor fault")
    episode = said.episode
    kind, fields, value, _, limit, _, _, _ = episode.peak.payload
    began = local_text(episode.started_us)
    amended_zh, amended_en = _prefix(said)
    source_zh, source_en = _cited(threshold)
    names_zh = "、".join(NAMES[field][0] for field in fields)
    names_en = ", ".join(NAMES[field][1] for field in fields)
    unit = _unit(UNITS[fields[0]]) if fields else ""
    why_zh, why_en = _reason(kind, value, limit, unit, reported)
    if episode.ended_us is not None:
        ended = local_text(episode.ended_us)
        return (
            (
                f"{amended_zh}{place.zh}的数据已恢复可信：{began}至{ended}（北京时间）{names_zh}{why_zh}"
                f"（依据：{source_zh}）。"
            ),
            (
                f"{amended_en}Data of {place.en} can be believed again: from {began} to {ended} (Beijing time) "
                f"{names_en} {why_en} (source: {source_en})."
            ),
        )
    return (
        (
            f"{amended_zh}{place.zh}疑似仪器故障，不按污染处理：自{began}（北京时间）起{names_zh}{why_zh}"
            f"（依据：{source_zh}）。相关项目不计入水质类别。{policy.advice_zh}"
        ),
        (
            f"{amended_en}Instrument fault suspected at {place.en}, not taken for pollution: since {began} "
            f"(Beijing time) {names_en} {why_en} (source: {source_en}). The items do not count for the class. "
            f"{policy.advice_en}"
        ),
    )


def _reason(kind: str, value: float, limit: float, unit: str, reported: str) -> tuple[str, str]:
    match kind:
        case "range":
            return (
                f"读数{value:g}{unit}超出可能范围（限值{limit:g}）",
                f"read {value:g}{unit}, beyond what can be ({limit:g})",
            )
        case "step":
            return (
                f"单项突变{value:g}{unit}（限值{limit:g}）",
                f"alone jumped by {value:g}{unit} (limit {limit:g})",
            )
        case "flat_line":
            return (
                f"连续{value:g}次读数完全相同（限值{limit:g}次）",
                f"stood still for {value:g} readings (limit {limit:g})",
            )
        case "cross_check":
            return (
                f"氨氮为总氮的{value:.2f}倍（最多{limit:g}倍）",
                f"contradict each other: ammonia is {value:.2f} times total nitrogen (at most {limit:g})",
            )
        case _:
            return f"站点自报异常“{reported}”", f"the station itself reports '{reported}'"


# --- algae and silence -----------------------------------------------------------------------------------------------


def _algal_wording(said: Said, regime: Regime) -> Wording:
    episode, policy = said.episode, regime.rules[ALGAL_SIGNAL]
    percent, ph, name, _ = episode.peak.payload
    place, threshold = _place(said, regime, name), regime.policy.threshold(ALGAL_SATURATION)
    zh, en = _withdrawn(said, place, "藻类信号", "algal signal")
    if said.event is not AlertEventType.RETRACTED:
        amended_zh, amended_en = _prefix(said)
        source_zh, source_en = _cited(threshold)
        began = local_text(episode.started_us)
        until_zh = until_en = ""
        if episode.ended_us is not None:
            ended = local_text(episode.ended_us)
            until_zh, until_en = f"至{ended}已结束", f" to {ended}, now over"
        zh = (
            f"{amended_zh}{place.zh}出现藻类活动信号（非仪器故障）：溶解氧饱和度{percent:.0f}%（限值{threshold.value:g}%），"
            f"pH升至{ph:g}。自{began}（北京时间）起{until_zh}（依据：{source_zh}）。{policy.advice_zh}"
        )
        en = (
            f"{amended_en}Algal signal at {place.en} (no instrument fault): oxygen saturation {percent:.0f} % (limit "
            f"{threshold.value:g} %), pH risen to {ph:g}. Since {began}{until_en} (Beijing time; source: {source_en}). "
            f"{policy.advice_en}"
        )
    return Wording(
        place=place.both,
        severity=policy.severity_of(1),
        unit="%",
        threshold=threshold,
        zh=zh,
        en=en,
        limits=(regime.policy.threshold(ALGAL_PH_RISE),),
    )


def _silence_wording(said: Said, regime: Regime) -> Wording:
    episode, policy = said.episode, regime.rules[said.rule]
    name, _, last_us = episode.peak.payload
    place = _place(said, regime, name)
    level = episode.peak.level
    threshold = regime.policy.threshold(GAP_MISSING if level == MISSING else GAP_LATE)
    zh, en = _withdrawn(said, place, "无数据告警", "silence alert")
    if said.event is not AlertEventType.RETRACTED:
        amended_zh, amended_en = _prefix(said)
        source_zh, source_en = _cited(threshold)
        last = local_text(last_us)
        interval = regime.settings.quality.interval_seconds
        limit_zh = f"超过{threshold.value:g}个采样周期（每周期{interval}秒；依据：{source_zh}）"
        limit_en = f"more than {threshold.value:g} sampling intervals of {interval} s (source: {source_en})"
        if episode.ended_us is not None:
            ended = local_text(episode.ended_us)
            zh = f"{amended_zh}{place.zh}无数据状态于{ended}（北京时间）结束：上一条数据为{last}，{limit_zh}。"
            en = (
                f"{amended_en}The silence of {place.en} ended at {ended} (Beijing time): the reading before is of "
                f"{last}, {limit_en}."
            )
        else:
            word_zh, word_en = ("数据缺失", "is missing") if level == MISSING else ("数据迟到", "is late")
            zh = f"{amended_zh}{place.zh}{word_zh}：最后一条数据为{last}（北京时间），{limit_zh}。{policy.advice_zh}"
            en = (
                f"{amended_en}{place.en} {word_en}: its last reading is of {last} (Beijing time), {limit_en}. "
                f"{policy.advice_en}"
            )
    return Wording(
        place=place.both,
        severity=policy.severity_of(level),
        unit=INTERVALS,
        threshold=threshold,
        zh=zh,
        en=en,
    )
