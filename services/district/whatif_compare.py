"""What differs between two courses of one history, and how well the first agrees with what was really stored. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any, Final, NamedTuple

from services.read_model.history import RaisedRow

_ENDLESS: Final = "9999"
"""After every time as text."""


class Change(StrEnum):
    """How an alert or a figure differs."""

    GONE = "gone"
    """It would not have been raised, or said."""
    ADDED = "added"
    """It would have been raised besides."""
    CHANGED = "changed"
    """It would have been another one."""


class Aspect(StrEnum):
    """In what an alert or a figure differs; the text alone, which names its source, is no difference."""

    SEVERITY = "severity"
    TIMES = "times"
    THRESHOLD = "threshold"
    OBSERVED = "observed"
    SUPPRESSION = "suppression"
    VALUE = "value"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Difference:
    """An alert or a figure under the documents in force, and under the alternative."""

    change: Change
    aspects: tuple[Aspect, ...]
    """None when it is gone or added."""
    in_force: Mapping[str, Any] | None
    """`schemas.alert.Alert` or `schemas.indicator.Indicator` as JSON."""
    alternative: Mapping[str, Any] | None

    @property
    def either(self) -> Mapping[str, Any]:
        """The one that there is; the one in force where there are both."""
        return self.in_force or self.alternative or {}


class Compared(NamedTuple):
    """What a comparison came to."""

    differences: list[Difference]
    same: int
    """The same in both."""
    reworded: int
    """The same but for the document that they cite, or their words; figures too whose target differs and no result."""


def compare_alerts(
    in_force: Iterable[Mapping[str, Any]], alternative: Iterable[Mapping[str, Any]], *, since: datetime, until: datetime
) -> Compared:
    """Compare alerts; of a pair at least one began in the span.

    Alerts of one rule and asset belong together when they began at one moment, else when they overlap in time.

    Args:
        in_force: Their last revisions; those that began before the span and lasted into it included.
    """
    ours, theirs = _by_subject(in_force), _by_subject(alternative)
    begin, end = _iso(since), _iso(until)
    found: list[Difference] = []
    same = reworded = 0
    for subject in sorted({*ours, *theirs}):
        for one, other in _paired(ours.get(subject, []), theirs.get(subject, [])):
            if not any(each and begin <= _key(each["started_at"]) < end for each in (one, other)):
                continue
            if one is None or other is None:
                found.append(Difference(Change.ADDED if one is None else Change.GONE, (), one, other))
            elif aspects := tuple(_alert_aspects(one, other)):
                found.append(Difference(Change.CHANGED, aspects, one, other))
            elif _said(one) == _said(other):
                same += 1
            else:
                reworded += 1
    found.sort(key=lambda each: (_key(each.either["started_at"]), each.either["rule"], each.either["asset"]))
    return Compared(found, same, reworded)


def compare_figures(pairs: Iterable[Mapping[str, Any]], compared: int) -> Compared:
    """Compare figures; one that comes to the same value and status by another target is not among the differences.

    Args:
        pairs: Those that say something else, `in_force` and `alternative`.
        compared: So many were compared in all.
    """
    found: list[Difference] = []
    reworded = n = 0
    for pair in pairs:
        n += 1
        one, other = pair["in_force"], pair["alternative"]
        if one is None or other is None:
            found.append(Difference(Change.ADDED if one is None else Change.GONE, (), one, other))
        elif aspects := tuple(_figure_aspects(one, other)):
            found.append(Difference(Change.CHANGED, aspects, one, other))
        else:
            reworded += 1
    found.sort(key=lambda each: (each.either["id"], each.either["period_start"], each.either["subject"]))
    return Compared(found, compared - n, reworded)


def counts(differences: Iterable[Difference], by: str) -> dict[str, dict[str, int]]:
    """How many are gone, added and changed, by a field: `rule`, `asset`, `id`, `subject`; the most first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for each in differences:
        found[each.either[by]][each.change.value] += 1
    ranked = sorted(found.items(), key=lambda item: (-item[1].total(), item[0]))
    return {name: {change.value: counted[change.value] for change in Change} for name, counted in ranked}


