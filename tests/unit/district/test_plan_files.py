"""`district plan`: every fault by file, key and reason; what is in force; what a version changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from schemas.fields import Feed
from schemas.plan.book import Document, PlanBook
from schemas.plan.publication import effective_from
from schemas.plan.ranges import out_of_range
from services.district.plan_files import Checked, check_all, check_text, default_files, overlaps
from services.district.plan_thresholds import differences, overtaken, rows_at
from services.read_model.plan_limits import in_force_at, subject_of

POLICY = """
feed = "water"
[policy]
id = "water-do"
version = "1"
name = "Oxygen"
owner = "desk"
valid_from = 2024-01-01
[window]
lateness_seconds = 60
samples_max = 16
[[limit]]
id = "water.do_least"
name = "Least oxygen"
name_zh = "最低溶解氧"
value = 5
unit = "mg/L"
comparator = ">="
scope = "each station"
[[rule]]
id = "water.do_low"
name = "Low oxygen"
name_zh = "溶解氧低"
limit = "water.do_least"
clear_value = 5
advice_zh = "查"
advice_en = "Look."
severity = [{ level = 1, severity = "IV" }]
"""


def check(text: str = POLICY, file: str = "a.toml") -> Checked:
    return check_text(text, file)


def document(text: str = POLICY) -> Document:
    found = check(text)
    assert found.document is not None
    assert found.faults == ()
    return found.document


def test_the_documents_that_ship_have_no_faults() -> None:
    checked, faults = check_all(default_files())
    assert faults == []
    assert len(checked) >= 4


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('owner = "desk"\n', "", "policy.owner"),
        ('limit = "water.do_least"', 'limit = "water.none"', "rule[0].limit"),
        ('feed = "water"', 'feed = "sea"', "feed"),
        ("valid_from = 2024-01-01", "valid_from = 2024-01-02\nvalid_to = 2024-01-01", "policy.valid_to"),
        ("clear_value = 5", "clear_value = 4.9", "rule[0].clear_value"),
        ('">="', '"=="', "limit[0].comparator"),
        ("value = 5", "value = -5", "limit[0].value"),
        ("clear_value = 5", "clear_value = 2e9", "rule[0].clear_value"),
        ("lateness_seconds = 60", "lateness_seconds = 5_184_001", "window.lateness_seconds"),
        ("lateness_seconds = 60", "lateness_seconds = 0", "window.lateness_seconds"),
        ("clear_value = 5", "clear_value = 5\nhold_seconds = -1", "rule[0].hold_seconds"),
        ("clear_value = 5", "clear_value = 5\nmax_age_seconds = 31_622_401", "rule[0].max_age_seconds"),
        ("valid_from = 2024-01-01", "valid_from = 0001-01-01", "policy.valid_from"),
        ("[window]", "[settings]\nn = [1, inf]\n[window]", "settings.n[1]"),
        ("[policy]", "[rules]", "document"),
        ("[policy]", "[policy", "document"),
    ],
)
def test_a_fault_is_named_by_its_key(old: str, new: str, key: str) -> None:
    assert old in POLICY
    faults = check(POLICY.replace(old, new, 1)).faults
    assert [fault.key for fault in faults] == [key]
    assert faults[0].file == "a.toml"
    assert faults[0].reason


def test_a_maintenance_window_is_at_most_a_year() -> None:
    window = """
