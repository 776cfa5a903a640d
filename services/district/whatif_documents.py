"""What a what-if is about: when the other document would be in force, whom it concerns, how far back to read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from schemas.fields import DISTRICT_ZONE, LANE_PATTERN, Feed
from schemas.plan.book import Document, PlanBook, identity_of
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.in_force import local_midnight_us
from schemas.plan.policy import PolicyDocument
from schemas.plan.publication import in_force
from schemas.readings import MODELS
from services.district.errors import WhatIfRefused
from services.read_model.plan_limits import in_force_at, subject_of

DAY: Final = timedelta(days=1)
_UNIT_SECONDS: Final = {"s": 1.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}
_RULE_SECONDS: Final = (
    "raise_for_seconds", "gap_max_seconds", "clear_for_seconds", "hold_seconds", "max_age_seconds",
    "inhibit_grace_seconds",
)  # fmt: skip
_LANE_WORD: Final = 63


@dataclass(frozen=True, slots=True)
class LeadIn:
    """From where on readings are read before what is compared, and what asks for it."""

    since: datetime
    reason: str
    """E.g. `policy ev-operations, version 1: rule ev.connector_silent, max_age_seconds = 604800`."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Which document rules some days, and which would."""

    first: date
    last: date
    now: str | None
    """What is in force, as `policy x/1`; None: nothing."""
    other: str | None


def named(document: Document) -> str:
    """A document as people name it: `plan jianghan-14fyp/2022`."""
    kind, name, version = identity_of(document)
    return f"{kind} {name}/{version}"


def lane_of(document: Document, name: str | None) -> str:
    """The lane of a what-if; by default it is named after the document.

    Raises:
        WhatIfRefused: no lane can have such a name.
    """
    word = name
    if word is None:
        word = re.sub(r"[^a-z0-9._-]+", "-", "-".join(identity_of(document)[1:]).lower()).strip("-._")[:_LANE_WORD]
    lane = f"whatif:{word.removeprefix('whatif:')}"
    if not re.match(LANE_PATTERN, lane):
        raise WhatIfRefused(f"--name {name}: a name has small letters, digits, '.', '_' and '-', at most {_LANE_WORD}.")
    return lane


def feeds_reading(document: Document) -> tuple[Feed, ...]:
    """The feeds whose rules read something of a document: its policy, its targets, or the fields that it limits."""
    match document:
        case PolicyDocument():
            return (document.feed,)
        case PlanDocument():
            said = {entry.feed for entry in document.indicator if document.threshold(entry.id) is not None}
            return tuple(feed for feed in Feed if feed in said)
        case StandardDocument():
            fields = {item.field for item in document.item}
            return tuple(feed for feed, model in MODELS.items() if _own(model.model_fields) & fields)


def _own(fields: Iterable[str]) -> set[str]:
    common = set.intersection(*(set(model.model_fields) for model in MODELS.values()))
    return set(fields) - common


def local_days(since: datetime, until: datetime) -> Iterator[date]:
    """Every local day of a span, the last one in part where it ends within it."""
    day = since.astimezone(DISTRICT_ZONE).date()
    last = (until - timedelta(microseconds=1)).astimezone(DISTRICT_ZONE).date()
    while day <= last:
        yield day
        day += DAY


def rulings(book: PlanBook, other: Document, since: datetime, until: datetime) -> list[Ruling]:
    """What is in force of the alternative's subject on the days of a span, and what would be, in stretches."""
    changed = book.with_document(other)
    found: list[Ruling] = []
    for day in local_days(since, until):
        now, then = _ruling(book, other, day), _ruling(changed, other, day)
        if found and (found[-1].now, found[-1].other) == (now, then):
            found[-1] = Ruling(found[-1].first, day, now, then)
        else:
            found.append(Ruling(day, day, now, then))
    return found


def _ruling(book: PlanBook, other: Document, day: date) -> str | None:
    """What is in force of a subject; of plans with a common target, the one whose target it is."""
    if isinstance(other, PlanDocument):
        at_us = local_midnight_us(day)
        sources = [target.threshold.source for entry in other.indicator if (target := book.targets(entry.id).at(at_us))]
        ours = identity_of(other)
        mine = [one for one in sources if ("plan", one.id, one.version) == ours]
        chosen = (mine or sources)[:1]
        return f"plan {chosen[0].id}/{chosen[0].version}" if chosen else None
    document = in_force_at(book, subject_of(other), day)
    return None if document is None else named(document)


