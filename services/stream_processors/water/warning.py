"""The alert `water.class_worse_than_target` in full: severity, texts in both languages, evidence. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.alert import Alert, AlertEventType, AlertText, alert_id
from schemas.fields import Feed
from schemas.plan.documents import AlertPolicy, ClassPolicy
from schemas.verdict import Evidence
from services.stream_processors.engine.announcements import Announcement
from services.stream_processors.engine.episodes import Episode
from services.stream_processors.engine.event_time import from_us, iso, local_text
from services.stream_processors.water.publication import CLASS_UNIT
from services.stream_processors.water.rules import QUALITY, class_of_sample, deciding_items, item_value_texts
from services.stream_processors.water.standard import ItemLimits, LimitTable
from services.stream_processors.water.target import Target

RULE: Final = "water.class_worse_than_target"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the alert is about."""

    asset: str
    lane: str
    place_zh: str
    place_en: str
    per_round: bool
    """True for a lake, whose samples are rounds."""

    @property
    def place(self) -> str:
        """Both names."""
        return self.place_zh if self.place_zh == self.place_en else f"{self.place_zh} {self.place_en}"


@dataclass(frozen=True, slots=True)
class WarningRules:
    """What the texts and levels follow from."""

    table: LimitTable
    target: Target
    classing: ClassPolicy
    alert: AlertPolicy


def build_alert(said: Announcement, subject: Subject, rules: WarningRules, topic: str, partition: int) -> Alert:
    """The alert event for one announcement."""
    episode = said.episode
    return Alert(
        alert_id=alert_id(RULE, subject.asset, subject.lane, iso(episode.started_us)),
        revision=said.revision,
        event=said.event,
        rule=RULE,
        feed=Feed.WATER,
        lane=subject.lane,
        asset=subject.asset,
        place=subject.place[:200],
        severity=rules.alert.level(episode.peak.level),
        started_at=from_us(episode.started_us),
        raised_at=from_us(episode.raised_us),
        ended_at=None if episode.ended_us is None else from_us(episode.ended_us),
        observed_value=episode.peak.value,
        observed_unit=CLASS_UNIT,
        threshold=rules.target.threshold,
        evidence=Evidence(topic=topic, partition=partition, offsets=episode.offsets[:1_000]),
        text=AlertText(zh=_text_zh(said, subject, rules), en=_text_en(said, subject, rules)),
    )


def _text_zh(said: Announcement, subject: Subject, rules: WarningRules) -> str:
    episode, started = said.episode, local_text(said.episode.started_us)
    if said.event is AlertEventType.RETRACTED:
        return f"撤回：迟到的数据表明，{subject.place_zh}自{started}（北京时间）起的水质告警不成立。"
    quality, goal = QUALITY[_rank(episode)], QUALITY[rules.target.rank].class_zh
    amended = "更正（有迟到数据）：" if said.event is AlertEventType.AMENDED else ""
    pages = rules.target.threshold.source.where.removeprefix("pages").removeprefix("page").strip()
    source = f"《{rules.target.plan_name_zh}》第{pages.replace(', ', '、')}页"
    if episode.ended_us is not None:
        return (
            f"{amended}{subject.place_zh}水质已恢复到目标{goal}（{source}）：{started}至"
            f"{local_text(episode.ended_us)}（北京时间）劣于目标，最差为{quality.class_zh}（{quality.word_zh}）。"
        )
    samples = "轮" if subject.per_round else "次"
    return (
        f"{amended}{subject.place_zh}水质为{quality.class_zh}（{quality.word_zh}），劣于目标{goal}（{source}）："
        f"{_causes_zh(episode, rules)}。自{started}（北京时间）起连续{rules.alert.raise_after}{samples}采样劣于目标。"
        f"{rules.alert.advice_zh}"
    )


def _text_en(said: Announcement, subject: Subject, rules: WarningRules) -> str:
    episode, started = said.episode, local_text(said.episode.started_us)
    if said.event is AlertEventType.RETRACTED:
        return (
            f"Withdrawn: data that came late show that the water alert at {subject.place_en} from {started} "
            "(Beijing time) has no basis."
        )
    quality, goal = QUALITY[_rank(episode)], QUALITY[rules.target.rank].class_en
    amended = "Corrected by late data: " if said.event is AlertEventType.AMENDED else ""
    source = f"{rules.target.plan_name_en}, {rules.target.threshold.source.where}"
    if episode.ended_us is not None:
        return (
            f"{amended}Water at {subject.place_en} is back at the target {goal} ({source}): worse from {started} to "
            f"{local_text(episode.ended_us)} (Beijing time), at worst {quality.class_en} ({quality.word_en})."
        )
    samples = "sampling rounds" if subject.per_round else "samples"
    return (
        f"{amended}Water at {subject.place_en} is {quality.class_en} ({quality.word_en}), worse than the target {goal} "
        f"({source}): {_causes_en(episode, rules)}. {rules.alert.raise_after} {samples} in a row since {started} "
        f"(Beijing time). {rules.alert.advice_en}"
    )


def _rank(episode: Episode) -> int:
    return int(episode.peak.value or 0)


def _causes_zh(episode: Episode, rules: WarningRules) -> str:
    parts = [
        f"{item.name_zh} {value:g}{_unit(item.unit)}{'' if times is None else f'（超目标限值{times:.2f}倍）'}"
        for item, value, times in _causes(episode, rules)
    ]
    return "、".join(parts)


def _causes_en(episode: Episode, rules: WarningRules) -> str:
    parts = [
        f"{item.name_en} {value:g}{_unit(item.unit)}{'' if times is None else f' ({times:.2f} times over the limit)'}"
        for item, value, times in _causes(episode, rules)
    ]
    return ", ".join(parts)


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


def _causes(episode: Episode, rules: WarningRules) -> list[tuple[ItemLimits, float, float | None]]:
    """Deciding items of the worst sample, with value and exceedance against the target's limit."""
    values = episode.peak.payload
    verdict = class_of_sample(values, rules.table, rules.classing)
    items = deciding_items(verdict, rules.table)
    return [
        (item, value, item.exceedance(value, rules.target.rank))
        for item, value in item_value_texts(items, values, rules.table)
    ]
