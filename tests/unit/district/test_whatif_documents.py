"""When another document would be in force, whom it concerns, and how far back to read."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.fields import DISTRICT_ZONE, Feed
from schemas.plan.book import Document, PlanBook, dump_document, load_document
from schemas.plan.policy import PolicyDocument
from schemas.plan.publication import effective_from
from services.district.errors import WhatIfRefused
from services.district.plan_files import check_all, check_file, default_files
from services.district.whatif import Question, check_span
from services.district.whatif_documents import (
    Ruling,
    check_in_force,
    feeds_reading,
    lane_of,
    lead_in,
    policies_of,
    stretches,
    windows_of,
)

PLAN = Path(__file__).resolve().parents[3] / "deploy" / "plan"
SINCE, UNTIL = (datetime(2026, 11, day, tzinfo=DISTRICT_ZONE) for day in (1, 4))


def book() -> PlanBook:
    return PlanBook(one.document for one in check_all(default_files())[0] if one.document is not None)


def document(file: str, **head: Any) -> Document:
    found = check_file(PLAN / file).document
    assert found is not None
    dumped = dump_document(found)
    dumped["document"][dumped["kind"]] |= head
    for entry in dumped["document"].get("indicator", ()):
        entry["due"] = head.get("end", entry["due"])
    return load_document(dumped)


def policy(feed: Feed) -> PolicyDocument:
    found = document(f"policies/{feed}.toml")
    assert isinstance(found, PolicyDocument)
    return found


def test_a_document_is_read_by_the_feeds_whose_rules_use_it() -> None:
    assert feeds_reading(document("policies/ev.toml")) == (Feed.EV,)
    assert feeds_reading(document("standards/gb3838-2002.toml")) == (Feed.WATER,)
    assert set(feeds_reading(document("jianghan-14fyp.toml"))) == {Feed.WATER, Feed.EMERGENCY, Feed.TAX}


def test_an_alternative_takes_the_place_of_what_rules_each_day() -> None:
    later = document("policies/ev.toml", version="2", valid_from="2026-11-03")
    assert check_in_force(book(), later, SINCE, UNTIL) == [
        Ruling(date(2026, 11, 1), date(2026, 11, 2), "policy ev-operations/1", "policy ev-operations/1"),
        Ruling(date(2026, 11, 3), date(2026, 11, 3), "policy ev-operations/1", "policy ev-operations/2"),
    ]


@pytest.mark.parametrize("file", ["policies/ev.toml", "standards/gb3838-2002.toml", "jianghan-14fyp.toml"])
def test_one_that_is_not_in_force_in_the_days_says_from_when(file: str) -> None:
    head = {"valid_from": "2027-01-01"} if "/" in file else {"start": "2027-01-01", "end": "2031-12-31"}
    with pytest.raises(WhatIfRefused, match=r"in force from 2027-01-01.*--effective 2026-11-01"):
        check_in_force(book(), document(file, version="next", **head), SINCE, UNTIL)


def test_a_plan_as_of_another_day_is_in_force_then() -> None:
    plan = document("jianghan-14fyp.toml", version="next", start="2027-01-01", end="2031-12-31")
    (ruling,) = check_in_force(book(), effective_from(plan, date(2026, 11, 1)), SINCE, UNTIL)
    assert (ruling.now, ruling.other) == ("plan jianghan-14fyp/2022", "plan jianghan-14fyp/next")


def test_what_is_in_force_as_it_stands_changes_nothing() -> None:
    with pytest.raises(WhatIfRefused, match="nothing can differ"):
        check_in_force(book(), document("policies/ev.toml"), SINCE, UNTIL)


def test_the_lead_in_is_the_longest_time_that_a_policy_names() -> None:
    found = lead_in([policy(Feed.EV)], Feed.EV, SINCE)
    assert found.since == SINCE - timedelta(days=7)
    assert found.reason == "policy ev-operations, version 1: rule ev.connector_silent, max_age_seconds = 604800 s"
    assert found.since == SINCE - timedelta(seconds=max(seconds for _, seconds in windows_of(policy(Feed.EV))))


def test_taxes_are_read_from_the_years_that_foretelling_uses() -> None:
    found = lead_in([policy(Feed.TAX)], Feed.TAX, SINCE)
    assert found.since == datetime(2023, 1, 1, tzinfo=DISTRICT_ZONE)
    assert "years_of_past = 3" in found.reason


def test_without_long_windows_the_local_day_is_whole() -> None:
    noon = SINCE + timedelta(hours=12)
    assert lead_in([], Feed.EV, noon).since == SINCE
    chosen = SINCE - timedelta(days=40)
    assert lead_in([policy(Feed.EV)], Feed.EV, noon, chosen=chosen).since == chosen


def test_policies_of_a_span_are_those_in_force_on_its_days() -> None:
    later = document("policies/ev.toml", version="2", valid_from="2026-11-03")
    after = document("policies/ev.toml", version="3", valid_from="2026-11-04")
    known = book().with_document(later).with_document(after)
    assert [one.policy.version for one in policies_of(known, Feed.EV, SINCE, UNTIL)] == ["1", "2"]


def test_a_lane_is_named_after_the_document_or_as_it_is_asked() -> None:
    assert lane_of(document("standards/gb3838-2002.toml"), None) == "whatif:gb-3838-2002-2002"
    assert lane_of(document("policies/ev.toml"), "try.1") == "whatif:try.1"
    with pytest.raises(WhatIfRefused, match="small letters"):
        lane_of(document("policies/ev.toml"), "Mine!")


def test_days_in_a_row_are_told_as_first_and_last() -> None:
    days = [date(2026, 11, day) for day in (1, 2, 3, 7, 9, 10)]
    assert stretches(days) == [(days[0], days[2]), (days[3], days[3]), (days[4], days[5])]
    assert stretches([]) == []


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (UNTIL, SINCE, "is not after --from"),
        (SINCE, SINCE, "is not after --from"),
        (SINCE, UNTIL, "--to 2026-11-04 00:00 lies ahead.*--to 2026-11-03T12:00"),
        (UNTIL, UNTIL + timedelta(days=1), "--from 2026-11-04 00:00 lies ahead"),
    ],
)
def test_a_span_that_history_cannot_have_is_refused(since: datetime, until: datetime, said: str) -> None:
    now = datetime(2026, 11, 3, 12, tzinfo=DISTRICT_ZONE)
    with pytest.raises(WhatIfRefused, match=said):
        check_span(Question("f", document("policies/ev.toml"), since, until, "whatif:x"), now)
