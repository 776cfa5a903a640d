"""What a what-if came to: as JSON, and as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from schemas.plan.book import identity_of
from services.district.whatif import Answer, FeedAnswer
from services.district.whatif_compare import Agreement, Aspect, Change, Compared, Difference, Why, counts, source_of
from services.district.whatif_documents import named, stretches
from services.district.words import UNKNOWN, count, day_and_time, quantity

SHOWN: Final = 30
"""So many differences of a kind are shown to people; JSON and the page have all."""

CHANGES: Final = {
    Change.GONE: "would not have been raised",
    Change.ADDED: "would have been raised besides",
    Change.CHANGED: "would have differed",
}
WHYS: Final = {
    Why.OTHER_TIMES: "the same matter, another begin",
    Why.OTHER_DOCUMENT: "real life judged by a document that does not rule this time here",
    Why.READINGS_GONE: "readings of the days read are not stored any more",
    Why.READINGS_IMPORTED: "readings were imported, which no processor had judged",
    Why.NOT_KNOWN: "not known; what was learned before the lead-in, or judging that stood still",
}


# -- JSON --------------------------------------------------------------------------------------------------------------


def answer_dict(found: Answer) -> dict[str, Any]:
    """The whole answer, JSON-ready but for times."""
    asked = found.question
    return {
        "lane": asked.lane,
        "from": asked.since,
        "to": asked.until,
        "document": "/".join(identity_of(asked.alternative)),
        "documents_from": found.published.origin,
        "unread": list(found.published.unread),
        "in_force": [
            {"first": one.first, "last": one.last, "now": one.now, "alternative": one.other} for one in found.rulings
        ],
        "changes": list(found.changes),
        "baseline_agrees": found.agrees,
        "nothing_can_differ": [feed.value for feed in found.silent],
        "no_answer": {feed.value: why for feed, why in found.empty.items()},
        "feeds": [_feed_dict(each) for each in found.feeds],
    }


def _feed_dict(each: FeedAnswer) -> dict[str, Any]:
    tally = each.tally
    return {
        "feed": each.feed.value,
        "read_from": each.lead_in.since,
        "read_from_reason": each.lead_in.reason,
        "clock_ends": each.ends,
        "readings": {
            "read": tally.read,
            "late": tally.late,
            "too_late": tally.too_late,
            "imported": tally.imported,
            "after_the_end": tally.after_the_end,
        },
        "readings_gone": [
            {"day": day, "stored": stored, "were": were} for day, (stored, were) in sorted(each.gone.items())
        ],
        "failed": each.failed,
        "failures": list(each.failures),
        "baseline": asdict(each.agreement),
        "alerts": _compared_dict(each.alerts, ("rule", "asset")),
        "indicators": _compared_dict(each.figures, ("id", "subject")) | {"partly_read": each.partly_read},
    }


def _compared_dict(compared: Compared, by: tuple[str, ...]) -> dict[str, Any]:
    return {
        "same": compared.same,
        "reworded": compared.reworded,
        **{f"by_{name}": counts(compared.differences, name) for name in by},
        "differences": [
            {
                "change": one.change.value,
                "aspects": [aspect.value for aspect in one.aspects],
                "source_in_force": source_of(one.in_force),
                "source_alternative": source_of(one.alternative),
                "in_force": one.in_force,
                "alternative": one.alternative,
            }
            for one in compared.differences
        ],
    }


# -- lines for people --------------------------------------------------------------------------------------------------


def answer_lines(found: Answer) -> Iterator[str]:
    """The answer in lines, times in the district's; a baseline that disagrees comes first."""
    for each in found.feeds:
        yield from _agreement_lines(each)
    asked = found.question
    span = f"{day_and_time(asked.since)} to {day_and_time(asked.until)}"
    yield f"What if {named(asked.alternative)} had been in force, {span}"
    for one in found.rulings:
        yield f"  {one.first} to {one.last}: {one.other or 'nothing'} instead of {one.now or 'nothing'}"
    yield from (f"  {line}" for line in found.changes)
    yield f"  documents in force as the {found.published.origin} has them; lane {asked.lane}, nothing is written"
    yield from (f"  passed over: {line}" for line in found.published.unread)
    for feed in found.silent:
        yield f"{feed}: no rule of this feed reads {named(asked.alternative)}: nothing can differ"
    yield from found.empty.values()
    for each in found.feeds:
        yield from _feed_lines(each)


def _agreement_lines(each: FeedAnswer) -> Iterator[str]:
    agreed = each.agreement
    if agreed.is_whole:
        return
    yield (
        f"{each.feed}: THE BASELINE DISAGREES with real life: of {agreed.stored} alerts that were stored and "
        f"{agreed.judged} of the course in force {agreed.equal} are the same (rule, asset, begin)"
    )
    for why, stored, judged in disagreements(agreed):
        yield f"  {stored} stored alone, {judged} judged alone: {WHYS[why]}"
    for one in agreed.disagreements[:SHOWN]:
        where = "stored alone" if one.is_stored else "judged alone"
        yield f"  {where}: {one.rule} {one.asset}, began {day_and_time(one.started_at)} ({one.source})"
    if more := len(agreed.disagreements) - SHOWN:
        yield from [f"  and {more} more"] if more > 0 else []


