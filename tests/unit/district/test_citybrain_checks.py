"""The conformance kit by itself: what it sends is valid, and what it says of each answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.subscription import Rendering
from services.alert_life.renderings import cap_reader
from services.district.citybrain.checks import Check, Expected, checks
from services.district.citybrain.judging import Answer, BooksAnswer, Outcome, judged
from services.district.citybrain.rules import Rule, clause
from services.district.citybrain.samples import Samples
from tests.cloudevents_reading import parse_binary, parse_structured

SAMPLES = Samples("run", datetime(2026, 7, 1, 12, tzinfo=UTC))
PAGE = Path(__file__).parents[3] / "docs" / "citybrain.md"
ODD = {"unknown-field", "unknown-type"}


def named(name: str) -> Check:
    return next(each for each in checks(SAMPLES) if each.name == name)


@pytest.mark.parametrize("rendering", Rendering)
def test_what_is_sent_are_valid_events_but_for_what_is_unknown_on_purpose(rendering: Rendering) -> None:
    found = checks(SAMPLES, rendering)
    assert len({each.name for each in found}) == len(found)
    for check in found:
        for request in check.requests:
            if rendering is Rendering.CAP:
                assert cap_reader.parse(request.body).identifier == request.event_id
            elif check.name not in ODD:
                read = (
                    parse_binary(request.headers, request.body)
                    if rendering is Rendering.CLOUDEVENTS_BINARY
                    else parse_structured(request.body)
                )
                assert read.id == request.event_id


def test_nothing_that_is_sent_is_taken_for_real_life_unless_that_is_asked_for() -> None:
    for live in (False, True):
        samples = Samples("run", SAMPLES.now, live)
        read = [
            parse_structured(request.body).exercise
            for check in checks(samples)
            if check.name not in ODD
            for request in check.requests
        ]
        assert read.count(True) == (1 if live else len(read))


def test_every_rule_is_checked_and_stands_on_the_page_by_its_number() -> None:
    assert {each.rule for each in checks(SAMPLES)} == set(Rule)
    numbers = {int(number) for number in re.findall(r"^(\d+)\. \*\*", PAGE.read_text(encoding="utf-8"), re.MULTILINE)}
    assert {rule.value for rule in Rule} <= numbers


def test_alerts_of_two_runs_are_different_ones() -> None:
    other = Samples("other", SAMPLES.now)
    assert {each.alert_id for each in checks(SAMPLES)}.isdisjoint(
        {each.alert_id for each in checks(other) if each.alert_id is not None}
    )


TAKEN = BooksAnswer(known=True, said={"revision": 0, "standing": "open"})


@pytest.mark.parametrize(
    ("name", "status", "books", "seen"),
    [
        ("good", 204, None, ()),
        ("good", 200, TAKEN, ()),
        ("good", 404, None, ("answered 404 instead of 2xx: it would never be sent again",)),
        ("good", 503, None, ("answered 503 instead of 2xx: it would be sent again",)),
        ("good", 429, None, ("answered 429 instead of 2xx: it would be sent again",)),
        ("good", 302, None, ("answered 302: a redirect is never followed",)),
        ("good", 410, None, ("answered 410: this ends the subscription",)),
        ("good", None, None, ("no answer: not within 10 s",)),
        ("good", 200, BooksAnswer(False, {}), ("it is not in your books",)),
        ("good", 200, BooksAnswer(False, {}, "answered 500"), ("the read-back address: answered 500",)),
        (
            "good",
            200,
            BooksAnswer(True, {"revision": 4}),
            ("your books say revision 4 instead of 0", "your books say standing None instead of 'open'"),
        ),
        (
            "good",
            200,
            BooksAnswer(True, {"revision": "x" * 1_000, "standing": "open"}),
            (f"your books say revision '{'x' * 79}… instead of 0",),
        ),
        ("signature-forged", 401, BooksAnswer(False, {}), ()),
        ("signature-forged", 403, None, ()),
        ("signature-forged", 200, TAKEN, ("answered 200: it was taken", "it is in your books")),
        ("signature-forged", 500, None, ("answered 500 instead of 401: it would be sent again",)),
        ("signature-forged", 429, None, ("answered 429 instead of 401: it would be sent again",)),
        ("signature-forged", 410, None, ("answered 410: this ends the subscription",)),
    ],
)
def test_what_is_said_of_an_answer(name: str, status: int | None, books: BooksAnswer | None, seen: tuple[str]) -> None:
    check = named(name)
    answers = [Answer(status, 0.25, "" if status else "not within 10 s") for _ in check.requests]
    finding = judged(check, answers, books)
    assert finding.observed == seen
    assert finding.outcome is (Outcome.FAILED if seen else Outcome.PASSED)
    assert (finding.fix == check.fix) is bool(seen)
    assert finding.clause == clause(check.rule)
    assert finding.slowest_seconds == 0.25


def test_one_bad_answer_of_several_is_enough_and_is_said_once() -> None:
    finding = judged(named("repeated"), [Answer(200, 0.1), Answer(409, 0.3), Answer(409, 0.2)], None)
    assert finding.observed == ("answered 409 instead of 2xx: it would never be sent again",)
    assert named("repeated").expected is Expected.TAKEN
    assert finding.slowest_seconds == 0.3
