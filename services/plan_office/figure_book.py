"""All revisions of all figures that people entered, in the order of the log. Pure.

Which of two records counts follows from their order alone: the same revision of a figure entered twice counts once, a
revision that corrects what is no longer the newest is overtaken, and the first confirmation stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from schemas.target_figure import TargetFigure
from services.plan_office.figure import Figure

Place = tuple[str, date, date]
"""Target, first and last day of a period."""


class Fate(StrEnum):
    """What becomes of a record."""

    COUNTS = "counts"
    REPEATED = "repeated"
    """It is known already."""
    OVERTAKEN = "overtaken"
    """Another revision of the same number stands before it, or what it confirms is not there."""


def fate_of(record: TargetFigure, known: Mapping[int, TargetFigure]) -> Fate:
    """What becomes of a record.

    Args:
        known: Revisions of the same target and period that count, by number.
    """
    stands = known.get(record.revision)
    if stands is not None:
        if stands.figure_id != record.figure_id:
            return Fate.OVERTAKEN
        return Fate.COUNTS if record.is_confirmed and not stands.is_confirmed else Fate.REPEATED
    newest = known.get(record.revision - 1)
    follows = not known if record.revision == 0 else newest is not None and newest.figure_id == record.corrects
    return Fate.COUNTS if follows and not record.is_confirmed else Fate.OVERTAKEN


class FigureBook:
    """What was entered and confirmed; `take` adds a record."""

    def __init__(self, records: Iterable[TargetFigure] = ()) -> None:
        self._places: Final[dict[Place, dict[int, TargetFigure]]] = {}
        for record in records:
            self.take(record)

    def take(self, record: TargetFigure) -> Fate:
        """Add the next record of the log; returns what became of it."""
        known = self._places.get(record.place, {})
        fate = fate_of(record, known)
        if fate is Fate.COUNTS:
            self._places.setdefault(record.place, {})[record.revision] = record
        return fate

    def revisions(self, place: Place) -> tuple[TargetFigure, ...]:
        """Revisions of one figure, the first one in front."""
        return tuple(one for _, one in sorted(self._places.get(place, {}).items()))

    def newest(self, place: Place) -> TargetFigure | None:
        """The newest revision, confirmed or not; None when there is none."""
        return (self.revisions(place) or (None,))[-1]

    def get(self, figure_id: str) -> TargetFigure | None:
        """A revision by its id."""
        return next((one for one in self.all() if one.figure_id == figure_id), None)

    def all(self) -> tuple[TargetFigure, ...]:
        """Every revision, by target, period and number."""
        return tuple(one for place in sorted(self._places) for one in self.revisions(place))

    def waiting(self) -> tuple[TargetFigure, ...]:
        """Newest revisions that nobody has confirmed."""
        return tuple(
            one for place in sorted(self._places) if (one := self.newest(place)) is not None and not one.is_confirmed
        )

    def figures(self, target: str, *, known_at: datetime | None = None) -> list[Figure]:
        """What counts of a target: of each period the newest revision that was confirmed.

        Args:
            known_at: As it was known then; None: now.
        """
        return figures_of((one for one in self.all() if one.target == target), known_at=known_at)


def figures_of(revisions: Iterable[TargetFigure], *, known_at: datetime | None = None) -> list[Figure]:
    """What counts of the revisions of one target, as its judge takes it, by period.

    Args:
        known_at: Only what had been confirmed by then.
    """
    newest: dict[Place, TargetFigure] = {}
    for one in revisions:
        if one.confirmed_at is None or (known_at is not None and one.confirmed_at > known_at):
            continue
        if (known := newest.get(one.place)) is None or known.revision < one.revision:
            newest[one.place] = one
    return [
        Figure(one.value, one.period_start, one.period_end, one.revision, one.figure_id)
        for _, one in sorted(newest.items())
    ]
