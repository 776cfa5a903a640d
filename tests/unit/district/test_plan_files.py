"""`district plan`: every fault by file, key and reason; what is in force; what a version changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from schemas.fields import Feed
from schemas.plan.book import Document, PlanBook
from schemas.plan.publication import effective_from
from services.district.plan_files import Checked, check_all, check_text, default_files, overlaps
from services.district.plan_thresholds import differences, rows_at

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