def source_of(said: Mapping[str, Any] | None) -> str | None:
    """The document that a verdict cites, with version and page or clause; None: it cites none."""
    threshold = None if said is None else said.get("threshold")
    if threshold is None:
        return None
    source = threshold["source"]
    return f"{source['kind']} {source['id']}, version {source['version']}, {source['where']}"


# -- the baseline against what was stored ------------------------------------------------------------------------------


class Why(StrEnum):
    """Why the course under the documents in force and real life disagree about an alert."""

    OTHER_TIMES = "other_times"
    """There is one of the same rule and asset at that time, which began at another moment."""
    OTHER_DOCUMENT = "other_document"
    """Real life judged by a version of a document that rules this time no more, or by a file that is not ours."""
    READINGS_GONE = "readings_gone"
    """Readings of that day, or of the days before, are not stored any more."""
    READINGS_IMPORTED = "readings_imported"
    """Readings of that span were imported; no processor has judged them."""
    NOT_KNOWN = "not_known"
    """Nothing of the above: what was learned before the lead-in, say, or judging that stood still."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An alert that only one of the two knows so."""

    rule: str
    asset: str
    started_at: datetime
    is_stored: bool
    """True: real life raised it; false: only the baseline does."""
    why: Why
    source: str
    """The document that it cites."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the baseline agrees with what was stored."""

    equal: int
    """The same rule, asset and begin."""
    equal_but_severity: int
    """Of these so many stand at another level."""
    stored: int
    judged: int
    disagreements: tuple[Disagreement, ...]

    @property
    def is_whole(self) -> bool:
        """Whether they agree in every alert."""
        return not self.disagreements


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What may explain a disagreement."""

    gone: bool
    imported: bool
    rules: Collection[tuple[str, str, str]]
    """Kind, id and version of the documents that rule the span."""


def agreement(
    stored: Sequence[RaisedRow],
    judged: Iterable[Mapping[str, Any]],
    around: Circumstances,
    *,
    since: datetime,
    until: datetime,
) -> Agreement:
    """Compare the alerts of the baseline that began in the span with those that real life stored."""
    begin, end = _iso(since), _iso(until)
    ours = {
        (one["rule"], one["asset"], _key(one["started_at"])): one
        for one in judged
        if begin <= _key(one["started_at"]) < end
    }
    theirs = {(one.rule, one.asset, _iso(one.started_at)): one for one in stored}
    equal = ours.keys() & theirs.keys()
    ours_alone = [(key, ours[key]) for key in sorted(ours.keys() - equal)]
    theirs_alone = [(key, theirs[key]) for key in sorted(theirs.keys() - equal)]
    near = _near([key for key, _ in ours_alone], [key for key, _ in theirs_alone])
    found = []
    for key, row in theirs_alone:
        source = row.source_kind, row.source_id, row.source_version
        found.append(_disagreement(key, source, around, near, is_stored=True))
    for key, one in ours_alone:
        cited = one["threshold"]["source"]
        found.append(_disagreement(key, (cited["kind"], cited["id"], cited["version"]), around, near, is_stored=False))
    severities = sum(ours[key]["severity"] != theirs[key].severity for key in equal)
    return Agreement(len(equal), severities, len(theirs), len(ours), tuple(found))


_Key = tuple[str, str, str]
_SAME_EPISODE_SECONDS: Final = 3_600


def _near(ours: Sequence[_Key], theirs: Sequence[_Key]) -> set[_Key]:
    """Alerts of one rule and asset that began within an hour of one another: one matter, two begins."""
    found: set[_Key] = set()
    others = defaultdict(list)
    for key in theirs:
        others[key[:2]].append(key)
    for key in ours:
        for other in others[key[:2]]:
            apart = datetime.fromisoformat(key[2]) - datetime.fromisoformat(other[2])
            if abs(apart.total_seconds()) <= _SAME_EPISODE_SECONDS:
                found |= {key, other}
    return found


def _disagreement(
    key: _Key, source: tuple[str, str, str], around: Circumstances, near: set[_Key], *, is_stored: bool
) -> Disagreement:
    why = Why.NOT_KNOWN
    if is_stored and source not in around.rules:
        why = Why.OTHER_DOCUMENT
    elif key in near:
        why = Why.OTHER_TIMES
    elif around.gone:
        why = Why.READINGS_GONE
    elif around.imported:
        why = Why.READINGS_IMPORTED
    at = datetime.fromisoformat(key[2])
    return Disagreement(key[0], key[1], at, is_stored, why, f"{source[0]} {source[1]}, version {source[2]}")


# -- alerts and figures as they are compared ---------------------------------------------------------------------------


def _by_subject(alerts: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for alert in alerts:
        found[alert["rule"], alert["asset"]].append(alert)
    for rows in found.values():
        rows.sort(key=lambda row: _key(row["started_at"]))
    return found


_Pair = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]


def _paired(ours: list[Mapping[str, Any]], theirs: list[Mapping[str, Any]]) -> Iterator[_Pair]:
    """Alerts of one rule and asset: first those that began together, then those that overlap, then the others."""
    rest, others = list(ours), list(theirs)
    for belong in (_began_together, _overlap):
        for one in list(rest):
            other = next((each for each in others if belong(one, each)), None)
            if other is not None:
                rest.remove(one)
                others.remove(other)
                yield one, other
    yield from ((one, None) for one in rest)
    yield from ((None, other) for other in others)


def _began_together(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _key(one["started_at"]) == _key(other["started_at"])


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _key(one["started_at"]) <= _end(other) and _key(other["started_at"]) <= _end(one)


def _end(alert: Mapping[str, Any]) -> str:
    return _ENDLESS if alert["ended_at"] is None else _key(alert["ended_at"])


_Reader = Callable[[Mapping[str, Any]], Any]

_OF_ALERTS: Final[tuple[tuple[Aspect, _Reader], ...]] = (
    (Aspect.SEVERITY, lambda alert: alert["severity"]),
    (Aspect.TIMES, lambda alert: (alert["started_at"], alert["raised_at"], alert["ended_at"])),
    (Aspect.THRESHOLD, lambda alert: _limits(alert["threshold"], *alert.get("limits", ()))),
    (Aspect.OBSERVED, lambda alert: (alert["observed_value"], alert["observed_unit"])),
    (Aspect.SUPPRESSION, lambda alert: alert.get("suppression")),
)
_OF_FIGURES: Final[tuple[tuple[Aspect, _Reader], ...]] = (
    (Aspect.VALUE, lambda figure: (figure["value"], figure["unit"])),
    (Aspect.STATUS, lambda figure: figure["status"]),
)


def _alert_aspects(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Aspect]:
    yield from (aspect for aspect, read in _OF_ALERTS if read(one) != read(other))


def _figure_aspects(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Aspect]:
    yield from (aspect for aspect, read in _OF_FIGURES if read(one) != read(other))


def _limits(*thresholds: Mapping[str, Any] | None) -> list[tuple[Any, ...] | None]:
    said = itemgetter("id", "comparator", "value", "unit")
    return [None if each is None else said(each) for each in thresholds]


def _said(alert: Mapping[str, Any]) -> tuple[Any, ...]:
    return alert["text"], alert["threshold"], alert.get("limits"), alert["place"], alert.get("members")


def _iso(at: datetime) -> str:
    """In UTC and with microseconds: such texts sort as their times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _key(text: str) -> str:
    """A time of JSON in the form of `_iso`."""
    return _iso(datetime.fromisoformat(text))
