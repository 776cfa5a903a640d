"""Ranges of whole numbers as PostgreSQL writes an `int8multirange`: `{[5,8),[9,10)}`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_RANGE: Final = re.compile(r"\[(\d+),(\d+)\)")


def ranges_of(numbers: str) -> Iterator[tuple[int, int]]:
    """First and last number of each range."""
    for first, end in _RANGE.findall(numbers):
        yield int(first), int(end) - 1


def overlap(numbers: str, others: str) -> bool:
    """Whether a number is in both."""
    theirs = list(ranges_of(others))
    return any(first <= end and begin <= last for first, last in ranges_of(numbers) for begin, end in theirs)


def named(numbers: str, most: int | None = None) -> str:
    """Numbers as people read them: `5-7, 9`.

    Args:
        most: So many ranges are named; how many are left out is said.
    """
    found = [f"{first}" if first == last else f"{first}-{last}" for first, last in ranges_of(numbers)]
    more = 0 if most is None else len(found) - most
    return ", ".join(found[:most]) + (f" +{more}" if more > 0 else "")
