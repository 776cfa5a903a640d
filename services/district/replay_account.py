"""What became of a replay's readings: the sums that must add up, and the classes beside the published ones. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from schemas.dead_letter import DeadLetterSource
from simulators.replay.cnemc import CLASSES
from simulators.replay.numbering import Key, Outgoing

CLASS_WORDS: Final = {rank: word for word, rank in CLASSES.items()}
NO_CLASS: Final = "–"


@dataclass(frozen=True, slots=True)
class Account:
    """sent = stored + dead_lettered + duplicates + missing; missing is empty once all is well.

    `sent` counts every reading of the file once, an exact repeat of a row once more; what transport sends again does
    not count. A reading is stored when this replay brought it into the database, a duplicate when it was there already:
    from an earlier run in the same lane, or from a row that this one repeats.
    """

    sent: int
    stored: int
    dead_lettered: int
    duplicates: int
    missing: tuple[Outgoing, ...]


def settle(
    sent: Sequence[Outgoing], *, before: AbstractSet[Key], stored: AbstractSet[Key], dead: Collection[Key]
) -> Account:
    """Add up what became of each reading.

    Args:
        before: Keys that were stored before the replay began.
        stored: Keys that are stored now.
        dead: Keys that were dead-lettered since the replay began.
    """
    seen: set[Key] = set()
    n_stored = n_dead = n_duplicates = 0
    missing = []
    for each in sent:
        if each.key in stored:
            is_new = each.key not in before and each.key not in seen
            n_stored += is_new
            n_duplicates += not is_new
            seen.add(each.key)
        elif each.key in dead:
            n_dead += 1
        else:
            missing.append(each)
    return Account(len(sent), n_stored, n_dead, n_duplicates, tuple(missing))


def awaited_by_sink(sent: Sequence[Outgoing], dead: Mapping[Key, str]) -> int:
    """How many records of the replay reach the sink: all but those that the bridge refused.

    Args:
        dead: Keys dead-lettered since the replay began, and by which service.
    """
    return sum(dead.get(each.key) != DeadLetterSource.INGEST_BRIDGE for each in sent)


class PointClass(NamedTuple):
    """The class that the platform stored for a sample."""

    rank: int | None
    deciding: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A row whose stored class is not the published one."""

    row: int
    place: tuple[str, ...]
    at: datetime | None
    published: str
    stored: str
    why: str
    """Deciding items, or why there is no class."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far the classes agree with the publisher's."""

    labelled: int
    differences: tuple[Difference, ...]

    @property
    def agreeing(self) -> int:
        """Rows whose stored class is the published one."""
        return self.labelled - len(self.differences)


def compare(sent: Sequence[Outgoing], classes: Mapping[Key, PointClass]) -> Comparison:
    """Compare the class of each labelled row with the published one; a row without a stored class does not agree."""
    labelled = [each for each in sent if each.source.label is not None]
    differences = [
        found for each in sorted(labelled, key=lambda e: e.source.row) if (found := _difference(each, classes))
    ]
    return Comparison(len(labelled), tuple(differences))


def _why(found: PointClass | None) -> str:
    if found is None:
        return "not stored"
    return found.reason if found.rank is None else ", ".join(found.deciding) or "no item beyond class I"


def _difference(each: Outgoing, classes: Mapping[Key, PointClass]) -> Difference | None:
    source, published = each.source, each.source.label or ""
    found = classes.get(each.key)
    rank = found.rank if found else None
    if rank is not None and rank == CLASSES.get(published):
        return None
    stored = CLASS_WORDS.get(rank, NO_CLASS) if rank is not None else NO_CLASS
    why = _why(found)
    return Difference(source.row, source.place, source.at, published, stored, why)
