"""Which version of a document was in force at a moment of event time. Pure.

A version is in force from local midnight (+08:00) of its first day to the end of its last; where several are, the one
with the latest first day, and of those the one published last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DAY_US: Final = 86_400 * 1_000_000
_LOCAL_OFFSET_US: Final = 8 * 3_600 * 1_000_000


def local_midnight_us(day: date) -> int:
    """Microseconds since 1970 (UTC) at which a local day begins."""
    return (day.toordinal() - _EPOCH_DAY) * _DAY_US - _LOCAL_OFFSET_US


@dataclass(frozen=True, slots=True)
class Version(Generic[T]):
    """Something with the time in which it is in force."""

    content: T
    from_us: int
    until_us: int | None
    """Exclusive; None: no end."""


def version_of(content: T, valid_from: date, valid_to: date | None) -> Version[T]:
    """A version that is in force from the first day to the end of the last one."""
    until = None if valid_to is None else local_midnight_us(valid_to) + _DAY_US
    return Version(content, local_midnight_us(valid_from), until)


class Versions(Generic[T]):
    """Versions of one thing, in the order in which they were published."""

    __slots__ = ("_found", "_from_us", "_until_us", "all")

    def __init__(self, versions: Iterable[Version[T]]) -> None:
        self.all: tuple[Version[T], ...] = tuple(versions)
        self._from_us = 1
        self._until_us = 0
        self._found: T | None = None

    def at(self, at_us: int) -> T | None:
        """What was in force at this moment; None when nothing was."""
        if self._from_us <= at_us < self._until_us:
            return self._found
        best: Version[T] | None = None
        edges = [-(2**62), 2**62]
        for version in self.all:
            edges += [version.from_us] if version.until_us is None else [version.from_us, version.until_us]
            inside = version.from_us <= at_us and (version.until_us is None or at_us < version.until_us)
            if inside and (best is None or version.from_us >= best.from_us):
                best = version
        self._from_us = max(edge for edge in edges if edge <= at_us)
        self._until_us = min(edge for edge in edges if edge > at_us)
        self._found = None if best is None else best.content
        return self._found
