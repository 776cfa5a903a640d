"""The one place that makes the sentence of an alert, in both languages, from the case that its feed supplies. Pure.

A feed knows what is wrong; how an alert speaks is the same for all of them: what it is now, the worst it was, the limit
and its source, since when, and what to do. An alert that has stepped down says what it is now and names its worst
beside it; one that is over says what is right again.

    open        {place}: {now}. At worst {worst}. Limit: {limit} ({source}). Since {since} (Beijing time). {more}{do}
    over        {place}: {over}. From {since} to {until} (Beijing time), at worst {worst}. Limit: {limit} ({source}).
    withdrawn   Withdrawn: data that came late show that the alert '{rule}' at {place} from {since} has no basis.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.alert import AlertEventType
from schemas.plan.policy import RulePolicy
from schemas.verdict import SourceKind, Threshold, ThresholdSource
from services.stream_processors.engine.both import NOTHING, Both
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.event_time import local_text
from services.stream_processors.engine.feed_rules import Said, Wording

_PLACE_CHARS: Final = 200


class Case(NamedTuple):
    """What a feed knows of one alert. Words have neither a full stop nor a capital letter that they do not need."""

    place: Both
    """Where: a lake, a car park, a call."""
    now: Both
    """What is wrong as it stands: `Episode.standing` in words."""
    worst: Both
    """The same at its worst: `Episode.peak` in words; not said again when it is what it is now."""
    over: Both
    """What is right again, once it has ended."""
    limit: Both
    """The limit in words, without its source."""
    threshold: Threshold
    """The limit that `observed_value` is compared with; its source is cited."""
    unit: str
    """Of the observed value."""
    more: Both = NOTHING
    """Sentences that help to act, said while it is open."""
    limits: tuple[Threshold, ...] = ()
    plan: Both | None = None
    """Name of the plan, when the source is one."""
    label: str | None = None
    """`Wording.place`, when it is not the place in both languages."""


def wording_of(case: Case, said: Said, rule: RulePolicy) -> Wording:
    """What an alert event says.

    Args:
        rule: The policy of its rule, in force when the episode began: warning levels, name, advice.
    """
    episode = said.episode
    return Wording(
        place=(case.label or _both(case.place))[:_PLACE_CHARS],
        severity=rule.severity_of(episode.level if episode.ended_us is None else episode.peak.level),
        unit=case.unit,
        threshold=case.threshold,
        zh=_zh(case, said, rule),
        en=_en(case, said, rule),
        limits=case.limits,
    )


def _both(place: Both) -> str:
    return place.zh if place.zh == place.en else f"{place.zh} {place.en}"


def _zh(case: Case, said: Said, rule: RulePolicy) -> str:
    episode, place, since = said.episode, case.place.zh, local_text(said.episode.started_us)
    if said.event is AlertEventType.RETRACTED:
        return f"撤回：迟到的数据表明，{place}自{since}（北京时间）起的告警“{rule.name_zh}”不成立。"
    again = "更正（有迟到数据）：" if said.event is AlertEventType.AMENDED else ""
    limit = f"限值：{case.limit.zh}（{source_of(case.threshold.source, case.plan).zh}）。"
    if episode.ended_us is not None:
        span = f"{since}至{local_text(episode.ended_us)}（北京时间）"
        return f"{again}{place}：{case.over.zh}。{span}{_at_worst(episode, case).zh}。{limit}"
    worst = "" if case.worst == case.now else f"最严重时{case.worst.zh}。"
    return f"{again}{place}：{case.now.zh}。{worst}{limit}自{since}（北京时间）起。{case.more.zh}{rule.advice_zh}"


def _en(case: Case, said: Said, rule: RulePolicy) -> str:
    episode, place, since = said.episode, case.place.en, local_text(said.episode.started_us)
    if said.event is AlertEventType.RETRACTED:
        return (
            f"Withdrawn: data that came late show that the alert '{rule.name}' at {place} from {since} "
            "(Beijing time) has no basis."
        )
    again = "Corrected by late data: " if said.event is AlertEventType.AMENDED else ""
    limit = f"Limit: {case.limit.en} ({source_of(case.threshold.source, case.plan).en})."
    if episode.ended_us is not None:
        span = f"From {since} to {local_text(episode.ended_us)} (Beijing time)"
        return f"{again}{place}: {case.over.en}. {span}{_at_worst(episode, case).en}. {limit}"
    worst = "" if case.worst == case.now else f"At worst {case.worst.en}. "
    more = f"{case.more.en} " if case.more.en else ""
    return f"{again}{place}: {case.now.en}. {worst}{limit} Since {since} (Beijing time). {more}{rule.advice_en}"


def _at_worst(episode: Episode, case: Case) -> Both:
    """Of an alert that is over: what it was; `at worst` is said only where it was not always the same."""
    if episode.now is None:
        return Both(f"：{case.worst.zh}", f": {case.worst.en}")
    return Both(f"，最严重时{case.worst.zh}", f", at worst {case.worst.en}")


def source_of(source: ThresholdSource, plan: Both | None = None) -> Both:
    """Who set a limit: a plan with its page, a standard with its table, a policy with its owner and version."""
    if source.kind is SourceKind.PLAN:
        pages = source.where.removeprefix("pages").removeprefix("page").strip().replace(", ", "、")
        name = plan or Both.same(source.id)
        return Both(f"《{name.zh}》第{pages}页", f"{name.en}, {source.where}")
    if source.kind is SourceKind.STANDARD:
        return Both(f"{source.id}，{source.where}", f"{source.id}, {source.where}")
    return Both(
        f"{source.where}，{source.id}第{source.version}版", f"{source.where}, {source.id} version {source.version}"
    )