def check_in_force(book: PlanBook, other: Document, since: datetime, until: datetime) -> list[Ruling]:
    """The stretches of a span, in one of which the alternative must be in force and something new.

    Raises:
        WhatIfRefused: it would not be in force on any day of the span, or is published as it is.
    """
    found = rulings(book, other, since, until)
    if not any(one.other == named(other) for one in found):
        first, last = in_force(other)
        end = "" if last is None else f" to {last}"
        instead = next((one.other for one in reversed(found) if one.other), None)
        ruled = f"; {instead} rules it" if instead else ""
        raise WhatIfRefused(
            f"{named(other)} is in force from {first}{end}, and not in the days asked for "
            f"({found[0].first} to {found[-1].last}){ruled}. Ask for days in which it is, or as of which day it "
            f"would have been: --effective {found[0].first}."
        )
    if any(known == other for known in book.documents) and all(one.now == one.other for one in found):
        raise WhatIfRefused(
            f"{named(other)} is published as it stands in the file, and in force: nothing can differ. "
            "Change the file and give it another version."
        )
    return found


def lead_in(
    policies: Sequence[PolicyDocument], feed: Feed, since: datetime, *, chosen: datetime | None = None
) -> LeadIn:
    """How far before a moment readings count for what is judged after it.

    The longest time that a policy of the feed names (limits, rules, settings, lateness), and the local day's begin,
    for its figures. Taxes are added up over years: from the first year of which the foretelling makes use.

    Args:
        policies: Those in force in the span in either course.
        chosen: What the operator asked for instead.
    """
    if chosen is not None:
        return LeadIn(chosen, "--read-from")
    windows = [
        (seconds, f"policy {one.policy.id}, version {one.policy.version}: {key} = {seconds:g} s")
        for one in policies
        for key, seconds in windows_of(one)
    ]
    longest, reason = max(windows, default=(0.0, "no policy of the feed"))
    midnight = since.astimezone(DISTRICT_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    found = LeadIn(min(since - timedelta(seconds=longest), midnight).astimezone(since.tzinfo), reason)
    return min((found, *_books(policies, feed, midnight)), key=lambda one: one.since)


def _books(policies: Sequence[PolicyDocument], feed: Feed, midnight: datetime) -> Iterator[LeadIn]:
    if feed is not Feed.TAX:
        return
    for one in policies:
        head = f"policy {one.policy.id}, version {one.policy.version}: settings."
        years = int(one.settings.get("pace", {}).get("years_of_past", 0))
        yield LeadIn(
            midnight.replace(year=midnight.year - years, month=1, day=1),
            f"{head}pace.years_of_past = {years}, and the year so far",
        )
        days = int(one.settings.get("receipt_days", 0))
        yield LeadIn(midnight - timedelta(days=days), f"{head}receipt_days = {days}")


def windows_of(policy: PolicyDocument) -> Iterator[tuple[str, float]]:
    """Every time that a policy names, in seconds, by where it stands."""
    yield "window.lateness_seconds", policy.window.lateness_seconds
    for limit in policy.limit:
        if (unit := _UNIT_SECONDS.get(limit.unit)) is not None:
            yield f"limit {limit.id}", limit.value * unit
    for rule in policy.rule:
        for name in _RULE_SECONDS:
            if (seconds := getattr(rule, name)) is not None:
                yield f"rule {rule.id}, {name}", float(seconds)
    yield from _seconds_in(policy.settings, "settings")


def _seconds_in(settings: Mapping[str, Any], under: str) -> Iterator[tuple[str, float]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _seconds_in(value, f"{under}.{key}")
        elif key.endswith("_seconds") and isinstance(value, int | float):
            yield f"{under}.{key}", float(value)


def policies_of(book: PlanBook, feed: Feed, since: datetime, until: datetime) -> list[PolicyDocument]:
    """The policies of a feed that are in force in a span."""
    days = local_days(since, until)
    found = dict.fromkeys(identity_of(one) for day in days if (one := in_force_at(book, ("policy", feed), day)))
    return [one for one in book.documents if isinstance(one, PolicyDocument) and identity_of(one) in found]


def stretches(days: Sequence[date]) -> list[tuple[date, date]]:
    """Days in a row, as first and last."""
    edges = [0, *(n + 1 for n, (one, next_one) in enumerate(pairwise(days)) if next_one - one != DAY), len(days)]
    return [(days[begin], days[end - 1]) for begin, end in pairwise(edges)] if days else []
