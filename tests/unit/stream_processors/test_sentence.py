"""One place renders the sentence of an alert: what it is now, the worst it was, the limit, since when, what to do."""

from __future__ import annotations

from datetime import date

import pytest

from schemas.alert import AlertEventType, Severity
from schemas.plan.policy import RulePolicy, SeverityAt
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.stream_processors.engine.both import Both
from services.stream_processors.engine.counting import (
    CALM,
    Debounce,
    Episode,
    Peak,
    Sample,
    advance,
    dump_episode,
    load_episode,
)
from services.stream_processors.engine.feed_rules import Said
from services.stream_processors.engine.sentence import Case, source_of, wording_of

HOUR = 3_600_000_000
SOURCE = ThresholdSource(kind=SourceKind.POLICY, id="ops", version="2", where="the desk", valid_from=date(2026, 1, 1))
LIMIT = Threshold(id="x.limit", value=0, unit="spaces", comparator=Comparator.GT, source=SOURCE)
RULE = RulePolicy(
    id="x.full",
    name="Full",
    name_zh="满位",
    severity=(SeverityAt(level=1, severity=Severity.BLUE), SeverityAt(level=2, severity=Severity.YELLOW)),
    advice_zh="请引导。",
    advice_en="Guide.",
)


def case(now: str, worst: str) -> Case:
    return Case(
        place=Both("甲", "A"),
        now=Both.same(now),
        worst=Both.same(worst),
        over=Both("已有空位", "has room again"),
        limit=Both.same("0 free"),
        threshold=LIMIT,
        unit="spaces",
        more=Both("附近有乙。", "B is near."),
    )


def said(episode: Episode, event: AlertEventType = AlertEventType.UPDATED) -> Said:
    return Said(event, "x.full", "a", "zone", "live", episode, ())


def full(*levels: int) -> Episode:
    """An episode of samples an hour apart; level 2 is full, 1 nearly full, 0 room."""
    run, found = CALM, None
    for n, level in enumerate(levels):
        sample = Sample(n * HOUR, level, float(level), n, (f"level {level} at {n}",))
        run, changed = advance(run, sample, Debounce())
        found = changed or found
    assert found is not None
    return found


def test_an_alert_at_its_worst_says_it_once() -> None:
    words = wording_of(case("full", "full"), said(full(2)), RULE)
    assert words.en == (
        "A: full. Limit: 0 free (the desk, ops version 2). Since 1970-01-01 08:00 (Beijing time). B is near. Guide."
    )
    assert (
        words.zh == "甲：full。限值：0 free（the desk，ops第2版）。自1970-01-01 08:00（北京时间）起。附近有乙。请引导。"
    )
    assert (words.place, words.severity) == ("甲 A", Severity.YELLOW)


def test_an_alert_that_has_stepped_down_says_what_it_is_now_and_the_worst_it_was() -> None:
    episode = full(2, 1)
    assert (episode.standing.payload, episode.peak.payload) == (("level 1 at 1",), ("level 2 at 0",))
    words = wording_of(case("nearly full", "full"), said(episode), RULE)
    assert words.en.startswith("A: nearly full. At worst full. Limit: ")
    assert words.zh.startswith("甲：nearly full。最严重时full。限值：")
    assert words.severity is Severity.BLUE


def test_an_alert_that_is_over_says_what_is_right_again_its_span_and_its_worst() -> None:
    words = wording_of(case("nearly full", "full"), said(full(2, 1, 0), AlertEventType.RESOLVED), RULE)
    assert words.en == (
        "A: has room again. From 1970-01-01 08:00 to 1970-01-01 10:00 (Beijing time), at worst full. "
        "Limit: 0 free (the desk, ops version 2)."
    )
    assert words.severity is Severity.YELLOW
    same = wording_of(case("full", "full"), said(full(2, 0), AlertEventType.RESOLVED), RULE)
    assert "(Beijing time): full. Limit" in same.en
    assert "（北京时间）：full。限值" in same.zh


@pytest.mark.parametrize(
    ("event", "zh", "en"),
    [
        (AlertEventType.AMENDED, "更正（有迟到数据）：甲", "Corrected by late data: A"),
        (
            AlertEventType.RETRACTED,
            "撤回：迟到的数据表明，甲",
            "Withdrawn: data that came late show that the alert 'Full'",
        ),
    ],
)
def test_corrections_and_withdrawals_say_so(event: AlertEventType, zh: str, en: str) -> None:
    words = wording_of(case("full", "full"), said(full(2), event), RULE)
    assert words.zh.startswith(zh)
    assert words.en.startswith(en)


def test_each_kind_of_source_is_cited() -> None:
    plan = SOURCE.model_copy(update={"kind": SourceKind.PLAN, "where": "pages 28, 41"})
    assert source_of(plan, Both("规划", "Plan")) == Both("《规划》第28、41页", "Plan, pages 28, 41")
    standard = SOURCE.model_copy(update={"kind": SourceKind.STANDARD, "id": "GB 1", "where": "table 1"})
    assert source_of(standard) == Both("GB 1，table 1", "GB 1, table 1")


def test_what_it_is_now_is_the_sample_that_brought_the_level() -> None:
    assert full(1, 2).now is None
    assert full(2, 1, 2).standing.payload == ("level 2 at 2",)
    two = Debounce(raise_after=2)
    run, _ = advance(CALM, Sample(0, 2, 2.0, 0, ("worst",)), two)
    _, raised = advance(run, Sample(HOUR, 1, 1.0, 1, ("now",)), two)
    assert raised is not None
    assert (raised.level, raised.standing.payload, raised.peak.payload) == (1, ("now",), ("worst",))


def test_it_is_kept_in_the_state_and_a_state_without_it_is_read() -> None:
    episode = full(2, 1)
    assert load_episode(dump_episode(episode)) == episode
    older = dump_episode(full(2))
    assert len(older) == 7
    assert load_episode(older).standing == Peak(0, 2, 2.0, ("level 2 at 0",))
