"""What differs between two courses, and how far the first agrees with real life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.district.whatif_compare import (
    Aspect,
    Change,
    Circumstances,
    Why,
    agreement,
    compare_alerts,
    compare_figures,
    counts,
    source_of,
)
from services.read_model.history import RaisedRow

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
SOURCE = {"kind": "policy", "id": "p", "version": "1", "where": "desk", "valid_from": "2020-01-01", "valid_to": None}


def at(hours: float) -> str:
    return (SINCE + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def alert(begin: float, end: float | None = None, **given: Any) -> dict[str, Any]:
    limit = {"id": "x.limit", "value": 5.0, "unit": "s", "comparator": "<=", "source": SOURCE}
    return {
        "rule": "x.rule", "asset": "a", "place": "A", "severity": "III", "started_at": at(begin),
        "raised_at": at(begin), "ended_at": None if end is None else at(end),
        "observed_value": 7.0, "observed_unit": "s", "threshold": limit,
        "limits": [], "suppression": None, "members": [], "text": {"zh": "一", "en": "one"},
    } | given  # fmt: skip


def compared(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> Any:
    return compare_alerts(ours, theirs, since=SINCE, until=UNTIL)


def test_alerts_that_begin_together_are_one_and_what_differs_is_named() -> None:
    found = compared([alert(1, 2)], [alert(1, 3, severity="II", observed_value=9.0)])
    (one,) = found.differences
    assert (one.change, one.aspects) == (Change.CHANGED, (Aspect.SEVERITY, Aspect.TIMES, Aspect.OBSERVED))
    assert compared([alert(1, 2)], [alert(1, 2)]) == ([], 1, 0)


def test_another_source_alone_is_no_difference() -> None:
    other = alert(1, 2)
    other["threshold"] = {**other["threshold"], "source": {**SOURCE, "version": "2"}}
    assert compared([alert(1, 2)], [other]) == ([], 0, 1)
    other["threshold"] = {**other["threshold"], "value": 4.0}
    assert compared([alert(1, 2)], [other]).differences[0].aspects == (Aspect.THRESHOLD,)


def test_alerts_that_overlap_are_one_and_others_are_gone_or_added() -> None:
    #   in force     1----2        5--6   9-10
    #   alternative    1.5--3                     12-
    found = compared([alert(1, 2), alert(5, 6), alert(9, 10)], [alert(1.5, 3), alert(12)])
    assert [(one.change, one.either["started_at"]) for one in found.differences] == [
        (Change.CHANGED, at(1)), (Change.GONE, at(5)), (Change.GONE, at(9)), (Change.ADDED, at(12)),
    ]  # fmt: skip
    assert counts(found.differences, "rule") == {"x.rule": {"gone": 2, "added": 1, "changed": 1}}


def test_of_a_pair_one_must_have_begun_in_the_span() -> None:
    before, after = alert(-2, 1), alert(24)
    assert compared([before, after], []) == ([], 0, 0)
    assert [one.change for one in compared([before], [alert(0, 1)]).differences] == [Change.CHANGED]


def test_two_of_other_assets_are_never_one() -> None:
    found = compared([alert(1, 2)], [alert(1, 2, asset="b")])
    assert [(one.change, one.either["asset"]) for one in found.differences] == [(Change.GONE, "a"), (Change.ADDED, "b")]


def figure(value: float | None, status: str, target: float = 3.0) -> dict[str, Any]:
    source = {**SOURCE, "kind": "plan", "where": "page 31"}
    limit = {"id": "w", "value": target, "unit": "class", "comparator": "<=", "source": source}
    return {
        "id": "w", "subject": "l", "subject_name": None, "period_start": at(0), "period_end": at(4), "value": value,
        "unit": "class", "status": status, "threshold": limit,
    }  # fmt: skip


def test_a_figure_differs_by_value_and_status_and_cites_both_pages() -> None:
    pairs = [
        {"in_force": figure(3, "met"), "alternative": figure(3, "not_met", 2.0)},
        {"in_force": figure(4, "not_met"), "alternative": figure(4, "not_met", 2.0)},
        {"in_force": None, "alternative": figure(None, "cannot_say")},
    ]
    found = compare_figures(pairs, 10)
    assert [one.change for one in found.differences] == [Change.CHANGED, Change.ADDED]
    assert found.differences[0].aspects == (Aspect.STATUS,)
    assert (found.same, found.reworded) == (7, 1)
    assert source_of(found.differences[0].in_force) == "plan p, version 1, page 31"


def stored(begin: float, asset: str = "a", version: str = "1", severity: str = "III") -> RaisedRow:
    began = SINCE + timedelta(hours=begin)
    return RaisedRow(f"{asset}{begin}", "x.rule", asset, severity, began, None, "policy", "p", version)


def agreed(rows: list[RaisedRow], ours: list[dict[str, Any]], *, gone: bool = False, imported: bool = False) -> Any:
    around = Circumstances(gone, imported, {("policy", "p", "1")})
    return agreement(rows, ours, around, since=SINCE, until=UNTIL)


def test_a_baseline_agrees_by_rule_asset_and_begin() -> None:
    found = agreed([stored(1), stored(2, "b", severity="I")], [alert(1), alert(2, asset="b"), alert(-1, asset="c")])
    assert found.is_whole
    assert (found.equal, found.equal_but_severity, found.stored, found.judged) == (2, 1, 2, 2)


def test_each_disagreement_has_its_reason() -> None:
    rows = [stored(1), stored(5, "b", version="0"), stored(7, "c")]
    found = agreed(rows, [alert(1.5), alert(9, asset="d")])
    assert {(one.asset, one.is_stored): one.why for one in found.disagreements} == {
        ("a", True): Why.OTHER_TIMES,
        ("a", False): Why.OTHER_TIMES,
        ("b", True): Why.OTHER_DOCUMENT,
        ("c", True): Why.NOT_KNOWN,
        ("d", False): Why.NOT_KNOWN,
    }
    assert not found.is_whole
    assert agreed([stored(7)], [], gone=True, imported=True).disagreements[0].why is Why.READINGS_GONE
    assert agreed([], [alert(7)], imported=True).disagreements[0].why is Why.READINGS_IMPORTED