def disagreements(agreed: Agreement) -> list[tuple[Why, int, int]]:
    """Each reason with how many alerts are stored alone and judged alone for its sake."""
    whys = [(one.why, one.is_stored) for one in agreed.disagreements]
    return [(why, whys.count((why, True)), whys.count((why, False))) for why in Why if any(why is w for w, _ in whys)]


def _feed_lines(each: FeedAnswer) -> Iterator[str]:
    tally, agreed = each.tally, each.agreement
    yield (
        f"{each.feed}: {count(tally.read)} readings from {day_and_time(each.lead_in.since)} "
        f"({each.lead_in.reason}) to {day_and_time(each.ends)}"
    )
    yield (
        f"  {count(tally.late)} came late, {count(tally.too_late)} too late to count, {count(tally.imported)} were "
        f"imported, {count(tally.after_the_end)} came after the clock's end"
    )
    for first, last in stretches(sorted(each.gone)):
        stored = sum(n for day, (n, _) in each.gone.items() if first <= day <= last)
        were = sum(n for day, (_, n) in each.gone.items() if first <= day <= last)
        yield f"  of the readings from {first} to {last} {count(stored)} of {count(were)} are still stored"
    if each.failed:
        yield f"  {each.failed} could not be judged, e.g. {each.failures[0]}"
    severity = f", {agreed.equal_but_severity} of them at another level" if agreed.equal_but_severity else ""
    yield f"  baseline: {agreed.equal} of {agreed.stored} stored alerts are judged the same{severity}"
    yield from _compared_lines("alerts", each.alerts, "rule", alert_line)
    yield from _compared_lines("indicators", each.figures, "id", figure_line)
    if each.partly_read:
        named_ones = ", ".join(f"{name} ({n})" for name, n in sorted(each.partly_read.items()))
        yield f"  left out, since their periods began before what was read (--read-from reads more): {named_ones}"


def _compared_lines(what: str, compared: Compared, by: str, line: Any) -> Iterator[str]:
    yield (
        f"  {what}: {len(compared.differences)} differ, {compared.same} are the same, {compared.reworded} only cite "
        "another document"
    )
    for name, counted in counts(compared.differences, by).items():
        said = ", ".join(f"{n} {CHANGES[Change(change)]}" for change, n in counted.items() if n)
        yield f"    {name}: {said}"
    yield from (f"      {line(one)}" for one in compared.differences[:SHOWN])
    if len(compared.differences) > SHOWN:
        yield f"      and {len(compared.differences) - SHOWN} more; --json has all"


def alert_line(one: Difference) -> str:
    """One alert that differs."""
    alert = one.either
    head = f"{CHANGES[one.change]}: {alert['rule']} {alert['place']}, began {_local(alert['started_at'])}"
    return f"{head}: {_before_and_after(one, _alert_said, one.aspects)}"


def figure_line(one: Difference) -> str:
    """One figure that differs."""
    figure = one.either
    period = f"{_local(figure['period_start'])} to {_local(figure['period_end'])}"
    subject = figure["subject_name"] or figure["subject"]
    return f"{figure['id']} {subject}, {period}: {_before_and_after(one, _figure_said, one.aspects)}"


def _before_and_after(one: Difference, said: Any, aspects: Iterable[Aspect]) -> str:
    chosen = tuple(aspects)
    sides = [
        "nothing" if each is None else f"{said(each, chosen)} ({source_of(each) or 'no target'})"
        for each in (one.in_force, one.alternative)
    ]
    return " → ".join(sides)


def _alert_said(alert: Mapping[str, Any], aspects: tuple[Aspect, ...]) -> str:
    parts = [f"level {alert['severity']}", quantity(alert["observed_value"], alert["observed_unit"])]
    if not aspects or Aspect.TIMES in aspects:
        parts.append(f"{_local(alert['started_at'])} to {_local(alert['ended_at'])}")
    bound = alert["threshold"]
    return f"{', '.join(parts)}, limit {bound['comparator']} {quantity(bound['value'], bound['unit'])}"


def _figure_said(figure: Mapping[str, Any], _: tuple[Aspect, ...]) -> str:
    bound = figure["threshold"]
    target = "" if bound is None else f", target {bound['comparator']} {bound['value']:g}"
    return f"{quantity(figure['value'], figure['unit'])} {figure['status']}{target}"


def _local(at: str | None) -> str:
    return UNKNOWN if at is None else day_and_time(datetime.fromisoformat(at))