[[maintenance]]
id = "w"
starts = 2024-01-01T00:00:00+08:00
ends = {}
reason = "works"
owner = "desk"
"""
    assert check(POLICY + window.format("2025-01-01T00:00:00+08:00")).faults == ()
    for end in ("2025-01-01T00:00:01+08:00", "2023-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00"):
        found = check(POLICY + window.format(end))
        assert found.document is None
        assert all(fault.key.startswith("maintenance[0]") for fault in found.faults)


def test_a_fault_of_a_figure_says_the_figure_and_what_it_may_be() -> None:
    (fault,) = check(POLICY.replace("value = 5", "value = -5", 1)).faults
    assert fault.reason == "water.do_least: -5 mg/L cannot be: a content lies between 0 and 1,000,000,000"
    (fault,) = check(POLICY.replace("lateness_seconds = 60", "lateness_seconds = 6_000_000")).faults
    assert fault.reason == "6000000 cannot be: it must be at most 5184000"


@pytest.mark.parametrize(
    ("unit", "value", "possible"),
    [
        ("s", 0, True),
        ("s", -0.001, False),
        ("s", 31_622_401, False),
        ("min", 10, True),
        ("free spaces", -1, False),
        ("share of residents", 1.1, False),
        ("class (1=I .. 5=V)", 7, False),
        ("Cel", -2, True),
        ("Cel", -300, False),
        ("%", 130, True),
        ("bananas", -130, True),
        ("bananas", 1e16, False),
    ],
)
def test_what_a_figure_can_be_follows_from_its_unit(unit: str, value: float, possible: bool) -> None:
    assert (out_of_range(value, unit) is None) is possible


def test_a_target_that_cannot_be_is_named() -> None:
    plan = next(path for path in default_files() if path.name == "jianghan-14fyp.toml").read_text(encoding="utf-8")
    assert [fault.key for fault in check(plan.replace("target = 33", "target = -33", 1)).faults] == [
        "indicator[2].target"
    ]
    late = check(plan.replace("due = 2025-12-31", "due = 2026-01-01", 1))
    assert [fault.key for fault in late.faults] == ["indicator[0].due"]


def test_a_standard_has_no_limit_of_nothing() -> None:
    standard = next(path for path in default_files() if path.name == "gb3838-2002.toml").read_text(encoding="utf-8")
    found = check(standard.replace("[0.15, 0.5,", "[0, 0.5,", 1))
    assert [fault.key for fault in found.faults] == ["item[6].limits[0]"]


def test_the_version_published_last_of_those_with_one_first_day_is_in_force_until_another_is_published_again() -> None:
    one, two = document(), document(POLICY.replace('version = "1"', 'version = "2"'))
    later = effective_from(document(POLICY.replace('version = "1"', 'version = "3"')), date(2024, 7, 1))
    book = PlanBook([one, two, later])
    assert [overtaken(book, each) for each in (one, two, later)] == [True, False, False]
    again = book.with_document(one)
    assert [overtaken(again, each) for each in (one, two, later)] == [False, True, False]
    assert in_force_at(again, subject_of(one), date(2024, 6, 30)) == one


def test_a_plan_that_shares_a_target_and_the_first_day_overtakes_another() -> None:
    text = next(path for path in default_files() if path.name == "jianghan-14fyp.toml").read_text(encoding="utf-8")
    plan, other = document(text), document(text.replace('id = "jianghan-14fyp"', 'id = "other"', 1))
    assert overtaken(PlanBook([plan, other]), plan)
    assert not overtaken(PlanBook([other, plan]), plan)


def test_a_target_without_its_page_does_not_load() -> None:
    plan = next(path for path in default_files() if path.name == "jianghan-14fyp.toml").read_text(encoding="utf-8")
    found = check(plan.replace("page = 31\n", "", 1))
    assert found.document is None
    assert [(fault.key, fault.reason) for fault in found.faults] == [("indicator[0].page", "is missing")]


def test_all_faults_are_said_at_once() -> None:
    text = POLICY.replace('owner = "desk"\n', "").replace('feed = "water"', 'feed = "sea"')
    text = text.replace('limit = "water.do_least"', 'limit = "water.none"')
    assert [fault.key for fault in check(text).faults] == ["feed", "policy.owner", "rule[0].limit"]


def test_a_last_day_equal_to_the_first_is_a_day_in_force() -> None:
    document(POLICY.replace("valid_from = 2024-01-01", "valid_from = 2024-01-01\nvalid_to = 2024-01-01"))


def test_files_that_cannot_both_be_published() -> None:
    same_version = check(POLICY.replace("value = 5", "value = 4").replace("clear_value = 4", "clear_value = 5"), "b")
    same_day = check(POLICY.replace('version = "1"', 'version = "2"'), "b")
    assert [fault.key for fault in overlaps([check(), same_version])] == ["policy.version"]
    assert [fault.key for fault in overlaps([check(), same_day])] == ["policy.valid_from"]
    assert overlaps([check(), check()]) == []


def test_what_is_in_force_follows_the_date_and_what_changes_is_said() -> None:
    six = POLICY.replace('version = "1"', 'version = "2"').replace("value = 5", "value = 6")
    old, new = document(), effective_from(document(six), date(2024, 7, 1))
    book = PlanBook([old, new])
    values = [[row.value for row in rows_at(book, day, Feed.WATER)] for day in (date(2024, 6, 30), date(2024, 7, 1))]
    assert values == [[5], [6]]
    assert rows_at(book, date(2023, 12, 31)) == []
    assert rows_at(book, date(2024, 7, 1), Feed.EV) == []
    assert differences(old, new) == ["~ water.do_least: >= 5 mg/L → >= 6 mg/L"]
    assert differences(None, old) == ["+ water.do_least: >= 5 mg/L"]
    assert differences(old, old) == []


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    _, faults = check_all([tmp_path / "none.toml"])
    assert [fault.key for fault in faults] == ["file"]
