"""Plan, standards and policies: what ships loads, what is wrong is named by file, key and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from schemas.plan.book import PlanBook
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.errors import PlanFileError
from schemas.plan.policy import PolicyDocument
from schemas.plan.toml import parse_any, parse_document
from schemas.verdict import Comparator, SourceKind
from services.stream_processors.check import feeds_of, refusals
from services.stream_processors.engine.judge import Judge
from services.stream_processors.errors import UnknownFeedError, UnusablePlanError
from services.stream_processors.plan.files import load_document
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from services.stream_processors.water.processor import WaterRules
from services.stream_processors.water.regime import Regimes
from tests.unit.stream_processors.water_log import PLAN, plan, policy, settings_of, standard

HEAD = """
[plan]
id = "p"
name = "P"
start = 2021-01-01
end = 2025-12-31
"""
INDICATOR = """
[[indicator]]
id = "water.class"
name = "Water"
page = 31
op = "<="
target = 3
unit = "class"
due = 2025-12-31
check = "stream"
"""


def faults(text: str) -> list[tuple[str, str]]:
    with pytest.raises(PlanFileError) as caught:
        parse_document(text, PlanDocument, file="p.toml")
    assert str(caught.value).startswith("p.toml: ")
    return caught.value.problems


def test_the_plan_s_targets_carry_page_version_and_dates() -> None:
    threshold = plan().threshold("water.class")
    assert threshold is not None
    assert (threshold.value, threshold.comparator) == (3, Comparator.LE)
    source = threshold.source
    assert (source.kind, source.id, source.version, source.where) == (
        SourceKind.PLAN,
        "jianghan-14fyp",
        "2022",
        "page 31",
    )
    response = plan().threshold("emergency.response")
    assert response is not None
    assert response.source.where == "pages 28, 41"
    assert plan().threshold("no.such") is None


def test_the_policies_load_and_name_their_owner() -> None:
    for name in ("water.toml", "water-local.toml"):
        document = load_document(PLAN / "policies" / name, PolicyDocument)
        assert document.policy.owner
        rule = document.rule_policy("water.class_worse_than_target")
        assert [rule.severity_of(beyond).value for beyond in (1, 2, 3, 4)] == ["IV", "III", "II", "I"]


def test_a_threshold_without_a_source_does_not_load() -> None:
    keys = [key for key, _ in faults(HEAD + INDICATOR.replace("page = 31\n", ""))]
    assert keys == ["indicator[0].page"]


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        (HEAD + INDICATOR.replace('op = "<="', 'op = "=="'), "indicator[0].op", "should be"),
        (HEAD + INDICATOR + 'colour = "red"\n', "indicator[0].colour", "is not a known key"),
        (HEAD + INDICATOR + INDICATOR, "document", "used twice: water.class"),
        (HEAD.replace("2025", "2019") + INDICATOR, "plan", "ends before it starts"),
        ("[plan", "document", "not TOML"),
    ],
)
def test_faults_are_named_by_key_and_reason(text: str, key: str, reason: str) -> None:
    assert any(k == key and reason in r for k, r in faults(text)), faults(text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanFileError, match=r"nowhere\.toml: file: cannot be read"):
        load_document(tmp_path / "nowhere.toml", PlanDocument)


def test_a_standard_whose_limits_do_not_get_laxer_is_refused() -> None:
    text = (PLAN / "standards" / "gb3838-2002.toml").read_text(encoding="utf-8")
    with pytest.raises(PlanFileError, match="laxer"):
        parse_document(text.replace("[2, 4, 6, 10, 15]", "[2, 4, 3, 10, 15]"), StandardDocument, file="s.toml")


def test_rounds_must_divide_a_day() -> None:
    text = (PLAN / "policies" / "water.toml").read_text(encoding="utf-8")
    with pytest.raises(PlanFileError, match="divide a day"):
        settings_of(
            parse_document(text.replace("length_seconds = 14400", "length_seconds = 14401"), PolicyDocument, file="w")
        )


def test_water_needs_its_target() -> None:
    other = parse_document(HEAD + INDICATOR.replace("water.class", "water.other"), PlanDocument, file="p.toml")
    with pytest.raises(PlanFileError, match=r"no indicator 'water\.class'"):
        WaterRules(PlanBook([other, standard(), policy()]))
    odd = parse_document(HEAD + INDICATOR.replace('"<="', '">="'), PlanDocument, file="p.toml")
    with pytest.raises(PlanFileError, match="class 1 to 5"):
        WaterRules(PlanBook([odd, standard(), policy()]))
    with pytest.raises(PlanFileError, match="no policy of the feed water"):
        WaterRules(PlanBook([plan(), standard()]))


@pytest.mark.parametrize("limit", ["water.gap.late", "water.flat_line", "water.cross.nh3n_tn", "water.reported_fault"])
def test_water_needs_its_limits(limit: str) -> None:
    body = policy().model_dump(by_alias=True)
    body["limit"] = [entry for entry in body["limit"] if entry["id"] != limit]
    with pytest.raises(PlanFileError, match=f"no limit '{limit}'"):
        WaterRules(PlanBook([plan(), standard(), PolicyDocument.model_validate(body)]))


def test_a_gap_is_late_before_it_is_missing_before_the_station_is_given_up() -> None:
    with pytest.raises(PlanFileError, match=r"water\.gap\.late < water\.gap\.missing < max_age_seconds"):
        WaterRules(PlanBook([plan(), standard(), policy(limits={"water.gap.late": 3})]))


def test_settling_must_lie_inside_the_lateness_bound() -> None:
    with pytest.raises(PlanFileError, match=r"settle_seconds: must not exceed window\.lateness_seconds"):
        WaterRules(PlanBook([plan(), standard(), policy(window={"lateness_seconds": 3_599})]))


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        ("policies/ev.toml", 'unit = "s"', 'unit = "min"', "ev.fault_longest"),
        ("policies/ev.toml", "value = 97", "value = 101", "ev.uptime"),
        ("policies/ev.toml", "value = 0.9\n", "value = 1.1\n", "ev.site_load_near"),
        ("policies/emergency.toml", "value = 480", "value = 0", "emergency.risk_after"),
        ("policies/emergency.toml", "value = 0.9\n", "value = 9\n", "emergency.share_within"),
        ("policies/emergency.toml", "[5.0, 120.0]", "[120.0, 5.0]", "settings.coverage.travel.leg_speed_kmh"),
        ("policies/tax.toml", "value = 100000000", "value = 0", "tax.building_year"),
        ("policies/tax.toml", "[0.14, 0.055", "[0.1, 0.055", "settings.pace.month_shares"),
        ("policies/water.toml", "value = 25", "value = 0", "water.range.do_mg_l.high"),
        ("policies/water.toml", "value = 6\n", "value = 1\n", "water.flat_line"),
        ("policies/water.toml", "value = 0.5\n", "value = 0\n", "water.step.ph"),
        ("policies/parking.toml", "value = 0.95", "value = 0", "parking.nearly_full"),
        ("jianghan-14fyp.toml", 'unit = "min"', 'unit = "s"', "emergency.response"),
        ("jianghan-14fyp.toml", 'op = ">="', 'op = "<="', "tax.hundred_million_buildings"),
    ],
)
def test_what_a_feed_cannot_judge_by_is_named(file: str, old: str, new: str, key: str) -> None:
    text = (PLAN / file).read_text(encoding="utf-8")
    assert old in text
    document = parse_any(text.replace(old, new, 1).replace("clear_value", "# clear_value"), file=file)
    judges = build_judges([feed.value for feed in feeds_of(document)], ProcessorSettings())
    assert [where for where, _ in refusals(document, judges)] == [key]


def test_whatever_a_feed_trips_over_is_a_fault_of_the_document() -> None:
    class Tripping:
        feed = "ev"

        def with_document(self, document: object) -> None:
            raise OverflowError(f"too much for {type(document).__name__}")

    reason = "the feed ev cannot use it: OverflowError('too much for PlanDocument')"
    assert refusals(plan(), [cast("Judge[Any]", Tripping())]) == [("document", reason)]


def test_the_target_is_in_force_from_local_midnight_to_local_midnight() -> None:
    text = (HEAD + "valid_to = 2022-12-31\n" + INDICATOR).replace('name = "P"\n', 'name = "P"\n', 1)
    regimes = Regimes(PlanBook([parse_document(text, PlanDocument, file="p.toml"), standard(), policy()]))
    midnight_2021 = 1_609_459_200_000_000 - 8 * 3_600_000_000
    midnight_2023 = 1_672_531_200_000_000 - 8 * 3_600_000_000
    found = [regimes.near(at) for at in (midnight_2021 - 1, midnight_2021, midnight_2023 - 1, midnight_2023)]
    assert [regime.target is not None for regime in found] == [False, True, True, False]


def test_a_feed_without_rules_is_refused_by_name() -> None:
    with pytest.raises(UnknownFeedError, match="no rules for bees; there are rules for water"):
        build_judges(["bees"], ProcessorSettings())
    assert [judge.feed for judge in build_judges(["water"], ProcessorSettings())] == ["water"]


@pytest.mark.parametrize("feed", ["water", "parking", "emergency"])
def test_a_district_file_with_a_slip_of_the_pen_is_named_with_the_key(feed: str, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    text = ProcessorSettings().district_file.read_text(encoding="utf-8")
    file.write_text(text.replace("spaces = ", "spacs = ", 1), encoding="utf-8")
    with pytest.raises(
        UnusablePlanError, match=r"own\.toml: lot\[0\]\.spaces: is missing; lot\[0\]\.spacs: is not a known key"
    ):
        build_judges([feed], ProcessorSettings(district_file=file))
    file.write_bytes("江汉区".encode("gbk"))
    with pytest.raises(UnusablePlanError, match=r"own\.toml: file: cannot be read: 'utf-8'"):
        build_judges([feed], ProcessorSettings(district_file=file))
