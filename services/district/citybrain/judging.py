"""Answers and books against what must come of a check. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from services.district.citybrain.checks import Check, Expected
from services.district.citybrain.rules import clause

_NOT_FOR_GOOD: Final = frozenset({408, 425, 429})
"""4xx that ask to be tried again."""
_GONE: Final = 410
SHOWN_MAX: Final = 80
"""Of what the read-back address says, so many characters are shown."""


class Outcome(StrEnum):
    """What a check has found."""

    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one request."""

    status: int | None
    """None: no whole answer came in time."""
    seconds: float
    detail: str = ""
    """Why there was no answer."""


@dataclass(frozen=True, slots=True)
class BooksAnswer:
    """What the read-back address said of an alert."""

    known: bool
    said: Mapping[str, Any]
    trouble: str = ""
    """Why it said nothing that can be used."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check with its outcome."""

    name: str
    outcome: Outcome
    slowest_seconds: float
    clause: str
    observed: tuple[str, ...] = ()
    """What was seen that must not be."""
    fix: str = ""
    """What to do about it; empty when it passed."""


def judged(check: Check, answers: Sequence[Answer], books: BooksAnswer | None) -> Finding:
    """What a check has found.

    Args:
        books: None: there is no read-back address, so the answers alone are judged.
    """
    observed = list(dict.fromkeys(seen for each in answers if (seen := _of_answer(each, check.expected))))
    if books is not None and check.alert_id is not None:
        observed += _of_books(check, books)
    slowest = max((each.seconds for each in answers), default=0.0)
    if not observed:
        return Finding(check.name, Outcome.PASSED, slowest, clause(check.rule))
    return Finding(check.name, Outcome.FAILED, slowest, clause(check.rule), tuple(observed), check.fix)


def _of_answer(answer: Answer, expected: Expected) -> str | None:
    status = answer.status
    if status is None:
        return f"no answer: {answer.detail}"
    if 300 <= status < 400:
        return f"answered {status}: a redirect is never followed"
    if status == _GONE:
        return "answered 410: this ends the subscription"
    if expected is Expected.TAKEN:
        return None if 200 <= status < 300 else f"answered {status} instead of 2xx{_meaning(status)}"
    if 200 <= status < 300:
        return f"answered {status}: it was taken"
    return f"answered {status} instead of 401{_meaning(status)}" if status >= 500 or status in _NOT_FOR_GOOD else None


def _meaning(status: int) -> str:
    if status >= 500 or status in _NOT_FOR_GOOD:
        return ": it would be sent again"
    return ": it would never be sent again"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


def _of_books(check: Check, books: BooksAnswer) -> list[str]:
    if books.trouble:
        return [f"the read-back address: {books.trouble}"]
    if not check.books:
        return ["it is in your books"] if books.known else []
    if not books.known:
        return ["it is not in your books"]
    return [
        f"your books say {name} {_short(books.said.get(name))} instead of {wanted!r}"
        for name, wanted in check.books.items()
        if books.said.get(name) != wanted
    ]
